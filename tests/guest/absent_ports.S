// Reads where no device is, in every width, and writes there. Reads must give all ones; writes must do nothing.
#include "guest.inc"

.set ABSENT_PORT, 0x2f8         // where a second serial port would be
.set ABSENT_MMIO, 0xd0100000    // in the hole for registers, behind all devices
.set ABSENT_RAM, 0xf0000000     // in that hole too, away from every register

.macro must_be_ones register
    cmp $-1, \register
    jne failed
.endm

guest_start:
    mov $ABSENT_PORT, %dx
    xor %eax, %eax
    in %dx, %al
    must_be_ones %al
    xor %eax, %eax
    in %dx, %ax
    must_be_ones %ax
    xor %eax, %eax
    in %dx, %eax
    must_be_ones %eax
    mov $0xffff, %dx            // the last port there is
    xor %eax, %eax
    in %dx, %al
    must_be_ones %al
    mov $0xcfc, %dx             // PCI configuration: no bus, so no device
    xor %eax, %eax
    in %dx, %eax
    must_be_ones %eax

    xor %eax, %eax
    mov ABSENT_MMIO, %al
    must_be_ones %al
    xor %eax, %eax
    mov ABSENT_MMIO, %ax
    must_be_ones %ax
    xor %eax, %eax
    mov ABSENT_MMIO, %eax
    must_be_ones %eax
    xor %eax, %eax
    mov ABSENT_MMIO + 0xffe, %eax   // across a page's end
    must_be_ones %eax
    xor %eax, %eax
    mov ABSENT_RAM, %eax
    must_be_ones %eax

    xor %eax, %eax
    mov $ABSENT_PORT, %dx
    out %al, %dx
    out %eax, %dx
    mov %eax, ABSENT_MMIO
    mov ABSENT_MMIO, %eax       // nothing there keeps what was written
    must_be_ones %eax
    print good, 3
    power_off
failed:
    print bad, 5
    power_off
good:
    .ascii "ok\n"
bad:
    .ascii "FAIL\n"
