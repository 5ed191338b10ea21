// The worker of one virtio-net device: guest RAM, one wire, a doorbell to hear and an interrupt to ring.
#pragma once

namespace husk {

[[noreturn]] void RunNetRole();

}  // namespace husk
