// BareLoop: the floor. ioctl(KVM_RUN) in a loop with the least that any VMM has to do about an exit: look at the
// reason, leave a value for a read. No bus, no counters, no stop flag.
#pragma once

#include <cstddef>
#include <cstdint>

#include "benchmarks/run_loop/bench_machine.h"
#include "vmm/base/result.h"

struct kvm_run;

namespace husk::bench {

class BareLoop {
 public:
    // `machine` must outlive this.
    [[nodiscard]] static Result<BareLoop> Create(BenchMachine& machine);
    BareLoop(BareLoop&& other) noexcept;
    BareLoop& operator=(BareLoop&&) = delete;
    ~BareLoop();

    // Until the guest has printed a line: true. False when it ended.
    [[nodiscard]] bool Run();

 private:
    BareLoop(BenchMachine& machine, kvm_run* run) : machine_(machine), run_(run) {}
    BenchMachine& machine_;
    kvm_run* run_;
};

}  // namespace husk::bench
