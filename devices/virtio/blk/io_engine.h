// IoEngine: what waits for the disk in the loop's place. Tasks are numbers below kMaxTasks, each given to the engine at
// most once at a time. Two of them: IoPool, a few threads, and RingEngine, an io_uring.
//
// All calls: the loop thread. None allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace husk {

class IoEngine {
 public:
    static constexpr std::size_t kMaxTasks = 128;
    using Task = std::uint16_t;

    virtual ~IoEngine() = default;

    // Hands a task over; it is begun after the next Kick() at the latest.
    virtual void Submit(Task task) = 0;
    virtual void Kick() = 0;

    // Tasks that were carried out, in the order in which they ended.
    [[nodiscard]] virtual bool HasFinished() const = 0;
    [[nodiscard]] virtual std::optional<Task> NextFinished() = 0;

    // From now on DoorbellFd() becomes readable when a task ends. True when one has already.
    [[nodiscard]] virtual bool EnableDoorbell() = 0;
    // Not any more; takes back what was rung.
    virtual void DisableDoorbell() = 0;
    [[nodiscard]] virtual int DoorbellFd() const = 0;
};

}  // namespace husk
