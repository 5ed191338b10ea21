// What husk asks of a host's SELinux, and does with it: the seam between the decisions in this folder and the kernel.
// All contexts are raw (untranslated).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

struct AccessAnswer {
    bool allowed = false;
    bool permissive_source = false;  // the source domain is permissive: a denial is reported, not enforced
};

// Not thread-safe; the launcher's main thread only. Errors are of kind kConfinement.
class SelinuxHost {
 public:
    virtual ~SelinuxHost() = default;

    // The kernel has a policy loaded and gives this process a context.
    [[nodiscard]] virtual bool Active() const = 0;
    [[nodiscard]] virtual Result<bool> Enforcing() const = 0;
    [[nodiscard]] virtual Result<std::string> OwnContext() const = 0;
    // Contexts of other processes, as far as this one may see them; never its own.
    [[nodiscard]] virtual std::vector<std::string> RunningContexts() const = 0;

    // False only where the policy says that it is not.
    [[nodiscard]] virtual bool IsValid(const std::string& context) const = 0;
    // A class or a permission that the policy does not have is not allowed.
    [[nodiscard]] virtual Result<AccessAnswer> Ask(const std::string& source, const std::string& target,
                                                   const char* object_class, const char* permission) const = 0;

    // The text of libselinux's files of virtual domain contexts and virtual image contexts.
    [[nodiscard]] virtual Result<std::string> VirtualDomainContexts() const = 0;
    [[nodiscard]] virtual Result<std::string> VirtualImageContexts() const = 0;

    // The label of an open file; O_PATH will do.
    [[nodiscard]] virtual Result<std::string> FileLabel(int fd) const = 0;
    [[nodiscard]] virtual Result<> SetFileLabel(int fd, const std::string& label) = 0;

    // For what this thread executes (its children inherit it) and for the sockets it creates; empty: the default again.
    [[nodiscard]] virtual Result<> SetExecContext(const std::string& context) = 0;
    [[nodiscard]] virtual Result<> SetSocketContext(const std::string& context) = 0;

    // Each makes a transition at exec depend on one permission more.
    [[nodiscard]] virtual bool NoNewPrivileges() const = 0;
    [[nodiscard]] virtual bool OnNosuidMount(int fd) const = 0;
};

// The kernel's, through libselinux.
[[nodiscard]] std::unique_ptr<SelinuxHost> MakeLibSelinuxHost();

}  // namespace husk
