// AnsweringWorker: a process that sleeps until a doorbell rings and answers with an interrupt: what a device's worker
// does around its work.
#pragma once

#include <sys/types.h>

#include <memory>

#include "vmm/base/event_fd.h"
#include "vmm/base/result.h"

namespace husk::bench {

class AnsweringWorker {
 public:
    // Forks: the caller has no other thread. The worker ends with this object, or with the process.
    [[nodiscard]] static Result<std::unique_ptr<AnsweringWorker>> Start(const EventFd& doorbell,
                                                                        const EventFd& interrupt);
    explicit AnsweringWorker(pid_t process) : process_(process) {}
    AnsweringWorker(const AnsweringWorker&) = delete;
    AnsweringWorker& operator=(const AnsweringWorker&) = delete;
    ~AnsweringWorker();

 private:
    pid_t process_;
};

}  // namespace husk::bench
