// Sets up the serial port as a driver does, says "ready", sends back what is typed, and powers off at a 'q'.
#include "guest.inc"

guest_start:
    out8 UART_LINE_CONTROL, 0x03    // 8 bits, no parity, 1 stop bit
    out8 UART_MODEM_CONTROL, 0x0b   // DTR | RTS | OUT2
    print text, 6
next:
    await LSR_DATA_READY
    mov $UART_DATA, %dx
    in %dx, %al
    mov %eax, %ebx
    await LSR_HOLDING_EMPTY
    mov %ebx, %eax
    mov $UART_DATA, %dx
    out %al, %dx
    cmp $'q', %al
    jne next
    power_off
text:
    .ascii "ready\n"
