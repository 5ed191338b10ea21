// Says that it runs, then sleeps for ever: no interrupt can wake it.
#include "guest.inc"

guest_start:
    print text, 5
1:  hlt
    jmp 1b
text:
    .ascii "idle\n"
