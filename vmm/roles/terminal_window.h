// TerminalWindow: the size of the terminal that a person looks at, and whether the guest has been told of it. In the
// console role's loop; no thread of its own.
#pragma once

#include <optional>
#include <span>

#include "devices/virtio/console/console_config.h"

namespace husk {

class TerminalWindow {
 public:
    using Window = console_config::Window;

    // The size may be another one than before.
    void MayDiffer() { may_differ_ = true; }
    // Looks again when it may, at the first of these descriptors that is a terminal and knows its size. A size: it is
    // another one than before, and due.
    [[nodiscard]] std::optional<Window> Look(std::span<const int> descriptors);

    // Whether the guest is still to be told.
    [[nodiscard]] bool IsDue() const { return due_.has_value(); }
    // What it is told. Only when it is due.
    [[nodiscard]] Window Tell();
    // A new driver: drivers look at the size when they are told that it changed, not when they start.
    void TellAgain();

 private:
    bool may_differ_ = true;
    std::optional<Window> due_;
    std::optional<Window> told_;
};

}  // namespace husk
