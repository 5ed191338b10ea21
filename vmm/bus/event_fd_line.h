// EventFdLine: an interrupt line whose pulses are eventfd writes. With an irqfd behind it, whoever holds the eventfd
// pulses the line without asking anyone.
#pragma once

#include <utility>

#include "vmm/base/event_fd.h"
#include "vmm/bus/irq.h"

namespace husk {

class EventFdLine final : public IrqLine {
 public:
    explicit EventFdLine(EventFd event) : event_(std::move(event)) {}
    void Pulse() override { event_.Signal(); }
    [[nodiscard]] int Fd() const { return event_.Get(); }

 private:
    EventFd event_;
};

}  // namespace husk
