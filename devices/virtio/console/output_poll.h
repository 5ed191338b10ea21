// OutputPoll: looks for a guest's next output instead of sleeping, while it comes fast. Linux writes to hvc0 piece by
// piece and spins until each comes back: who waits for the next piece awake spares the guest its doorbell, and both the
// way through the kernel. PollWindow says how long that pays.
#pragma once

#include <cstdint>

#include "devices/virtio/blk/poll_window.h"
#include "devices/virtio/console/console_device.h"

namespace husk {

class OutputPoll {
 public:
    // Both outlive this.
    OutputPoll(ConsoleDevice& device, DeviceStats& stats) : device_(device), stats_(stats) {}

    // True: there is output, and a turn is due. False: sleep.
    [[nodiscard]] bool Looks();
    // A doorbell ended the sleep.
    void WorkCame(std::uint64_t now) { window_.WorkCame(now); }

 private:
    ConsoleDevice& device_;
    DeviceStats& stats_;
    PollWindow window_;
};

}  // namespace husk
