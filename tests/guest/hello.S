// Prints a line and powers off.
#include "guest.inc"

guest_start:
    print text, 16
    power_off
text:
    .ascii "hello from afar\n"
