#include "vmm/roles/board.h"

#include <sys/random.h>

#include "boot/acpi/acpi_tables.h"
#include "boot/linux/legacy_stops.h"
#include "boot/linux/linux_boot.h"
#include "vmm/kvm/cpuid.h"
#include "vmm/kvm/msr_filter.h"
#include "vmm/memory/address_map.h"
#include "vmm/roles/slots.h"

namespace husk {
namespace {

AcpiMachine DescribeMachine(const VmmConfig& config) {
    AcpiMachine machine;
    machine.cpus = config.vcpus;
    machine.power_button_gsi = address_map::kPowerButtonGsi;
    if (config.uart) {
        machine.uart = AcpiMachine::Uart{address_map::kUartPort, address_map::kUartPorts, address_map::kUartGsi};
    }
    for (std::uint32_t index = 0; index < config.devices; ++index) {
        machine.virtio.push_back(
            {VirtioDevice::RegistersOf(index), address_map::kVirtioMmioStride, VirtioDevice::GsiOf(index)});
    }
    return machine;
}

VcpuEntry ToVcpuEntry(const EntryState& state) {
    const bool long_mode = state.mode == EntryState::Mode::kLong64;
    return {.mode = long_mode ? VcpuEntry::Mode::kLong64 : VcpuEntry::Mode::kProtected32,
            .instruction = state.entry,
            .argument = state.argument,
            .page_table = state.page_table,
            .gdt = state.gdt,
            .gdt_limit = state.gdt_limit};
}

}  // namespace

Result<std::unique_ptr<Board>> Board::Create(ScopedFd kvm_fd, const VmmConfig& config, const BootFiles& files,
                                             const BoardLinks& links) {
    Kvm kvm = HUSK_TRY(Kvm::Create(std::move(kvm_fd)));
    if (config.vcpus > kvm.MaxVcpus()) {
        return Fail(ErrorKind::kUsage, "this host's KVM runs at most " + std::to_string(kvm.MaxVcpus()) +
                                           " vCPUs in one VM, not " + std::to_string(config.vcpus));
    }
    Vm vm = HUSK_TRY(kvm.CreateVm());
    HUSK_TRY(vm.MoveTo(vmm_slot::kVm));
    // As many pins as devices need: a guest kernel writes each of them several times while it starts.
    const std::uint32_t pins = VirtioDevice::GsiOf(config.devices);
    HUSK_TRY(vm.EnableSplitIrqchip(pins));
    HUSK_TRY(vm.ReserveRealModePages());
    if (config.filter_msrs) HUSK_TRY(InstallMsrFilter(vm));
    links.stats.kvm_ready.SetOnce();

    GuestMemory memory = HUSK_TRY(
        GuestMemory::Create(config.memory_bytes, config.huge_pages ? PageBacking::kHuge : PageBacking::kTransparent));
    std::uint32_t slot = 0;
    for (const MemoryRegion& region : memory.Regions()) HUSK_TRY(vm.AddMemory(slot++, region));
    links.stats.memory_ready.SetOnce();

    EventFd uart_event = HUSK_TRY(EventFd::CreateOn(vmm_slot::kUartLine));
    EventFd button_event = HUSK_TRY(EventFd::CreateOn(vmm_slot::kButtonLine));
    std::unique_ptr<Board> board(
        new Board(std::move(vm), std::move(memory), std::move(uart_event), std::move(button_event), pins, links));
    const bool pages = !config.virtio_trap && kvm.HasReadOnlyMemory();
    HUSK_TRY(board->CreateDevices(config, links, pages, slot));
    HUSK_TRY(board->EquipWorkers(links));
    HUSK_TRY(board->WireDevices(config, pages));
    HUSK_TRY(board->CreateVcpus(kvm, config));
    HUSK_TRY(board->LoadGuest(config, files));
    links.stats.kernel_loaded.SetOnce();
    return board;
}

Board::Board(Vm vm, GuestMemory memory, EventFd uart_event, EventFd button_event, std::uint32_t pins,
             const BoardLinks& links)
    : vm_(std::move(vm)),
      memory_(std::move(memory)),
      uart_line_(std::move(uart_event)),
      button_line_(std::move(button_event)),
      routes_(vm_),
      ioapic_(pins, routes_),
      serial_(*links.rings, links.wake_console),
      uart_(serial_, uart_line_),
      power_control_(links.power),
      keyboard_reset_(links.power),
      power_button_(button_line_) {}

// Register pages become memory slots before anything is tied to an eventfd: afterwards each slot takes milliseconds.
Result<> Board::CreateDevices(const VmmConfig& config, const BoardLinks& links, bool pages, std::uint32_t slot) {
    for (std::uint32_t index = 0; index < config.devices; ++index) {
        devices_.push_back(HUSK_TRY(VirtioDevice::Create(index, config.device[index], links.wake_control, links.gate,
                                                         links.stats.devices[index])));
        if (pages) HUSK_TRY(devices_.back()->MapPage(vm_, slot++));
    }
    return {};
}

// As early as can be: they get ready while the kernel is loaded.
Result<> Board::EquipWorkers(const BoardLinks& links) const {
    HUSK_TRY(SendMessage(devices_[kConsoleDevice]->Control().Worker(), ConsoleMemory{}, links.rings.Fd()));
    for (const auto& device : devices_) HUSK_TRY(SendMessage(device->Control().Worker(), GuestRam{}, memory_.Fd()));
    return {};
}

Result<> Board::WireDevices(const VmmConfig& config, bool pages) {
    for (const auto& device : devices_) HUSK_TRY(device->Wire(vm_, mmio_, routes_, pages));
    routes_.Connect(Gsi{address_map::kPowerButtonGsi}, button_line_.Fd());
    HUSK_TRY(mmio_.Attach(address_map::kIoapic.Value(), address_map::kIoapicSize, ioapic_, "ioapic"));
    HUSK_TRY(ports_.Attach(PowerControl::kPort, PowerControl::kPorts, power_control_, "acpi-power"));
    HUSK_TRY(ports_.Attach(KeyboardReset::kPort, KeyboardReset::kPorts, keyboard_reset_, "keyboard-reset"));
    has_uart_ = config.uart;
    if (!has_uart_) return {};
    routes_.Connect(Gsi{address_map::kUartGsi}, uart_line_.Fd());
    return ports_.Attach(address_map::kUartPort, address_map::kUartPorts, uart_, "uart");
}

Result<> Board::CreateVcpus(const Kvm& kvm, const VmmConfig& config) {
    const auto supported = HUSK_TRY(SupportedCpuid(kvm));
    const bool tsc_deadline = kvm.HasTscDeadlineTimer();
    vcpus_.reserve(config.vcpus);
    for (std::uint32_t id = 0; id < config.vcpus; ++id) {
        Vcpu& vcpu = vcpus_.emplace_back(HUSK_TRY(vm_.CreateVcpu(id)));
        HUSK_TRY(vcpu.MoveTo(vmm_slot::Vcpu(static_cast<int>(id))));
        auto cpuid = supported;
        AdjustCpuid(cpuid, {.id = id, .count = config.vcpus}, tsc_deadline);
        HUSK_TRY(vcpu.SetCpuid(cpuid));
        HUSK_TRY(vcpu.SetBootMsrs());
    }
    return {};
}

Result<> Board::LoadGuest(const VmmConfig& config, const BootFiles& files) {
    const AcpiTables acpi = HUSK_TRY(BuildAcpiTables(DescribeMachine(config)));
    if (!memory_.Write(address_map::kAcpiTables, acpi.image)) return Fail("the ACPI tables do not fit into memory");
    WriteLegacyStops(memory_);
    LinuxBoot boot{.kernel = files.kernel,
                   .initrds = files.initrds,
                   .cmdline = config.command_line.View(),
                   .rsdp = acpi.rsdp,
                   .rng_seed = {}};
    if (::getrandom(boot.rng_seed.data(), boot.rng_seed.size(), 0) != ssize_t{sizeof boot.rng_seed}) {
        return FailOs("cannot get a seed for the guest's random numbers");
    }
    const EntryState entry = HUSK_TRY(LoadLinux(boot, memory_));
    return vcpus_.front().SetEntry(ToVcpuEntry(entry));
}

void Board::ConsoleReady() {
    if (has_uart_) uart_.HostReady();
}

void Board::PublishCounts(VmmStats& stats) {
    for (const auto& device : devices_) device->PublishCounts();
    stats.uart_transmitted.store(uart_.Transmitted(), std::memory_order_relaxed);
    stats.uart_received.store(uart_.Received(), std::memory_order_relaxed);
    stats.uart_overruns.store(uart_.Overruns(), std::memory_order_relaxed);
    stats.route_updates.store(routes_.Updates(), std::memory_order_relaxed);
}

}  // namespace husk
