#include "vmm/machine/family.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <vector>

#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/console/console_config.h"
#include "vmm/base/event_fd.h"
#include "vmm/kvm/kvm.h"
#include "vmm/machine/own_program.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/manifest.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

struct BootFile {
    ScopedFd fd;
    std::uint64_t bytes = 0;
};

Result<BootFile> OpenBootFile(const std::string& what, const std::string& path) {
    const auto refuse = [&](Error error) {
        return std::unexpected(std::move(error).Within("cannot use " + what + " " + path).As(ErrorKind::kBootSource));
    };
    // Non-blocking: opening a FIFO must not hang.
    BootFile file{ScopedFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)), 0};
    if (!file.fd) return refuse(Error(::strerror(errno)));
    struct stat status{};
    if (::fstat(file.fd.Get(), &status) != 0) return refuse(Error(::strerror(errno)));
    if (S_ISDIR(status.st_mode)) return refuse(Error("it is a directory"));
    if (!S_ISREG(status.st_mode)) return refuse(Error("it is not a regular file"));
    if (status.st_size == 0) return refuse(Error("it is empty"));
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    return file;
}

VmmConfig MakeVmmConfig(const MachineConfig& config, const BootFile& kernel, const BootFile& initrd,
                        std::uint64_t start) {
    VmmConfig message;
    message.memory_bytes = config.memory_bytes;
    message.kernel_bytes = kernel.bytes;
    message.initrd_bytes = initrd.bytes;
    message.vcpus = config.vcpus;
    message.uart = config.uart;
    message.huge_pages = config.huge_pages;
    message.virtio_trap = config.virtio_trap;
    message.process_start = start;
    message.command_line.Assign(config.command_line);
    message.name.Assign(config.name);
    return message;
}

ConsoleConfig MakeConsoleConfig(const MachineConfig& config, const ConsoleEndpoint& endpoint) {
    ConsoleConfig message;
    message.escape = endpoint.terminal.has_value();
    message.restore_terminal = endpoint.terminal.has_value();
    message.clients = config.console.kind == ConsoleTarget::Kind::kUnix;
    message.pty = config.console.kind == ConsoleTarget::Kind::kPty;
    message.uart = config.uart;
    if (endpoint.terminal) message.terminal = *endpoint.terminal;
    message.name.Assign(config.name);
    return message;
}

template <typename Config>
DeviceSpec MakeSpec(VirtioDeviceId id, std::uint32_t queues, std::uint16_t queue_size, std::uint64_t features,
                    const Config& config) {
    DeviceSpec spec{.id = id, .queues = queues, .max_queue_size = queue_size, .features = features};
    static_assert(sizeof config <= sizeof spec.config);
    spec.config_bytes = sizeof config;
    std::ranges::copy(BytesOf(config), spec.config.begin());
    return spec;
}

DeviceSpec ConsoleSpec() {
    return MakeSpec(VirtioDeviceId::kConsole, console_config::kQueues, console_config::kQueueSize,
                    console_config::kFeatures, console_config::Initial());
}

DeviceSpec DiskSpec(const DiskFile& file, bool read_only) {
    return MakeSpec(VirtioDeviceId::kBlock, kBlkQueues, kBlkQueueSize, BlkFeatures(read_only),
                    BlkConfigOf(file.Bytes(), file.BlockBytes()));
}

BlkConfig MakeBlkConfig(const MachineConfig& config, const DiskFile& file, std::uint32_t index) {
    BlkConfig message;
    message.capacity_bytes = file.Bytes();
    message.index = index;
    message.read_only = config.disks[index].read_only;
    message.serial.Assign(config.disks[index].serial);
    message.name.Assign(config.name);
    return message;
}

// What a role's own memfds (statistics, console rings) may be large, at most.
constexpr std::uint64_t kOwnPages = 4 << 20;
// The slots of a worker, and what the dynamic loader opens.
constexpr std::uint64_t kWorkerFiles = 64;

