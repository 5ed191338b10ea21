// An exception without an interrupt table: a double fault, then a triple fault. An invalid instruction, because KVM's
// emulator (which runs guest kernels on some hosts) cannot do int3 in protected mode.
#include "guest.inc"

guest_start:
    lidt nothing
    ud2
1:  jmp 1b
nothing:
    .word 0
    .long 0
