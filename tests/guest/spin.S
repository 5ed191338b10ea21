// Says that it runs, then never lets go of the CPU.
#include "guest.inc"

guest_start:
    print text, 9
1:  jmp 1b
text:
    .ascii "spinning\n"
