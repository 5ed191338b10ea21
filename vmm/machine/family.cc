#include "vmm/machine/family.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "devices/virtio/blk/blk_config.h"
#include "devices/virtio/console/console_config.h"
#include "devices/virtio/net/net_config.h"
#include "vmm/base/event_fd.h"
#include "vmm/base/log.h"
#include "vmm/kvm/kvm.h"
#include "vmm/machine/boot_source.h"
#include "vmm/roles/mailbox.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

VmmConfig MakeVmmConfig(const MachineConfig& config, const PlannedBoot& plan, std::uint64_t start) {
    VmmConfig message;
    message.memory_bytes = config.memory_bytes;
    message.initrds = static_cast<std::uint32_t>(plan.files.size() - 1);
    message.vcpus = config.vcpus;
    message.uart = config.uart;
    message.huge_pages = config.huge_pages;
    message.virtio_trap = config.virtio_trap;
    message.process_start = start;
    message.command_line.Assign(plan.command_line);
    message.name.Assign(config.name);
    return message;
}

ConsoleConfig MakeConsoleConfig(const MachineConfig& config, const ConsoleEndpoint& endpoint) {
    ConsoleConfig message;
    message.escape = endpoint.terminal.has_value();
    message.restore_terminal = endpoint.terminal.has_value();
    message.clients = config.console.kind == ConsoleTarget::Kind::kUnix;
    message.pty = config.console.kind == ConsoleTarget::Kind::kPty;
    message.pty_told = static_cast<bool>(endpoint.opened);
    message.uart = config.uart;
    message.plain = config.console.kind == ConsoleTarget::Kind::kFile && !config.console.raw;
    if (config.console_log) {
        message.log = true;
        message.log_raw = config.console_log->raw;
        message.log_max = config.console_log->max;
    }
    message.ports = static_cast<std::uint32_t>(config.ports.size());
    for (std::size_t port = 0; port < config.ports.size(); ++port) {
        message.port_names[port].Assign(config.ports[port].name);
    }
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

DeviceSpec ConsoleSpec(std::size_t named_ports) {
    const auto ports = static_cast<std::uint32_t>(named_ports);
    return MakeSpec(VirtioDeviceId::kConsole, console_config::Queues(ports), console_config::kQueueSize,
                    console_config::Features(ports), console_config::Initial(ports));
}

BlkOffer MakeBlkOffer(const MachineConfig& config, std::size_t index) {
    const DiskConfig& disk = config.disks[index];
    const std::uint32_t queues = disk.queues != 0 ? disk.queues : config.vcpus;
    return {.read_only = disk.read_only,
            .writeback = disk.writeback,
            .discard = disk.discard,
            .queues = std::min(queues, kMaxBlkQueues),
            .block = disk.block};
}

DeviceSpec NetSpec(const HostNet& net, const NetworkConfig& config) {
    NetConfigSpace space;
    space.mac = net.mac.bytes;
    space.status = net.wire == NetConfig::Wire::kNone ? 0 : kNetLinkUp;
    space.max_virtqueue_pairs = static_cast<std::uint16_t>(config.queues);
    space.mtu = net.mtu;
    return MakeSpec(VirtioDeviceId::kNet, NetQueues(config.queues), kNetQueueSize,
                    NetFeatures(net.offloads, config.queues, net.mtu), space);
}

NetConfig MakeNetConfig(const MachineConfig& config, const HostNet& net, std::uint32_t index) {
    NetConfig message;
    message.wire = net.wire;
    message.index = index;
    message.wire_queues = static_cast<std::uint32_t>(std::max<std::size_t>(net.queues.size(), 1));
    message.pairs = config.networks[index].queues;
    message.bytes_a_second = config.networks[index].bytes_a_second;
    message.capture_snap = net.capture.fd ? net.capture.snap_bytes : 0;
    message.rules = net.rules;
    message.name.Assign(config.name);
    return message;
}

// As large as the disk is now: at a guest's reboot, it may be another size than at the start. An ephemeral one keeps
// its size, as its scratch file does.
Result<DiskGeometry> GeometryOf(DiskFile& file, bool ephemeral) {
    DiskGeometry geometry = file.Geometry();
    if (ephemeral) return geometry;
    geometry.bytes = HUSK_TRY(file.MeasureAgain());
    file.Resize(geometry.bytes);
    return geometry;
}

DeviceSpec DiskSpec(const DiskGeometry& geometry, const BlkOffer& offer) {
    DeviceSpec spec = MakeSpec(VirtioDeviceId::kBlock, offer.queues, kBlkQueueSize, BlkFeatures(geometry, offer),
                               BlkConfigOf(geometry, offer));
    spec.writable_offset = offsetof(BlkConfigSpace, writeback);
    spec.writable_feature = kFeatureBlkConfigWce;
    spec.writable_needs = kFeatureBlkFlush;  // §5.2.5.2
    return spec;
}

BlkConfig MakeBlkConfig(const MachineConfig& config, const DiskGeometry& geometry, const BlkOffer& offer,
                        std::uint32_t index) {
    BlkConfig message;
    message.geometry = geometry;
    message.index = index;
    message.block = BlkConfigOf(geometry, offer).blk_size;
    message.read_only = offer.read_only ? 1 : 0;
    message.writeback = offer.writeback ? 1 : 0;
    const DiskConfig& disk = config.disks[index];
    message.direct = disk.direct ? 1 : 0;
    message.ring = disk.aio == DiskAio::kIoUring || (disk.aio == DiskAio::kAuto && disk.direct) ? 1 : 0;
    message.ephemeral = disk.ephemeral ? 1 : 0;
    message.requests_per_second = disk.iops;
    message.bytes_per_second = disk.bandwidth;
    message.ring_needed = disk.aio == DiskAio::kIoUring ? 1 : 0;
    message.serial.Assign(config.disks[index].serial);
    message.name.Assign(config.name);
    return message;
}

// The roles of one family as they are started; those that run when another one cannot be are ended again.
class StartedRoles {
 public:
    StartedRoles() = default;
    StartedRoles(const StartedRoles&) = delete;
    StartedRoles& operator=(const StartedRoles&) = delete;
    ~StartedRoles() {
        for (const RoleHandle& role : roles_) {
            ::kill(role.process.pid, SIGKILL);
            (void)WaitForRole(role.process);
        }
    }
    const RoleHandle& Add(RoleHandle role) { return roles_.emplace_back(std::move(role)); }
    [[nodiscard]] std::vector<RoleHandle> Release() { return std::exchange(roles_, {}); }

 private:
    std::vector<RoleHandle> roles_;
};

// Where the kernel and the initrds are, in as few messages as it takes.
Result<std::vector<BootPieces>> MakeBootPieces(const PlannedBoot& plan) {
    std::vector<BootPieces> messages(1);
    for (std::uint32_t file = 0; file < plan.files.size(); ++file) {
        for (const FilePiece& piece : plan.files[file]) {
            if (messages.back().count == kBootPiecesInOne) messages.emplace_back();
            messages.back().pieces[messages.back().count++] = {file, piece.offset, piece.length};
        }
    }
    if (messages.size() > kMaxBootPiecesMessages) {
        return Fail(ErrorKind::kBootSource, "kernel and initrd are in too many pieces on their disk");
    }
    return messages;
}

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

// Of a process that runs already. Only its soft limit: nobody without privileges raises a hard one.
bool LimitFileSize(pid_t process, std::uint64_t bytes) {
    rlimit limit{};
    if (::prlimit(process, RLIMIT_FSIZE, nullptr, &limit) != 0) return false;
    limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
    return ::prlimit(process, RLIMIT_FSIZE, &limit, nullptr) == 0;
}

}  // namespace