// Starts the roles of one family; those that run when another one cannot be started are ended again.
class FamilyStarter {
 public:
    // `absent`: layers that are known to be.
    FamilyStarter(std::string program, const MachineConfig& config, std::optional<SelinuxConfinement>& selinux,
                  std::vector<AbsentLayer> absent)
        : program_(std::move(program)),
          name_(config.name),
          selinux_(selinux),
          required_(config.confinement.required),
          namespaces_(kNamespaceLayers.Without(config.confinement.without)) {
        confinement_.required = config.confinement.required.Bits();
        confinement_.without = config.confinement.without.Bits();
        if (selinux) confinement_.context.Assign(selinux->Target());
        family_.absent = std::move(absent);
    }
    FamilyStarter(const FamilyStarter&) = delete;
    FamilyStarter& operator=(const FamilyStarter&) = delete;
    ~FamilyStarter() {
        for (const RoleHandle& role : family_.roles) {
            ::kill(role.process.pid, SIGKILL);
            (void)WaitForRole(role.process);
        }
    }

    // `kind` is what the program runs as, `title` what it is called.
    template <typename Config>
    [[nodiscard]] Result<> Start(const std::string& kind, const std::string& title, std::vector<SlotAssignment> slots,
                                 const RoleLimits& limits, const Config& config) {
        auto ends = HUSK_TRY(Channel::CreatePair());
        slots.push_back({ends.second.Fd(), kLauncherSlot});
        RoleProcess process = HUSK_TRY(Spawn(kind, "husk: " + title + " " + name_, slots, limits));
        RoleHandle& role = family_.roles.emplace_back(RoleHandle{title, std::move(ends.first), std::move(process)});
        HUSK_TRY(SendMessage(role.channel, HUSK_TRY(DescribeSlots(slots))));
        HUSK_TRY(SendMessage(role.channel, confinement_));
        return SendMessage(role.channel, config);
    }

    // Into the SELinux domain of the roles, and into namespaces of its own.
    [[nodiscard]] Result<RoleProcess> Spawn(const std::string& kind, const std::string& title,
                                            std::span<const SlotAssignment> slots, const RoleLimits& limits) {
        std::optional<ScopedExecContext> transition;
        if (selinux_) transition.emplace(HUSK_TRY(selinux_->EnterTarget()));
        RoleProcess process = HUSK_TRY(SpawnRole(program_, kind, title, slots,
                                                 {.namespaces = namespaces_, .required = required_, .limits = limits}));
        for (const AbsentLayer& absent : process.absent) {
            namespaces_.Remove(absent.layer);
            family_.absent.push_back(absent);
        }
        return process;
    }

    [[nodiscard]] Family Finish(std::size_t disks) {
        family_.disk_stats.resize(disks);
        return std::exchange(family_, {});
    }

 private:
    static constexpr int kLauncherSlot = vmm_slot::kLauncher;
    static_assert(console_slot::kLauncher == kLauncherSlot && blk_slot::kLauncher == kLauncherSlot);

    std::string program_;
    const std::string& name_;
    std::optional<SelinuxConfinement>& selinux_;
    LayerSet required_;
    LayerSet namespaces_;  // to be created; without those that turned out to be absent
    Confinement confinement_;
    Family family_;
};

// What joins the vmm and one worker.
struct DeviceWires {
    Channel vmm;
    Channel worker;
    EventFd interrupt;
    EventFd doorbell;

    static Result<DeviceWires> Create() {
        auto ends = HUSK_TRY(Channel::CreatePair());
        EventFd interrupt = HUSK_TRY(EventFd::Create());
        EventFd doorbell = HUSK_TRY(EventFd::Create());
        return DeviceWires{std::move(ends.first), std::move(ends.second), std::move(interrupt), std::move(doorbell)};
    }
};

}  // namespace

