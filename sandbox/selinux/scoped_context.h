// Contexts that hold for a while: for what this thread executes, or for the sockets it creates.
#pragma once

#include <string>
#include <utility>

#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"

namespace husk {

// While one lives, a child created by this thread enters the context when it executes a program. To be put around the
// creation of each child and nothing else. no_new_privs must come after the child's exec: before it, most policies
// refuse.
class ScopedExecContext {
 public:
    [[nodiscard]] static Result<ScopedExecContext> Set(const std::string& context, SelinuxHost& host) {
        HUSK_TRY(host.SetExecContext(context));
        return ScopedExecContext(host);
    }
    ScopedExecContext(ScopedExecContext&& other) noexcept : host_(std::exchange(other.host_, nullptr)) {}
    ScopedExecContext& operator=(ScopedExecContext&&) = delete;
    ~ScopedExecContext() {
        if (host_ != nullptr) (void)host_->SetExecContext("");
    }

 private:
    explicit ScopedExecContext(SelinuxHost& host) : host_(&host) {}
    SelinuxHost* host_;
};

// While one lives, sockets and socket pairs that this thread creates carry the context, without which a role cannot
// read from those that it is given.
class ScopedSocketContext {
 public:
    [[nodiscard]] static Result<ScopedSocketContext> Set(const std::string& context, SelinuxHost& host) {
        HUSK_TRY(host.SetSocketContext(context));
        return ScopedSocketContext(host);
    }
    ScopedSocketContext(ScopedSocketContext&& other) noexcept : host_(std::exchange(other.host_, nullptr)) {}
    ScopedSocketContext& operator=(ScopedSocketContext&&) = delete;
    ~ScopedSocketContext() {
        if (host_ != nullptr) (void)host_->SetSocketContext("");
    }

 private:
    explicit ScopedSocketContext(SelinuxHost& host) : host_(&host) {}
    SelinuxHost* host_;
};

}  // namespace husk
