#include "sandbox/process/landlock.h"

#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace husk {
namespace {

// What each ABI version added. Numbers rather than the header's names: the header of a build host is often older than
// the kernel that husk runs on.
struct Addition {
    int abi;
    LandlockRights rights;
};
constexpr std::uint64_t Bit(unsigned number) { return std::uint64_t{1} << number; }
constexpr std::array kAdditions{
    Addition{1, {.file_system = Bit(13) - 1}},   // execute, read, write, make and remove
    Addition{2, {.file_system = Bit(13)}},       // REFER
    Addition{3, {.file_system = Bit(14)}},       // TRUNCATE
    Addition{4, {.network = Bit(0) | Bit(1)}},   // BIND_TCP, CONNECT_TCP
    Addition{5, {.file_system = Bit(15)}},       // IOCTL_DEV, on devices opened later
    Addition{6, {.scopes = Bit(0) | Bit(1)}},    // ABSTRACT_UNIX_SOCKET, SIGNAL
    Addition{9, {.file_system = Bit(16)}},       // RESOLVE_UNIX
    Addition{10, {.network = Bit(2) | Bit(3)}},  // BIND_UDP, CONNECT_SEND_UDP
};

// struct landlock_ruleset_attr as of ABI 6; older kernels accept it as long as what they do not know is zero.
struct RulesetAttributes {
    std::uint64_t handled_access_fs;
    std::uint64_t handled_access_net;
    std::uint64_t scoped;
};
static_assert(sizeof(RulesetAttributes) == 24);

}  // namespace

LandlockRights RightsOfLandlockAbi(int abi) {
    LandlockRights rights;
    for (const Addition& addition : kAdditions) {
        if (addition.abi > abi) break;
        rights.file_system |= addition.rights.file_system;
        rights.network |= addition.rights.network;
        rights.scopes |= addition.rights.scopes;
    }
    return rights;
}

int LandlockAbi() {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0UL, LANDLOCK_CREATE_RULESET_VERSION);
    return abi < 0 ? 0 : static_cast<int>(abi);
}

int RestrictByEmptyRuleset(int abi) {
    const LandlockRights rights = RightsOfLandlockAbi(abi);
    const RulesetAttributes attributes{rights.file_system, rights.network, rights.scopes};
    const long ruleset = ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0UL);
    if (ruleset < 0) return errno;
    const int outcome = ::syscall(SYS_landlock_restrict_self, ruleset, 0UL) == 0 ? 0 : errno;
    ::close(static_cast<int>(ruleset));
    return outcome;
}

}  // namespace husk