Result<Family> Family::Start(const MachineConfig& config, HostResources& resources, std::uint64_t process_start) {
    // All sockets made here are for roles.
    std::optional<ScopedSocketContext> socket_label;
    if (resources.selinux) socket_label.emplace(HUSK_TRY(resources.selinux->LabelSockets()));
    const BootFile kernel = HUSK_TRY(OpenBootFile("kernel", config.kernel));
    const BootFile initrd = config.initrd ? HUSK_TRY(OpenBootFile("initrd", *config.initrd)) : BootFile{};
    const Kvm kvm = HUSK_TRY(Kvm::Create(HUSK_TRY(Kvm::OpenDevice(config.kvm_device))));
    const LayerState msr_filter = InspectMsrFilter(kvm);
    std::vector<AbsentLayer> absent;
    for (const LayerState& layer : {InspectLandlock(), InspectMdwe(), msr_filter}) {
        if (layer.present) continue;
        if (config.confinement.required.Has(layer.layer)) return std::unexpected(RefuseWithout(layer));
        absent.push_back({layer.layer, layer.detail, layer.how_to_get});
    }
    const EventFd wake_console = HUSK_TRY(EventFd::Create());
    const EventFd wake_vmm = HUSK_TRY(EventFd::Create());
    const std::size_t disks = resources.disks.size();

    std::vector<SlotAssignment> vmm_slots{{kvm.Fd(), vmm_slot::kKvm},
                                          {wake_console.Get(), vmm_slot::kWakeConsole},
                                          {wake_vmm.Get(), vmm_slot::kWakeVmm},
                                          {kernel.fd.Get(), vmm_slot::kKernel}};
    if (initrd.fd) vmm_slots.push_back({initrd.fd.Get(), vmm_slot::kInitrd});
    VmmConfig vmm_config = MakeVmmConfig(config, kernel, initrd, process_start);
    vmm_config.device[kConsoleDevice] = ConsoleSpec();
    for (std::size_t disk = 0; disk < disks; ++disk) {
        vmm_config.device[kConsoleDevice + 1 + disk] = DiskSpec(resources.disks[disk], config.disks[disk].read_only);
    }
    vmm_config.devices = static_cast<std::uint32_t>(1 + disks);
    std::vector<DeviceWires> wires;
    for (std::uint32_t device = 0; device < vmm_config.devices; ++device) {
        const DeviceWires& wire = wires.emplace_back(HUSK_TRY(DeviceWires::Create()));
        const int index = static_cast<int>(device);
        vmm_slots.push_back({wire.vmm.Fd(), vmm_slot::Worker(index)});
        vmm_slots.push_back({wire.interrupt.Get(), vmm_slot::Interrupt(index)});
        vmm_slots.push_back({wire.doorbell.Get(), vmm_slot::Doorbell(index)});
    }

    vmm_config.filter_msrs = msr_filter.present && !config.confinement.without.Has(Layer::kMsrFilter);
    FamilyStarter starter(HUSK_TRY(OwnProgram()), config, resources.selinux, std::move(absent));
    // The vmm first: it has the most to do. Guest RAM is the largest file that it makes.
    const RoleLimits vmm_limits{.open_files = 256, .file_size = std::max(config.memory_bytes, kOwnPages)};
    HUSK_TRY(starter.Start("vmm", "vmm", vmm_slots, vmm_limits, vmm_config));

    const DeviceWires& console = wires[kConsoleDevice];
    std::vector<SlotAssignment> console_slots{{console.worker.Fd(), console_slot::kVmm},
                                              {wake_console.Get(), console_slot::kWakeConsole},
                                              {wake_vmm.Get(), console_slot::kWakeVmm},
                                              {console.interrupt.Get(), console_slot::kInterrupt},
                                              {console.doorbell.Get(), console_slot::kDoorbell}};
    const ConsoleEndpoint& endpoint = resources.console;
    if (endpoint.input) console_slots.push_back({endpoint.input.Get(), console_slot::kInput});
    if (endpoint.output) console_slots.push_back({endpoint.output.Get(), console_slot::kOutput});
    HUSK_TRY(starter.Start("console", "console", console_slots, {.open_files = kWorkerFiles},
                           MakeConsoleConfig(config, endpoint)));

    for (std::uint32_t disk = 0; disk < disks; ++disk) {
        const DeviceWires& wire = wires[kConsoleDevice + 1 + disk];
        const std::vector<SlotAssignment> slots{{wire.worker.Fd(), blk_slot::kVmm},
                                                {wire.interrupt.Get(), blk_slot::kInterrupt},
                                                {wire.doorbell.Get(), blk_slot::kDoorbell},
                                                {resources.disks[disk].Fd(), blk_slot::kDisk}};
        const RoleLimits limits{.open_files = kWorkerFiles,
                                .file_size = std::max(resources.disks[disk].Bytes(), kOwnPages)};
        HUSK_TRY(starter.Start("blk", "blk" + std::to_string(disk), slots, limits,
                               MakeBlkConfig(config, resources.disks[disk], disk)));
    }
    return starter.Finish(disks);
}

}  // namespace husk