std::vector<bool> Family::DisksLeftInUse() const {
    std::vector<bool> in_use;
    for (const RoleHandle& worker : std::span(roles).subspan(kFirstDisk, disk_stats.size()))
        in_use.push_back(!worker.ended_well);
    return in_use;
}

void Family::ResizeDisks(HostResources& resources) {
    std::vector<DiskFile>& disks = resources.disks;
    for (std::size_t index = 0; index < disks.size(); ++index) {
        DiskFile& disk = disks[index];
        if (resources.scratches[index]) continue;  // ephemeral: as large as when the VM started
        const RoleHandle& worker = roles[kFirstDisk + index];
        const auto bytes = disk.MeasureAgain();
        if (!bytes) {
            Log(LogLevel::kWarning, worker.name + ": the size stays as it was: " + bytes.error().Message());
            continue;
        }
        if (*bytes == disk.Bytes() || worker.ended) continue;
        // No file of the worker may grow beyond its disk.
        if (!LimitFileSize(worker.process.pid, std::max(*bytes, kOwnPages))) {
            Log(LogLevel::kWarning, worker.name + ": the size stays as it was: its limit cannot be raised: " +
                                        std::string(::strerror(errno)));
            continue;
        }
        disk.Resize(*bytes);
        (void)SendMessage(worker.channel, ResizeDisk{*bytes});
        Log(LogLevel::kInfo, worker.name + " has " + std::to_string(*bytes) + " bytes now");
    }
}

