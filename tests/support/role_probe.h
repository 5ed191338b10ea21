// What tests ask of tests/support/role_probe.cc, a role that does nothing but look around, and what it answers.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace husk {

inline constexpr int kProbeChannel = 3;

struct ProbeRequest {
    pid_t outsider = 0;          // a process outside, as numbered there
    bool check_channel = false;  // give BeginRole the channel
};

struct ProbeReport {
    pid_t pid = 0;
    pid_t parent = 0;
    int signal_outsider_errno = 0;  // of kill(outsider, 0)
    unsigned interfaces = 0;
    unsigned variables = 0;        // in its environment
    unsigned descriptors = 0;      // open ones, of the first 256
    std::uint64_t core_limit = 0;  // hard limits
    std::uint64_t open_files_limit = 0;
    std::uint64_t file_size_limit = 0;
    bool sigint_ignored_at_start = true;
    bool sigusr2_blocked_after_begin = true;
};

}  // namespace husk
