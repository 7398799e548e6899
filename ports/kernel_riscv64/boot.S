// boot.S - from where the firmware leaves us to C, on the first processor and on the others, and from a trap
// to C. All of it in supervisor mode.
//
//   first processor   a0: its hart, a1: the devicetree  -> boot_entry   -> machine_boot
//   others            a0: their hart                    -> machine_entry_other -> machine_boot_other
//
// Memory is mapped twice (Sv39), in pages of 1 GiB: physical address p is readable at p, where the kernel is
// linked, and at 0xffffffc000000000 + p, the direct map that the heap works through.
//
// Source: RISC-V privileged architecture, chapter "Supervisor-level ISA"; SBI specification, "HSM".
// SPDX-License-Identifier: MIT

        .set    STACK_BYTES, 16384      // of the first processor
        .set    SATP_SV39, 8
        .set    PAGE_FLAGS, 0xef        // valid, read, write, execute, global, accessed, dirty

        .section .text.boot, "ax"
        .globl  boot_entry
boot_entry:
        csrci   sstatus, 2              // interrupts off
        la      sp, boot_stack_end
        // The table's upper half maps what its lower half does.
        la      t0, pages_1g + 1024     // between the two: offsets have 12 bits
        li      t1, PAGE_FLAGS
        li      t2, 1 << 28             // 1 GiB, as a table's entry counts addresses
        li      t3, 256
1:      sd      t1, -1024(t0)
        sd      t1, 1024(t0)
        add     t1, t1, t2
        addi    t0, t0, 8
        addi    t3, t3, -1
        bnez    t3, 1b
        call    paging_on
        call    machine_boot            // does not return

        .globl  machine_entry_other
machine_entry_other:
        call    paging_on
        ld      sp, machine_other_stack // set by who starts us, one processor at a time
        call    machine_boot_other      // does not return

paging_on:
        la      t0, pages_1g
        srli    t0, t0, 12
        li      t1, SATP_SV39 << 60
        or      t0, t0, t1
        sfence.vma
        csrw    satp, t0
        sfence.vma
        ret

// Traps: stvec leads here. What C may change is saved, with where to return to.
        .text
        .balign 4
        .globl  machine_trap_entry
machine_trap_entry:
        addi    sp, sp, -144
        sd      ra, 0(sp)
        sd      t0, 8(sp)
        sd      t1, 16(sp)
        sd      t2, 24(sp)
        sd      t3, 32(sp)
        sd      t4, 40(sp)
        sd      t5, 48(sp)
        sd      t6, 56(sp)
        sd      a0, 64(sp)
        sd      a1, 72(sp)
        sd      a2, 80(sp)
        sd      a3, 88(sp)
        sd      a4, 96(sp)
        sd      a5, 104(sp)
        sd      a6, 112(sp)
        sd      a7, 120(sp)
        csrr    t0, sepc
        sd      t0, 128(sp)
        csrr    t1, sstatus
        sd      t1, 136(sp)
        csrr    a0, scause
        mv      a1, t0
        call    machine_trap
        ld      t0, 128(sp)
        csrw    sepc, t0
        ld      t1, 136(sp)
        csrw    sstatus, t1
        ld      ra, 0(sp)
        ld      t0, 8(sp)
        ld      t1, 16(sp)
        ld      t2, 24(sp)
        ld      t3, 32(sp)
        ld      t4, 40(sp)
        ld      t5, 48(sp)
        ld      t6, 56(sp)
        ld      a0, 64(sp)
        ld      a1, 72(sp)
        ld      a2, 80(sp)
        ld      a3, 88(sp)
        ld      a4, 96(sp)
        ld      a5, 104(sp)
        ld      a6, 112(sp)
        ld      a7, 120(sp)
        addi    sp, sp, 144
        sret

        .bss
        .balign 4096
pages_1g:
        .skip   4096
        .skip   STACK_BYTES
boot_stack_end:

        .section .note.GNU-stack, "", @progbits
