// A driver for one virtio-blk device behind virtio-mmio (Virtio 1.2 §4.2, §5.2) that knows one request: GET_ID, which
// makes a device do all it does for a request except touching its disk.
#pragma once

#include <cstdint>

namespace guest {

class VirtioBlk {
 public:
    // Brings the device whose registers are at `base` to DRIVER_OK. False when there is none.
    [[nodiscard]] bool Start(std::uint64_t base);

    // One request, from the doorbell to the acknowledged interrupt; the way a driver's handler acknowledges it.
    void GetId();

    // Whether the last request was answered with success.
    [[nodiscard]] bool Succeeded() const;

 private:
    std::uint64_t base_ = 0;
    std::uint16_t sent_ = 0;
};

}  // namespace guest
