// Which SELinux type the roles get, and which labels the disks.
//
// A type named by the user, else husk's own domain where the policy has it and husk's binary may enter it, else what
// the policy names for virtual machines (svirt_t). User and role are the policy's for virtual machines
// (system_u:system_r), and the launcher's own where only those make the transition possible.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/selinux/context.h"
#include "sandbox/selinux/selinux_host.h"
#include "vmm/base/result.h"

namespace husk {

// The domain of husk's policy module, and the label of the binary that enters it.
inline constexpr const char* kOwnDomain = "microvm_t";
inline constexpr const char* kOwnEntryType = "microvm_exec_t";

// The lines of the policy's file of image contexts.
struct ImageContexts {
    SecurityContext read_write;
    SecurityContext read_only;
};

// Pure. One context a line; further lines are other people's. Nothing where a line that is needed is not a context.
[[nodiscard]] std::optional<SecurityContext> ParseDomainContexts(std::string_view text);
[[nodiscard]] std::optional<ImageContexts> ParseImageContexts(std::string_view text);

[[nodiscard]] Result<ImageContexts> ReadImageContexts(const SelinuxHost& host);

struct DomainChoice {
    SecurityContext context;  // with the range it was asked for
    std::string reason;       // in words, for doctor
};

struct DomainQuestion {
    std::string launcher;             // context
    std::string binary;               // label of husk's binary
    std::string range;                // of the roles, with their pair
    std::optional<std::string> type;  // named by the user
};

// May choose what the policy then refuses: that is for Preflight to say. Kind kConfinement; a type that is not a name
// is kUsage.
[[nodiscard]] Result<DomainChoice> ChooseDomain(const DomainQuestion& question, const SelinuxHost& host);

}  // namespace husk
