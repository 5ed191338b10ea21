// Landlock with an empty ruleset: no path, port, abstract socket or foreign process within reach. What is open stays
// usable. Landlock(7).
#pragma once

#include <cstdint>

namespace husk {

// The rights of one ABI version of Landlock, as landlock_create_ruleset(2) takes them.
struct LandlockRights {
    std::uint64_t file_system = 0;
    std::uint64_t network = 0;
    std::uint64_t scopes = 0;
};

// Every right that a kernel of this ABI version knows, up to the newest that husk knows.
[[nodiscard]] LandlockRights RightsOfLandlockAbi(int abi);

// The running kernel's ABI version; 0 when it has no Landlock (errno: ENOSYS not built in, EOPNOTSUPP switched off).
[[nodiscard]] int LandlockAbi();

// Takes all rights of `abi` (>= 1) away from this thread and from those that it will create. Needs no_new_privs.
// 0 or an errno. System calls only.
[[nodiscard]] int RestrictByEmptyRuleset(int abi);

}  // namespace husk
