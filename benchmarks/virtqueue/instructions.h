// InstructionCounter: instructions that this thread ran in user space, where the host lets one count them.
#pragma once

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "vmm/base/scoped_fd.h"

namespace husk::bench {

class InstructionCounter {
 public:
    InstructionCounter() = default;  // counts nothing

    [[nodiscard]] static InstructionCounter Open() {
        perf_event_attr attributes{};
        attributes.type = PERF_TYPE_HARDWARE;
        attributes.size = sizeof attributes;
        attributes.config = PERF_COUNT_HW_INSTRUCTIONS;
        attributes.exclude_kernel = 1;
        attributes.exclude_hv = 1;
        InstructionCounter counter;
        counter.fd_.Reset(
            static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
        return counter;
    }
    [[nodiscard]] bool Counts() const { return fd_.Get() >= 0; }
    [[nodiscard]] std::uint64_t Read() const {
        std::uint64_t value = 0;
        if (!Counts() || ::read(fd_.Get(), &value, sizeof value) != sizeof value) return 0;
        return value;
    }

 private:
    ScopedFd fd_;
};

}  // namespace husk::bench
