// Where the driver guests begin: a stack, then C++.
#include "guest.inc"

guest_start:
    mov $stack_end, %esp
    push %ebx
    call GuestMain

    .bss
    .balign 16
    .skip 16384
stack_end:
