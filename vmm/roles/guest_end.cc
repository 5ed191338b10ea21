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

using Text = std::array<char, 200>;  // no allocation: the role is sealed

void Describe(Text& text, const CrashState& crash) {
    if (crash.knowledge == CrashState::Knowledge::kReset) {
        std::snprintf(text.data(), text.size(), ", whose state is lost: KVM has reset it");
    }
    if (crash.knowledge == CrashState::Knowledge::kWhole) {
        std::snprintf(text.data(), text.size(),
                      " at 0x%" PRIx64 ": rsp 0x%" PRIx64 ", cr0 0x%" PRIx64 ", cr2 0x%" PRIx64 ", cr3 0x%" PRIx64
                      ", cr4 0x%" PRIx64 ", efer 0x%" PRIx64,
                      crash.rip, crash.rsp, crash.cr0, crash.cr2, crash.cr3, crash.cr4, crash.efer);
    }
}

}  // namespace

std::optional<GuestEnded> GuestEnd::Report() const {
    if (!ready_.load(std::memory_order_acquire)) return std::nullopt;
    GuestEnded message;
    message.reason = reason_;
    message.which = which_;
    Text text{};
    if (reason_ == Reason::kTripleFault) Describe(text, end_.crash);
    if (reason_ == Reason::kKvmFailure) {
        const FailedExit& failure = end_.failure;
        std::snprintf(text.data(), text.size(), "vCPU %" PRIu32 ": %s %" PRIu64 ", detail 0x%" PRIx64, which_,
                      Describe(failure.kind), failure.reason, failure.detail);
    }
    message.text.Assign(text.data());
    return message;
}

}  // namespace husk
