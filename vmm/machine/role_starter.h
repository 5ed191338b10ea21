// RoleStarter: starts the roles of one VM in its SELinux domain and in namespaces of their own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/process/spawn.h"
#include "sandbox/selinux/selinux.h"
#include "vmm/machine/config.h"
#include "vmm/roles/channel.h"
#include "vmm/roles/mailbox.h"

namespace husk {

// The launcher's side of one role.
struct RoleHandle {
    std::string name;  // "vmm", "console", "blk0"
    Channel channel;
    RoleProcess process;
    bool ready = false;
    bool hung_up = false;  // nothing comes from it any more
    bool ended = false;
    bool ended_well = false;  // with all that it was asked for done
};

// What a role's own memfds (statistics, console rings) may be large, at most.
inline constexpr std::uint64_t kOwnPages = 4 << 20;
// The slots of a worker, and what the dynamic loader opens.
inline constexpr std::uint64_t kWorkerFiles = 64;

class RoleStarter {
 public:
    // `name`: the VM's. `selinux` outlives the starter; without one, roles stay in the launcher's domain.
    [[nodiscard]] static Result<RoleStarter> Create(std::string name, const ConfinementConfig& confinement,
                                                    std::optional<SelinuxConfinement>& selinux);

    // `kind` is what the program runs as, `title` what it is called. The role is sent its manifest, what it is confined
    // by, and its configuration.
    template <typename Config>
    [[nodiscard]] Result<RoleHandle> Start(const std::string& kind, const std::string& title,
                                           std::vector<SlotAssignment> slots, const RoleLimits& limits,
                                           const Config& config) {
        RoleHandle role = HUSK_TRY(Begin(kind, title, std::move(slots), limits));
        HUSK_TRY(SendMessage(role.channel, config));
        return role;
    }

    // Layers that were wanted and that this host turned out to lack.
    [[nodiscard]] const std::vector<AbsentLayer>& Absent() const { return absent_; }

 private:
    RoleStarter(std::string program, std::string name, const ConfinementConfig& confinement,
                std::optional<SelinuxConfinement>& selinux);
    [[nodiscard]] Result<RoleHandle> Begin(const std::string& kind, const std::string& title,
                                           std::vector<SlotAssignment> slots, const RoleLimits& limits);

    std::string program_;
    std::string name_;
    std::optional<SelinuxConfinement>& selinux_;
    LayerSet required_;
    LayerSet namespaces_;  // to be created; without those that turned out to be absent
    Confinement confinement_;
    std::vector<AbsentLayer> absent_;
};

}  // namespace husk
