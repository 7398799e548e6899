// boot.S - from where the boot loader leaves us to C, on the first processor and on the others, and from
// an interrupt to C.
//
//   first processor   32 bits, paging off (PVH)  -> boot_entry -> enter_long_mode -> machine_boot
//   others            16 bits, at 0x8000         -> trampoline -> ap_entry -> enter_long_mode -> machine_boot_other
//
// Memory is mapped twice, in pages of 1 GiB: physical address p is readable at p, where the kernel is
// linked, and at 0xffff800000000000 + p, the direct map that the heap works through.
//
// PVH: "x86/HVM direct boot ABI" of Xen, and struct hvm_start_info; QEMU's -kernel speaks it.
// SPDX-License-Identifier: MIT

        .set    CODE_64, 8              // selectors: offsets in gdt
        .set    DATA, 16
        .set    CODE_32, 24
        .set    TRAMPOLINE, 0x8000      // below 1 MiB: where other processors begin
        .set    STACK_BYTES, 16384      // of the first processor

// The note: owner "Xen", type 18 (PHYS32_ENTRY), the 32-bit address to enter at.
        .section .note.pvh, "a", @note
        .balign 4
        .long   4, 4, 18
        .asciz  "Xen"
        .long   boot_entry

        .section .text.boot, "ax"
        .code32
        .globl  boot_entry
boot_entry:                             // ebx: physical address of hvm_start_info
        cli
        cld
        movl    $boot_stack_end, %esp
        movl    %ebx, %edi              // the first argument of machine_boot; rdi keeps it on the way
        // One table of 512 pages of 1 GiB serves both halves of the address space.
        movl    $pages_1g + 3, pages_top
        movl    $pages_1g + 3, pages_top + 256 * 8
        xorl    %ecx, %ecx
1:      movl    %ecx, %eax
        shll    $30, %eax               // address bits 30 and 31
        orl     $0x83, %eax             // present, writable, a page of this size
        movl    %eax, pages_1g(, %ecx, 8)
        movl    %ecx, %eax
        shrl    $2, %eax                // address bits 32 and above
        movl    %eax, pages_1g + 4(, %ecx, 8)
        incl    %ecx
        cmpl    $512, %ecx
        jne     1b
        call    enter_long_mode
        lgdt    gdt_pointer
        ljmp    $CODE_64, $boot_entry_64

// Turns paging and long mode on. Returns in 32-bit compatibility mode.
enter_long_mode:
        movl    $pages_top, %eax
        movl    %eax, %cr3
        movl    %cr4, %eax
        orl     $0x20, %eax             // PAE
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx       // EFER
        rdmsr
        orl     $0x900, %eax            // LME, NXE
        wrmsr
        movl    %cr0, %eax
        orl     $0x80010001, %eax       // PG, WP, PE
        movl    %eax, %cr0
        ret

        .code64
load_data_segments:
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        ret

boot_entry_64:
        call    load_data_segments
        movl    %edi, %edi              // the upper half is undefined after the switch
        xorl    %ebp, %ebp
        call    machine_boot            // does not return

ap_entry_64:
        movq    machine_other_stack(%rip), %rsp
        call    load_data_segments
        xorl    %ebp, %ebp
        call    machine_boot_other      // does not return

        .code32
ap_entry:
        movl    machine_other_stack, %esp // set by who starts us, one processor at a time
        call    enter_long_mode
        lgdt    gdt_pointer
        ljmp    $CODE_64, $ap_entry_64

// Copied to TRAMPOLINE. A processor begins in real mode with cs = TRAMPOLINE / 16.
        .globl  machine_trampoline, machine_trampoline_end
        .code16
machine_trampoline:
        cli
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        lgdtl   trampoline_gdt_pointer - machine_trampoline
        movl    %cr0, %eax
        orl     $1, %eax                // PE
        movl    %eax, %cr0
        ljmpl   $CODE_32, $TRAMPOLINE + trampoline_32 - machine_trampoline
        .code32
trampoline_32:
        movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $ap_entry, %eax
        jmp     *%eax
        .balign 4
trampoline_gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt                     // in the image: below 4 GiB
machine_trampoline_end:

// Interrupts. Each vector has a stub that pushes its number, and a zero where the processor pushes no
// error code; what the handler gets is struct interrupt_frame (interrupts.c).
        .code64
        .text
interrupt_common:
        pushq   %rax
        pushq   %rcx
        pushq   %rdx
        pushq   %rbx
        pushq   %rbp
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        cld
        movq    %rsp, %rdi
        movq    %rsp, %rbx
        andq    $-16, %rsp              // the ABI's alignment at calls
        call    machine_interrupt
        movq    %rbx, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rbp
        popq    %rbx
        popq    %rdx
        popq    %rcx
        popq    %rax
        addq    $16, %rsp               // number and error code
        iretq

        .set    WITH_ERROR_CODE, 0x60227d00 // vectors 8, 10 to 14, 17, 21, 29, 30
        .balign 16
        .globl  machine_interrupt_stubs
machine_interrupt_stubs:                // 16 bytes each
        .set    vector, 0
        .rept   256
        .balign 16
        .if     vector >= 32 || ((WITH_ERROR_CODE >> (vector & 31)) & 1) == 0
        pushq   $0
        .endif
        pushq   $vector
        jmp     interrupt_common
        .set    vector, vector + 1
        .endr

        .section .rodata
        .balign 8
gdt:    .quad   0
        .quad   0x00af9a000000ffff      // CODE_64
        .quad   0x00cf92000000ffff      // DATA
        .quad   0x00cf9a000000ffff      // CODE_32
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        .bss
        .balign 4096
        .globl  pages_top
pages_top:
        .skip   4096
pages_1g:
        .skip   4096
        .skip   STACK_BYTES
boot_stack_end:

        .section .note.GNU-stack, "", @progbits
