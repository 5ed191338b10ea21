#include "vmm/machine/role_starter.h"

#include <utility>

#include "vmm/machine/own_program.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

constexpr int kLauncherSlot = vmm_slot::kLauncher;
static_assert(console_slot::kLauncher == kLauncherSlot && blk_slot::kLauncher == kLauncherSlot &&
              net_slot::kLauncher == kLauncherSlot && reader_slot::kLauncher == kLauncherSlot);

}  // namespace

Result<RoleStarter> RoleStarter::Create(std::string name, const ConfinementConfig& confinement,
                                        std::optional<SelinuxConfinement>& selinux) {
    return RoleStarter(HUSK_TRY(OwnProgram()), std::move(name), confinement, selinux);
}

RoleStarter::RoleStarter(std::string program, std::string name, const ConfinementConfig& confinement,
                         std::optional<SelinuxConfinement>& selinux)
    : program_(std::move(program)),
      name_(std::move(name)),
      selinux_(selinux),
      required_(confinement.required),
      namespaces_(kNamespaceLayers.Without(confinement.without)) {
    confinement_.required = confinement.required.Bits();
    confinement_.without = confinement.without.Bits();
    if (selinux) confinement_.context.Assign(selinux->Target());
}

Result<RoleHandle> RoleStarter::Begin(const std::string& kind, const std::string& title,
                                      std::vector<SlotAssignment> slots, const RoleLimits& limits) {
    auto ends = HUSK_TRY(Channel::CreatePair());
    slots.push_back({ends.second.Fd(), kLauncherSlot});
    std::optional<ScopedExecContext> transition;
    if (selinux_) transition.emplace(HUSK_TRY(selinux_->EnterTarget()));
    RoleProcess process = HUSK_TRY(SpawnRole(program_, kind, "husk: " + title + " " + name_, slots,
                                             {.namespaces = namespaces_, .required = required_, .limits = limits}));
    transition.reset();
    for (const AbsentLayer& absent : process.absent) {
        namespaces_.Remove(absent.layer);
        absent_.push_back(absent);
    }
    RoleHandle role{title, std::move(ends.first), std::move(process)};
    HUSK_TRY(SendMessage(role.channel, HUSK_TRY(DescribeSlots(slots))));
    HUSK_TRY(SendMessage(role.channel, confinement_));
    return role;
}

}  // namespace husk
