#include "vmm/roles/guest_end.h"

#include <array>
#include <cinttypes>
#include <cstdio>

namespace husk {
namespace {

const char* Describe(FailedExit::Kind kind) {
    switch (kind) {
        case FailedExit::Kind::kInternalError:
            return "KVM could not emulate what the guest did (internal error, suberror)";
        case FailedExit::Kind::kEntryFailed:
            return "the processor refused the guest's state (entry failure, reason)";
        case FailedExit::Kind::kRunFailed:
            return "KVM_RUN failed (errno)";
        case FailedExit::Kind::kUnknown:
            break;
    }
    return "KVM reported something husk does not know (exit reason)";
}

}  // namespace

std::optional<GuestEnded> GuestEnd::Report() const {
    if (!ready_.load(std::memory_order_acquire)) return std::nullopt;
    GuestEnded message;
    message.reason = reason_;
    message.which = which_;
    if (reason_ == Reason::kKvmFailure) {
        std::array<char, 200> text{};  // no allocation: the role is sealed
        std::snprintf(text.data(), text.size(), "vCPU %" PRIu32 ": %s %" PRIu64 ", detail 0x%" PRIx64, which_,
                      Describe(failure_.kind), failure_.reason, failure_.detail);
        message.text.Assign(text.data());
    }
    return message;
}

}  // namespace husk
