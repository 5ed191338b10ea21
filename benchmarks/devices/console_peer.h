// ConsolePeer: who is at the other end of a console's socket: a thread that reads all that comes, writes without end,
// or sends back what it read.
#pragma once

#include <cstddef>
#include <thread>
#include <utility>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk::bench {

class ConsolePeer {
 public:
    enum class Does { kReads, kWrites, kEchoes };

    // Two ends of a stream that blocks.
    [[nodiscard]] static Result<std::pair<ScopedFd, ScopedFd>> MakeSocket();

    ConsolePeer(ScopedFd socket, Does what);
    ~ConsolePeer();

 private:
    void Work(Does what) const;

    ScopedFd socket_;
    std::thread thread_;
};

}  // namespace husk::bench
