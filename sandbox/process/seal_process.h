// Sealing a role: everything that confines the process itself. Its threads' seccomp filters come afterwards.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "sandbox/process/layers.h"
#include "vmm/base/result.h"

namespace husk {

// In the order in which they are taken.
enum class SealStep : std::uint8_t {
    kDumpable,      // no core dump, no ptrace, /proc/self belongs to root
    kMdwe,          // no memory becomes executable
    kNoNewPrivs,    // no exec gains a privilege; the steps below and seccomp filters need it
    kCapabilities,  // none, in any set
    kLandlock,      // an empty ruleset
    kLimits,        // soft limits as low as what is in use
};
inline constexpr std::size_t kSealSteps = 6;

enum class SealOutcome : std::uint8_t {
    kNotReached,
    kApplied,
    kAbsent,  // the host lacks it
    kWaived,  // --without
};

struct SealOptions {
    LayerSet without{};               // of mdwe and landlock; the other steps have no switch
    LayerSet required{};              // a required layer that the host lacks is an error
    std::uint64_t open_files = 0;     // descriptors in use end below this number: none above can be opened
    std::uint64_t file_size = ~0ULL;  // bytes: no file can grow beyond
};

// Plain data, so that a role can send it to the launcher as it is.
struct SealReport {
    struct Step {
        std::uint64_t nanoseconds;
        SealOutcome outcome;
    };
    std::array<Step, kSealSteps> steps{};
    std::int32_t landlock_abi = 0;
    bool bounding_set_empty = false;  // false: this user may not drop it, and only no_new_privs holds

    [[nodiscard]] const Step& Of(SealStep step) const { return steps[static_cast<std::size_t>(step)]; }
};

[[nodiscard]] const char* SealStepName(SealStep step);

// Takes all steps, in a process that has one thread (they hold for this thread and those it creates). Cannot be
// undone, and needs nothing from the heap unless it fails. What reads /proc/self must be done before.
// A failure is of kind kConfinement and names the layer; the process is then half sealed and must end.
[[nodiscard]] Result<SealReport> SealProcess(const SealOptions& options);

// Whether the kernel has PR_SET_MDWE (Linux 6.3). Asking changes nothing.
[[nodiscard]] bool HostHasMdwe();

}  // namespace husk
