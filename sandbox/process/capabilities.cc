#include "sandbox/process/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace husk {
namespace {

// Numbers for prctl are whole words: of an int in a variable argument the upper half is left to chance.
// The kernel's sets have 64 bits; it answers EINVAL past the last one it knows.
constexpr unsigned long kMostCapabilities = 64;

constexpr unsigned long kAmbientIsSet = PR_CAP_AMBIENT_IS_SET;
constexpr unsigned long kAmbientClearAll = PR_CAP_AMBIENT_CLEAR_ALL;

struct CapabilitySets {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};

    [[nodiscard]] bool Load() { return ::syscall(SYS_capget, &header, data.data()) == 0; }
    [[nodiscard]] bool Store() { return ::syscall(SYS_capset, &header, data.data()) == 0; }
};

}  // namespace

int DropBoundingSet() {
    for (unsigned long capability = 0; capability < kMostCapabilities; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0UL, 0UL, 0UL) == 0) continue;
        const int refusal = errno;
        return refusal == EINVAL || BoundingSetIsEmpty() ? 0 : refusal;
    }
    return 0;
}

int DropInheritedCapabilities() {
    CapabilitySets sets;
    if (!sets.Load()) return errno;
    for (auto& word : sets.data) word.inheritable = 0;
    if (!sets.Store()) return errno;
    return ::prctl(PR_CAP_AMBIENT, kAmbientClearAll, 0UL, 0UL, 0UL) == 0 ? 0 : errno;
}

int DropAllCapabilities() {
    if (::prctl(PR_CAP_AMBIENT, kAmbientClearAll, 0UL, 0UL, 0UL) != 0) return errno;
    CapabilitySets none;
    if (!none.Store()) return errno;
    CapabilitySets now;
    if (!now.Load()) return errno;
    for (const auto& word : now.data) {
        if ((word.effective | word.permitted | word.inheritable) != 0) return EPERM;
    }
    // The ambient set is a subset of the permitted one; asked for all the same, as the kernel keeps it apart.
    for (unsigned long capability = 0; capability < kMostCapabilities; ++capability) {
        const int held = ::prctl(PR_CAP_AMBIENT, kAmbientIsSet, capability, 0UL, 0UL);
        if (held < 0) return errno == EINVAL ? 0 : errno;
        if (held == 1) return EPERM;
    }
    return 0;
}

bool BoundingSetIsEmpty() {
    for (unsigned long capability = 0; capability < kMostCapabilities; ++capability) {
        const int held = ::prctl(PR_CAPBSET_READ, capability, 0UL, 0UL, 0UL);
        if (held < 0) return errno == EINVAL;
        if (held == 1) return false;
    }
    return true;
}

}  // namespace husk
