// The worker of one virtio-blk device: guest RAM, one disk, a doorbell to hear and an interrupt to ring.
#pragma once

namespace husk {

[[noreturn]] void RunBlkRole();

}  // namespace husk
