#include "benchmarks/devices/sealed_worker.h"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "vmm/roles/blk_role.h"
#include "vmm/roles/console_role.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/net_role.h"

namespace husk::bench {

void DispatchRole() {
    const char* const role = std::getenv(kRoleVariable);
    if (role == nullptr) return;
    if (std::string_view(role) == "blk") RunBlkRole();
    if (std::string_view(role) == "net") RunNetRole();
    if (std::string_view(role) == "console") RunConsoleRole();
    std::fprintf(stderr, "%s is set to a role that is not measured here; unset it\n", kRoleVariable);
    std::exit(2);
}

Result<std::unique_ptr<SealedWorker>> SealedWorker::Create(std::uint64_t ram, LayerSet without) {
    auto ends = HUSK_TRY(Channel::CreatePair());
    EventFd doorbell = HUSK_TRY(EventFd::Create());
    EventFd interrupt = HUSK_TRY(EventFd::Create());
    std::unique_ptr<SealedWorker> worker(new SealedWorker(HUSK_TRY(GuestMemory::Create(ram)), std::move(ends.first),
                                                          std::move(ends.second), std::move(doorbell),
                                                          std::move(interrupt)));
    ConfinementConfig confinement;
    confinement.without = without;
    worker->starter_.emplace(HUSK_TRY(RoleStarter::Create("bench", confinement, worker->selinux_)));
    return worker;
}

SealedWorker::SealedWorker(GuestMemory memory, Channel vmm, Channel worker, EventFd doorbell, EventFd interrupt)
    : memory_(std::move(memory)),
      vmm_(std::move(vmm)),
      worker_(std::move(worker)),
      doorbell_(std::move(doorbell)),
      interrupt_(std::move(interrupt)) {}

SealedWorker::~SealedWorker() {
    if (!role_) return;
    ::kill(role_->process.pid, SIGKILL);
    (void)WaitForRole(role_->process);
}

void SealedWorker::AddWires(const WireSlots& wires, std::vector<SlotAssignment>& slots) const {
    slots.push_back({worker_->Fd(), wires.vmm});
    slots.push_back({interrupt_.Get(), wires.interrupt});
    slots.push_back({doorbell_.Get(), wires.doorbell});
}

Result<ScopedFd> SealedWorker::WaitUntilReady() {
    worker_.reset();  // a role that dies is noticed
    HUSK_TRY(SendMessage(vmm_, GuestRam{}, memory_.Fd()));
    ScopedFd stats;
    for (;;) {
        Mail mail = HUSK_TRY(ReceiveMail(role_->channel));
        if (mail.PeerGone()) return Fail("the worker died while it started");
        if (const auto failed = mail.message.As<Failed>()) return Fail(std::string(failed->text.View()));
        if (mail.message.As<husk::Stats>()) stats = std::move(mail.fd);
        if (mail.message.As<Ready>()) return stats;
    }
}

Result<> SealedWorker::Activate(const Activation& activation) {
    HUSK_TRY(SendMessage(vmm_, ActivateDevice{activation}));
    return {};
}

Result<> SealedWorker::Stop() {
    HUSK_TRY(SendMessage(vmm_, StopDevice{}));
    (void)HUSK_TRY(Expect<DeviceStopped>(vmm_));
    return {};
}

std::uint64_t SealedWorker::CpuNanoseconds() const {
    std::uint64_t total = 0;
    const std::string tasks = "/proc/" + std::to_string(Pid()) + "/task";
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
        std::uint64_t running = 0;  // the first number of schedstat
        std::ifstream(task.path() / "schedstat") >> running;
        total += running;
    }
    return total;
}

std::string SealedWorker::AbsentLayers() const {
    std::string names;
    for (const AbsentLayer& layer : starter_->Absent()) {
        names += (names.empty() ? "" : ",") + std::string(LayerName(layer.layer));
    }
    return names;
}

}  // namespace husk::bench
