// exit_cost: runs a benchmark guest in this process, with one loop from beginning to end, and prints the guest's lines:
// the way in which the same guest can be run with husk and with QEMU, which are processes of their own too.
//
//     exit_cost bare|husk GUEST COMMAND-LINE
#include <cstdio>
#include <string_view>

#include "benchmarks/run_loop/guest_session.h"

namespace {

int Run(husk::bench::Loop loop, const char* guest, const char* command_line) {
    auto session = husk::bench::GuestSession::Create(guest, command_line);
    if (!session) {
        std::fprintf(stderr, "exit_cost: %s\n", session.error().Message().c_str());
        return 1;
    }
    int lines = 0;
    while (const auto line = (*session)->NextLine(loop)) {
        ++lines;
        std::puts(line->c_str());
        std::fflush(stdout);
    }
    if (lines > 0) return 0;
    std::fprintf(stderr, "exit_cost: the guest ended without a line\n");
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view loop = argc == 4 ? argv[1] : "";
    if (loop == "bare") return Run(husk::bench::Loop::kBare, argv[2], argv[3]);
    if (loop == "husk") return Run(husk::bench::Loop::kHusk, argv[2], argv[3]);
    std::fprintf(stderr, "usage: exit_cost bare|husk GUEST COMMAND-LINE\n");
    return 2;
}
