// Prints its command line. Then it asks for a reset when that begins with "reset", waits for ever when it begins with "Timed
// out", and else powers off.
#include "guest.inc"

guest_start:
    mov START_INFO_CMDLINE(%ebx), %esi
    mov %esi, %ebx
next:
    await LSR_HOLDING_EMPTY
    mov (%esi), %al
    test %al, %al
    jz end
    mov $UART_DATA, %dx
    out %al, %dx
    inc %esi
    jmp next
end:
    mov $'\n', %al
    mov $UART_DATA, %dx
    out %al, %dx
    await LSR_HOLDING_EMPTY
    cmpl $0x65736572, (%ebx)        // "rese"
    jne wait
    out8 RESET_REGISTER, RESET_VALUE
1:  jmp 1b
wait:
    cmpl $0x656d6954, (%ebx)        // "Time"
    je wait
    power_off
