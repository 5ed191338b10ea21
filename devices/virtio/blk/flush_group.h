// FlushGroup: one flush of the disk at a time. Requests that come while it runs wait and share the next one: it starts
// after all of them came, so it covers whatever completed before any of them. A driver that floods us with flushes
// keeps one pool thread busy, not all.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "devices/virtio/blk/blk_task.h"

namespace husk {

class FlushGroup {
 public:
    // True: the disk is to be flushed for `task` now. False: it waits.
    [[nodiscard]] bool Begin(BlkTaskIndex task) {
        List& list = running_.count == 0 ? running_ : waiting_;
        list.tasks[list.count++] = task;
        return &list == &running_;
    }

    // Those that the flush under way answers.
    [[nodiscard]] std::span<const BlkTaskIndex> Running() const {
        return std::span(running_.tasks).first(running_.count);
    }

    // It ended and all of Running() were answered. When others wait, the disk is to be flushed for the given one now.
    [[nodiscard]] std::optional<BlkTaskIndex> End() {
        running_ = waiting_;
        waiting_.count = 0;
        if (running_.count == 0) return std::nullopt;
        return running_.tasks[0];
    }

 private:
    struct List {
        std::array<BlkTaskIndex, kBlkTasks> tasks{};
        std::size_t count = 0;
    };
    List running_;
    List waiting_;
};

}  // namespace husk
