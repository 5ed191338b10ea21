// l1_exit STATUS: ends L1 through QEMU's isa-debug-exit device at port 0xf4, and hands STATUS (0 to 111) out.
// QEMU then exits with ((STATUS + 16) << 1) | 1. The 16 keeps clear of QEMU's own failure status 1.
#include <sys/io.h>

#include <cstdlib>

int main(int argc, char** argv) {
    const int status = argc > 1 ? std::atoi(argv[1]) : 0;
    if (ioperm(0xf4, 4, 1) != 0) return 1;
    outl(static_cast<unsigned>(status) + 16, 0xf4);
    return 0;
}
