// All compiled programs, each beside its table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/bpf_machine.h"
#include "vmm/roles/filters/filters.h"
#include "vmm/roles/filters/role_tables.h"
#include "vmm/roles/messages.h"

namespace husk::testing {

struct SealedThread {
    std::string name;
    ThreadTable table;
    std::span<const sock_filter> program;

    [[nodiscard]] BpfVerdict Run(int syscall, const SyscallArguments& arguments) const {
        return BpfMachine(program).Run(syscall, arguments);
    }
};

// One of each kind.
inline std::vector<SealedThread> ThreadKinds() {
    return {{"vcpu0", role_tables::Vcpu(0), filters::Vcpu(0)},
            {"control", role_tables::Control(), filters::Control()},
            {"blk loop", role_tables::BlkLoop(), filters::BlkLoop()},
            {"blk ring loop", role_tables::BlkRingLoop(), filters::BlkRingLoop()},
            {"blk pool", role_tables::BlkPool(), filters::BlkPool()},
            {"console", role_tables::Console(), filters::Console()},
            {"net", role_tables::Net(), filters::Net()},
            {"reader", role_tables::Reader(), filters::Reader()}};
}

// Every program there is.
inline std::vector<SealedThread> AllThreads() {
    std::vector<SealedThread> threads = ThreadKinds();
    for (std::uint32_t vcpu = 1; vcpu < kMaxVcpus; ++vcpu) {
        threads.push_back({"vcpu" + std::to_string(vcpu), role_tables::Vcpu(vcpu), filters::Vcpu(vcpu)});
    }
    return threads;
}

}  // namespace husk::testing
