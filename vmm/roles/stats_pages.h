// The statistics pages: what each role counts and when it reached which point. A role creates its page and sends the
// descriptor with Ready; only the role writes, only the launcher reads. All-zero memory is a valid start.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "devices/virtio/device_stats.h"
#include "devices/virtio/net/net_stats.h"
#include "sandbox/process/seal_process.h"
#include "vmm/base/clock.h"
#include "vmm/kvm/exit_counters.h"
#include "vmm/roles/messages.h"

namespace husk {

// One moment, CLOCK_MONOTONIC in nanoseconds; 0 while it has not come.
class TimeMark {
 public:
    void SetOnce() {
        if (at_.load(std::memory_order_relaxed) == 0) at_.store(MonotonicNanoseconds(), std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t At() const { return at_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> at_{};
};

// One virtio device, as the vmm sees it.
struct VirtioDeviceStats {
    TimeMark driver_ok;
    Counter resets;
    Counter acknowledgements;  // of interrupts, by ioeventfd
};

struct VmmStats {
    TimeMark role_started;
    SealReport sealing{};
    TimeMark process_sealed;
    TimeMark sealed;  // all threads
    TimeMark kvm_ready;
    TimeMark memory_ready;
    TimeMark kernel_loaded;
    TimeMark first_run;
    TimeMark guest_ended;
    std::atomic<std::uint64_t> uart_transmitted{};
    std::atomic<std::uint64_t> uart_received{};
    std::atomic<std::uint64_t> uart_overruns{};
    std::atomic<std::uint64_t> route_updates{};
    std::array<VirtioDeviceStats, kMaxDevices> devices{};
    std::array<ExitCounters, kMaxVcpus> vcpus{};
};

struct ConsoleStats {
    TimeMark role_started;
    SealReport sealing{};
    TimeMark process_sealed;
    TimeMark sealed;  // all threads
    TimeMark first_byte;
    std::atomic<std::uint64_t> bytes_out{};
    std::atomic<std::uint64_t> bytes_in{};
    std::atomic<std::uint64_t> writes{};
    TimeMark driver_ok;
    DeviceStats device;  // hvc0
};

struct NetStats {
    TimeMark role_started;
    SealReport sealing{};
    TimeMark process_sealed;
    TimeMark sealed;
    NetCounters device;
};

struct BlkStats {
    TimeMark role_started;
    SealReport sealing{};
    TimeMark process_sealed;
    TimeMark sealed;  // all threads
    DeviceStats device;
};

}  // namespace husk
