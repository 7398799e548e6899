// boot.S - from where the boot loader leaves us to C, on the first processor and on the others, and from an
// exception to C. All of it at exception level 1; from level 2, where some boot loaders leave us, we go there.
//
//   first processor   x0: the devicetree, or 0  -> boot_entry          -> machine_boot
//   others                                      -> machine_entry_other -> machine_boot_other
//
// Memory is mapped twice (granules of 4 KiB, addresses of 39 bits), in blocks of 1 GiB: physical address p is
// readable at p, where the kernel is linked, and at 0xffffff8000000000 + p, the direct map that the heap
// works through. One table serves both halves of the address space. The first GiB has the devices.
//
// Source: Arm Architecture Reference Manual, chapters D1 (exceptions) and D8 (translation).
// SPDX-License-Identifier: MIT

        .set    STACK_BYTES, 16384      // of the first processor
        .set    BLOCK_DEVICE, 0x401     // a block, accessed, of the memory type that MAIR's byte 0 has
        .set    NOT_EXECUTABLE, 0x60    // bits 53 and 54, counted from 48
        .set    BLOCK_MEMORY, 0x705     // the same, of byte 1, shared by all processors
        .set    MEMORY_TYPES, 0xff00    // byte 0: device, no gathering; byte 1: memory, cached
        .set    HALF, 0x3519            // 39 bits, tables in cached memory that is shared by all
        .set    GRANULE_UPPER, 2 << 30  // 4 KiB; that of the lower half is encoded as 0
        .set    SIZE_40, 2              // physical addresses have 40 bits; bits 32 and above
        .set    LEVEL_2, 2 << 2
        .set    HYPERVISOR_64_BIT, 1 << 31 // level 1 runs code of 64 bits; nothing else is taken from it
        .set    TIMER_FREE, 3           // level 1 has the counter and the timer
        .set    STATE_LEVEL_1, 0x3c5    // on its own stack, with interrupts of all kinds off
        .set    CONTROL_OFF, 0x30d00800 // SCTLR: the bits that are always 1
        .set    CONTROL_ON, 0x1005      // in SCTLR: paging, caches for data and for instructions

        .section .text.boot, "ax"
        .globl  boot_entry
boot_entry:
        msr     daifset, #15            // interrupts of all kinds off
        bl      enter_level_1
        adrp    x1, pages_1g
        mov     x2, #BLOCK_DEVICE
        movk    x2, #NOT_EXECUTABLE, lsl #48
        str     x2, [x1]
        mov     x3, #1
1:      mov     x2, #BLOCK_MEMORY
        orr     x2, x2, x3, lsl #30
        str     x2, [x1, x3, lsl #3]
        add     x3, x3, #1
        cmp     x3, #512
        b.ne    1b
        bl      paging_on
        adrp    x1, boot_stack_end
        mov     sp, x1
        bl      machine_boot            // does not return

        .globl  machine_entry_other
machine_entry_other:
        msr     daifset, #15
        bl      enter_level_1
        bl      paging_on
        adrp    x1, machine_other_stack // set by who starts us, one processor at a time
        ldr     x1, [x1, :lo12:machine_other_stack]
        mov     sp, x1
        bl      machine_boot_other      // does not return

// Changes x9 only.
enter_level_1:
        mrs     x9, currentel
        cmp     x9, #LEVEL_2
        b.ne    1f
        mov     x9, #HYPERVISOR_64_BIT
        msr     hcr_el2, x9
        mrs     x9, cnthctl_el2
        orr     x9, x9, #TIMER_FREE
        msr     cnthctl_el2, x9
        msr     cntvoff_el2, xzr
        ldr     x9, =CONTROL_OFF
        msr     sctlr_el1, x9
        mov     x9, #STATE_LEVEL_1
        msr     spsr_el2, x9
        msr     elr_el2, x30            // eret is our return
        eret
1:      ret

paging_on:
        adrp    x1, pages_1g
        dsb     sy
        msr     ttbr0_el1, x1
        msr     ttbr1_el1, x1
        mov     x1, #MEMORY_TYPES
        msr     mair_el1, x1
        ldr     x1, =(HALF | HALF << 16 | GRANULE_UPPER | SIZE_40 << 32)
        msr     tcr_el1, x1
        tlbi    vmalle1
        dsb     sy
        isb
        mrs     x1, sctlr_el1
        mov     x2, #CONTROL_ON
        orr     x1, x1, x2
        msr     sctlr_el1, x1
        isb
        ret

// Exceptions: VBAR leads here, to sixteen entries of 128 bytes. What C may change is saved, with where to
// return to.
        .text
        .balign 2048
        .globl  machine_vectors
machine_vectors:
        .set    vector, 0
        .rept   16
        .balign 128
        sub     sp, sp, #192
        stp     x0, x1, [sp]
        mov     x0, #vector
        b       exception_common
        .set    vector, vector + 1
        .endr
        .balign 128

exception_common:
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x29, [sp, #144]
        mrs     x1, elr_el1
        mrs     x2, spsr_el1
        stp     x30, x1, [sp, #160]
        str     x2, [sp, #176]
        bl      machine_exception
        ldr     x2, [sp, #176]
        ldp     x30, x1, [sp, #160]
        msr     spsr_el1, x2
        msr     elr_el1, x1
        ldp     x18, x29, [sp, #144]
        ldp     x16, x17, [sp, #128]
        ldp     x14, x15, [sp, #112]
        ldp     x12, x13, [sp, #96]
        ldp     x10, x11, [sp, #80]
        ldp     x8, x9, [sp, #64]
        ldp     x6, x7, [sp, #48]
        ldp     x4, x5, [sp, #32]
        ldp     x2, x3, [sp, #16]
        ldp     x0, x1, [sp]
        add     sp, sp, #192
        eret

        .bss
        .balign 4096
pages_1g:
        .skip   4096
        .skip   STACK_BYTES             // whole pages, so that adrp finds its end
boot_stack_end:

        .section .note.GNU-stack, "", @progbits