Result<Family> Family::Start(const MachineConfig& config, HostResources& resources, std::uint64_t process_start,
                             bool again) {
    // All sockets made here are for roles.
    std::optional<ScopedSocketContext> socket_label;
    if (resources.selinux) socket_label.emplace(HUSK_TRY(resources.selinux->LabelSockets()));
    RoleStarter starter = HUSK_TRY(RoleStarter::Create(config.name, config.confinement, resources.selinux));
    const PlannedBoot plan = HUSK_TRY(PlanBoot(config, resources, starter, again));
    if (!plan.description.empty()) Log(LogLevel::kInfo, "booting " + plan.description);
    const std::vector<BootPieces> pieces = HUSK_TRY(MakeBootPieces(plan));
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
    const std::size_t nets = resources.nets.size();

    std::vector<SlotAssignment> vmm_slots{{kvm.Fd(), vmm_slot::kKvm},
                                          {wake_console.Get(), vmm_slot::kWakeConsole},
                                          {wake_vmm.Get(), vmm_slot::kWakeVmm},
                                          {plan.kernel.Get(), vmm_slot::kKernel}};
    if (plan.initrd) vmm_slots.push_back({plan.initrd.Get(), vmm_slot::kInitrd});
    VmmConfig vmm_config = MakeVmmConfig(config, plan, process_start);
    vmm_config.device[kConsoleDevice] = ConsoleSpec(config.ports.size());
    std::vector<DiskGeometry> geometries;
    for (std::size_t disk = 0; disk < disks; ++disk) {
        geometries.push_back(HUSK_TRY(GeometryOf(resources.disks[disk], config.disks[disk].ephemeral)));
        vmm_config.device[kConsoleDevice + 1 + disk] = DiskSpec(geometries[disk], MakeBlkOffer(config, disk));
    }
    for (std::uint32_t net = 0; net < nets; ++net) {
        vmm_config.device[kConsoleDevice + 1 + disks + net] = NetSpec(resources.nets[net], config.networks[net]);
    }
    vmm_config.devices = static_cast<std::uint32_t>(1 + disks + nets);
    std::vector<DeviceWires> wires;
    for (std::uint32_t device = 0; device < vmm_config.devices; ++device) {
        const DeviceWires& wire = wires.emplace_back(HUSK_TRY(DeviceWires::Create()));
        const int index = static_cast<int>(device);
        vmm_slots.push_back({wire.vmm.Fd(), vmm_slot::Worker(index)});
        vmm_slots.push_back({wire.interrupt.Get(), vmm_slot::Interrupt(index)});
        vmm_slots.push_back({wire.doorbell.Get(), vmm_slot::Doorbell(index)});
    }

    vmm_config.filter_msrs = msr_filter.present && !config.confinement.without.Has(Layer::kMsrFilter);
    vmm_config.boot_pieces = static_cast<std::uint32_t>(pieces.size());
    StartedRoles roles;
    // The vmm first: it has the most to do. Guest RAM is the largest file that it makes.
    const RoleLimits vmm_limits{.open_files = 256, .file_size = std::max(config.memory_bytes, kOwnPages)};
    const RoleHandle& vmm = roles.Add(HUSK_TRY(starter.Start("vmm", "vmm", vmm_slots, vmm_limits, vmm_config)));
    for (const BootPieces& message : pieces) HUSK_TRY(SendMessage(vmm.channel, message));

    const DeviceWires& console = wires[kConsoleDevice];
    std::vector<SlotAssignment> console_slots{{console.worker.Fd(), console_slot::kVmm},
                                              {wake_console.Get(), console_slot::kWakeConsole},
                                              {wake_vmm.Get(), console_slot::kWakeVmm},
                                              {console.interrupt.Get(), console_slot::kInterrupt},
                                              {console.doorbell.Get(), console_slot::kDoorbell}};
    const ConsoleEndpoint& endpoint = resources.console;
    if (endpoint.input) console_slots.push_back({endpoint.input.Get(), console_slot::kInput});
    if (endpoint.output) console_slots.push_back({endpoint.output.Get(), console_slot::kOutput});
    if (resources.console_log) console_slots.push_back({resources.console_log.Get(), console_slot::kLog});
    roles.Add(HUSK_TRY(starter.Start("console", "console", console_slots, {.open_files = kWorkerFiles},
                                     MakeConsoleConfig(config, endpoint))));

    for (std::uint32_t disk = 0; disk < disks; ++disk) {
        const DeviceWires& wire = wires[kConsoleDevice + 1 + disk];
        std::vector<SlotAssignment> slots{{wire.worker.Fd(), blk_slot::kVmm},
                                          {wire.interrupt.Get(), blk_slot::kInterrupt},
                                          {wire.doorbell.Get(), blk_slot::kDoorbell},
                                          {resources.disks[disk].Fd(), blk_slot::kDisk}};
        const RoleLimits limits{.open_files = kWorkerFiles,
                                .file_size = kUnlimited};  // it limits itself: see ResizeDisks()
        if (const ScopedFd& scratch = resources.scratches[disk]) slots.push_back({scratch.Get(), blk_slot::kScratch});
        roles.Add(HUSK_TRY(starter.Start("blk", "blk" + std::to_string(disk), slots, limits,
                                         MakeBlkConfig(config, geometries[disk], MakeBlkOffer(config, disk), disk))));
    }
    for (std::uint32_t net = 0; net < nets; ++net) {
        const DeviceWires& wire = wires[kConsoleDevice + 1 + disks + net];
        const HostNet& host = resources.nets[net];
        std::vector<SlotAssignment> slots{{wire.worker.Fd(), net_slot::kVmm},
                                          {wire.interrupt.Get(), net_slot::kInterrupt},
                                          {wire.doorbell.Get(), net_slot::kDoorbell}};
        if (host.capture.fd) slots.push_back({host.capture.fd.Get(), net_slot::kCapture});
        for (std::size_t queue = 0; queue < host.queues.size(); ++queue) {
            slots.push_back({host.queues[queue].Get(), net_slot::Wire(static_cast<int>(queue))});
        }
        roles.Add(HUSK_TRY(starter.Start("net", "net" + std::to_string(net), slots, {.open_files = kWorkerFiles},
                                         MakeNetConfig(config, host, net))));
    }
    absent.insert(absent.end(), starter.Absent().begin(), starter.Absent().end());
    Family family;
    family.roles = roles.Release();
    family.disk_stats.resize(disks);
    family.net_stats.resize(nets);
    family.absent = std::move(absent);
    return family;
}

std::string Family::DeviceName(std::uint32_t device) const {
    if (device == kConsoleDevice) return "hvc0";
    return device < Devices() ? roles[WorkerOf(device)].name : "device " + std::to_string(device);
}

}  // namespace husk
