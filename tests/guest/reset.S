// Asks for a reset through the ACPI reset register.
#include "guest.inc"

guest_start:
    out8 RESET_REGISTER, RESET_VALUE
1:  jmp 1b
