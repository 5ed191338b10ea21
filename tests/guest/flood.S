// Prints KiB after KiB of numbered lines, 8 bytes each ("0000000\n", "0000001\n", hexadecimal), as many KiB as its
// command line says in decimal, then powers off. Two lines fill the FIFO and go out once LSR.THRE is there.
#include "guest.inc"

// Behind '9' comes 'a'.
.macro next_digit
    cmp $'9' + 1, %al
    jne 6f
    mov $'a', %al
6:
.endm

guest_start:
    mov START_INFO_CMDLINE(%ebx), %esi
    xor %ebp, %ebp
digit:                          // %ebp = KiB
    movzbl (%esi), %eax
    sub $'0', %eax
    cmp $9, %eax
    ja parsed
    imul $10, %ebp
    add %eax, %ebp
    inc %esi
    jmp digit
parsed:
    shl $6, %ebp                // FIFOs of 16 bytes in so many KiB
    jz done
    out8 UART_FIFO_CONTROL, 0x01
pair:
    print lines, 16
    // Both lines' numbers grow by two. The last digits are 0 and 1, 2 and 3, ... e and f: they carry together.
    mov lines + 6, %al
    add $2, %al
    cmp $'f' + 1, %al
    je carry
    next_digit
    mov %al, lines + 6
    inc %al
    mov %al, lines + 14
    jmp printed
carry:
    movb $'0', lines + 6
    movb $'1', lines + 14
    mov $5, %ecx
next_place:
    mov lines(%ecx), %al
    inc %al
    cmp $'f' + 1, %al
    jne no_carry
    movb $'0', lines(%ecx)
    movb $'0', lines + 8(%ecx)
    dec %ecx
    jns next_place
no_carry:
    next_digit
    mov %al, lines(%ecx)
    mov %al, lines + 8(%ecx)
printed:
    dec %ebp
    jnz pair
done:
    power_off

    .data
lines:
    .ascii "0000000\n0000001\n"
