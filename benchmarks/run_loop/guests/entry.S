// From the PVH entry (32-bit protected mode, no paging, %ebx = start_info) to Main() in ring 3 of long mode, with every
// port, interrupts on, and the first 4 GiB mapped one to one for everyone. Ring 3, because a software KVM runs only that
// on the processor and emulates every instruction of ring 0. The ports are allowed twice, by IOPL 3 and by the task
// state's bitmap, because such a KVM may lose the IOPL.

.set KERNEL_CODE, 0x10
.set USER_DATA, 0x28 | 3        // the selectors that Linux has: a software KVM may run ring 3 with no others
.set USER_CODE, 0x30 | 3
.set TASK, 0x40
.set CR4_PAE, 1 << 5
.set CR0_PG, 1 << 31
.set EFER, 0xc0000080
.set EFER_LME, 1 << 8
.set FLAGS, 0x3202              // reserved one, IF, IOPL 3
.set PAGE_TABLE, 0x07           // present, writable, user
.set LARGE_PAGE, 0x87
.set LOCAL_APIC_EOI, 0xfee000b0

    .section .note.pvh, "a", @note
    .balign 4
    .long 4
    .long 4
    .long 18                    // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long guest_start

    .section .note.GNU-stack, "", @progbits

    .text
    .code32
    .globl guest_start
guest_start:
    mov %ebx, %edi              // Main's argument
    mov $task_state, %eax
    mov %ax, gdt + TASK + 2
    shr $16, %eax
    mov %al, gdt + TASK + 4
    mov %ah, gdt + TASK + 7
    lgdt gdt_register
    mov %cr4, %eax
    or $CR4_PAE, %eax
    mov %eax, %cr4
    mov $page_map, %eax
    mov %eax, %cr3
    mov $EFER, %ecx
    rdmsr
    or $EFER_LME, %eax
    wrmsr
    mov %cr0, %eax
    or $CR0_PG, %eax
    mov %eax, %cr0
    ljmp $KERNEL_CODE, $long_mode

    .code64
long_mode:
    mov $kernel_stack_end, %esp
    mov $TASK, %eax
    ltr %ax
    lidt idt_register
    mov $USER_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    push $USER_DATA
    push $user_stack_end - 8    // as after a call
    push $FLAGS
    push $USER_CODE
    push $Main
    iretq

// The only interrupt there is: counts, and tells the local APIC.
    .globl interrupt_entry
interrupt_entry:
    incq interrupt_count
    push %rax
    mov $LOCAL_APIC_EOI, %eax
    movl $0, (%rax)
    pop %rax
    iretq

    .data
    .balign 4096
page_map:
    .quad page_directories_table + PAGE_TABLE
    .fill 511, 8, 0
page_directories_table:
    .quad page_directories + PAGE_TABLE
    .quad page_directories + 0x1000 + PAGE_TABLE
    .quad page_directories + 0x2000 + PAGE_TABLE
    .quad page_directories + 0x3000 + PAGE_TABLE
    .fill 508, 8, 0
page_directories:
    .set address, 0
    .rept 2048
    .quad address + LARGE_PAGE
    .set address, address + 0x200000
    .endr

    .balign 16
gdt:
    .quad 0
    .quad 0
    .quad 0x00af9b000000ffff    // kernel code, 64 bits
    .quad 0x00cf93000000ffff    // kernel data
    .quad 0
    .quad 0x00cff3000000ffff    // user data
    .quad 0x00affb000000ffff    // user code, 64 bits
    .quad 0
    .quad 0x0000890000000067 + 0x2001 // task state; its base is put in at the start
    .quad 0
gdt_register:
    .word gdt_register - gdt - 1
    .long gdt
idt_register:
    .word 0x40 * 16 + 15        // up to the one vector in use
    .quad interrupt_table

    .balign 16
task_state:
    .long 0
    .quad kernel_stack_end      // the stack of ring 0
    .fill 90, 1, 0
    .word 104                   // the port bitmap
    .fill 0x2000, 1, 0          // every port
    .byte 0xff

    .globl interrupt_table, interrupt_count
    .balign 16
interrupt_table:
    .fill 65 * 16, 1, 0
interrupt_count:
    .quad 0

    .balign 16
    .fill 4096, 1, 0
kernel_stack_end:
    .fill 8192, 1, 0
user_stack_end:
