// start.c - from reset to main on any Cortex-M: the vector table, and memory as C wants it. Everything a board
// must do before, such as clocks, belongs to cortex_m_board, which does nothing unless it is defined.
//
// Handlers have the names of CMSIS and are weak: define SysTick_Handler, and it is called. Of a board's
// own interrupts there are 32 places, all of which call Interrupt_Handler.
// SPDX-License-Identifier: MIT
#include "cortex_m.h"

// From the linker script.
extern uint32_t data_in_flash[];
extern uint32_t data_start[];
extern uint32_t data_end[];
extern uint32_t bss_start[];
extern uint32_t bss_end[];
extern uint32_t stack_top[];

_Noreturn void cortex_m_reset(void);
int main(void);

void cortex_m_board(void);
__attribute__((weak)) void cortex_m_board(void)
{
}

/// Interrupts and faults that nobody handles end the program.
static void unhandled(void)
{
    cortex_m_exit(CORTEX_M_UNHANDLED);
}

#define HANDLER(name)                                                                              \
    void name(void); /* NOLINT(readability-identifier-naming): CMSIS's */                          \
    __attribute__((weak, alias("unhandled"))) void name(void)

HANDLER(NMI_Handler);
HANDLER(HardFault_Handler);
HANDLER(MemManage_Handler);
HANDLER(BusFault_Handler);
HANDLER(UsageFault_Handler);
HANDLER(SVC_Handler);
HANDLER(DebugMon_Handler);
HANDLER(PendSV_Handler);
HANDLER(SysTick_Handler);
HANDLER(Interrupt_Handler);

#define FOUR(name) name, name, name, name

typedef void handler(void);

// What the processor finds at address 0, or where a boot loader says: the stack's top, then where to go.
__attribute__((section(".vectors"), used)) static handler *const vectors[16 + 32] = {
    (handler *)(uintptr_t)stack_top,
    cortex_m_reset,
    NMI_Handler,
    HardFault_Handler,
    MemManage_Handler,
    BusFault_Handler,
    UsageFault_Handler,
    [11] = SVC_Handler,
    DebugMon_Handler,
    [14] = PendSV_Handler,
    SysTick_Handler,
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
    FOUR(Interrupt_Handler),
};

_Noreturn void cortex_m_reset(void)
{
    const uint32_t *from = data_in_flash;
    for (uint32_t *to = data_start; to != data_end; to++) {
        *to = *from;
        from += 1;
    }
    for (uint32_t *to = bss_start; to != bss_end; to++) {
        *to = 0;
    }
    cortex_m_board();
    cortex_m_exit(main());
}
