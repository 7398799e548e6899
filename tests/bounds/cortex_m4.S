// cortex_m4.S - from reset to main on a Cortex-M4, and the call to the host that QEMU offers.
// RAM is clear and flash is in place when QEMU starts, and nothing here has initialised data.
// SPDX-License-Identifier: MIT
    .syntax unified
    .cpu cortex-m4
    .thumb
    .section .vectors, "a"
    .word 0x20400000
    .word reset
    .rept 14
    .word fault
    .endr

    .text
    .thumb_func
    .global reset
reset:
    bl main
    .thumb_func
fault:
    movs r0, #1
    .thumb_func
    .global leave // status: ends QEMU
leave:
    mov r2, r0
    ldr r1, =block
    ldr r0, =0x20026 // ADP_Stopped_ApplicationExit
    str r0, [r1]
    str r2, [r1, #4]
    movs r0, #0x20 // SYS_EXIT_EXTENDED
    bkpt 0xab
    b .
    .thumb_func
    .global host_write // text: to the host's standard output
host_write:
    mov r1, r0
    movs r0, #4 // SYS_WRITE0
    bkpt 0xab
    bx lr

    .bss
    .align 2
block:
    .space 8
