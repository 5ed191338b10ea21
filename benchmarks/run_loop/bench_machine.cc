#include "benchmarks/run_loop/bench_machine.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "boot/linux/linux_boot.h"
#include "vmm/base/bytes.h"
#include "vmm/kvm/cpuid.h"
#include "vmm/memory/address_map.h"

namespace husk::bench {
namespace {

constexpr std::uint64_t kRam = address_map::kMinRam;
constexpr std::uint64_t kSlotSize = address_map::kPageSize;
constexpr Gsi kLoopbackGsi{1};
constexpr Gsi kWorkerGsi{3};
constexpr std::uint32_t kPins = 4;
// To local APIC 0, fixed, edge; the vector is the guest's (guests/machine.h).
constexpr MsiMessage kGuestInterrupt{0xfee0'0000, 0x40};

Result<EntryState> LoadGuest(const std::string& guest, std::string_view command_line, const GuestMemory& memory) {
    const ScopedFd file(::open(guest.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return FailOs("cannot open the benchmark guest " + guest);
    struct stat status{};
    if (::fstat(file.Get(), &status) != 0) return FailOs("cannot examine " + guest);
    return LoadLinux({.kernel = {file.Get(), {{0, static_cast<std::uint64_t>(status.st_size)}}},
                      .initrds = {},
                      .cmdline = command_line,
                      .rsdp = GuestAddress(0)},
                     memory);
}

}  // namespace

void LineConsole::Read(std::uint64_t, std::span<std::byte> data) { FillOnes(data); }

void LineConsole::Write(std::uint64_t offset, std::span<const std::byte> data) {
    if (offset != 0) return;
    line_.push_back(static_cast<char>(data.front()));
    if (gate_ && HasLine()) gate_->Over();
}

std::string LineConsole::Take() {
    std::string line = std::exchange(line_, std::string());
    if (line.ends_with('\n')) line.pop_back();
    return line;
}

void TrappedDevice::Read(std::uint64_t, std::span<std::byte> data) {
    std::memcpy(data.data(), &value_, std::min(data.size(), sizeof value_));
}

void TrappedDevice::Write(std::uint64_t offset, std::span<const std::byte> data) {
    std::memcpy(&value_, data.data(), std::min(data.size(), sizeof value_));
    if (offset == kTrappedDoorbell - kTrappedRegister) doorbell_.Signal();
}

struct BenchMachine::Parts {
    Vm vm;
    GuestMemory memory;
    std::size_t vcpu_map_size;
    EventFd unread, loopback, worker_doorbell, worker_interrupt;
};

BenchMachine::BenchMachine(Parts&& parts, Vcpu&& cpu)
    : vm_(std::move(parts.vm)),
      memory_(std::move(parts.memory)),
      cpu_(std::move(cpu)),
      vcpu_map_size_(parts.vcpu_map_size),
      unread_(std::move(parts.unread)),
      loopback_(std::move(parts.loopback)),
      worker_doorbell_(std::move(parts.worker_doorbell)),
      worker_interrupt_(std::move(parts.worker_interrupt)) {}

Result<std::unique_ptr<BenchMachine>> BenchMachine::Create(const std::string& guest, std::string_view command_line) {
    Kvm kvm = HUSK_TRY(Kvm::Create(HUSK_TRY(Kvm::OpenDevice("/dev/kvm"))));
    Parts parts{.vm = HUSK_TRY(kvm.CreateVm()),
                .memory = HUSK_TRY(GuestMemory::Create(kRam)),
                .vcpu_map_size = HUSK_TRY(kvm.VcpuMapSize()),
                .unread = HUSK_TRY(EventFd::Create()),
                .loopback = HUSK_TRY(EventFd::Create()),
                .worker_doorbell = HUSK_TRY(EventFd::Create()),
                .worker_interrupt = HUSK_TRY(EventFd::Create())};
    HUSK_TRY(parts.vm.EnableSplitIrqchip(kPins));
    HUSK_TRY(parts.vm.ReserveRealModePages());
    Vcpu cpu = HUSK_TRY(parts.vm.CreateVcpu(0));
    HUSK_TRY(cpu.SetCpuid(HUSK_TRY(SupportedCpuid(kvm))));
    HUSK_TRY(cpu.SetBootMsrs());
    const EntryState entry = HUSK_TRY(LoadGuest(guest, command_line, parts.memory));
    HUSK_TRY(cpu.SetEntry({.mode = VcpuEntry::Mode::kProtected32,
                           .instruction = entry.entry,
                           .argument = entry.argument,
                           .page_table = entry.page_table,
                           .gdt = entry.gdt,
                           .gdt_limit = entry.gdt_limit}));
    std::unique_ptr<BenchMachine> machine(new BenchMachine(std::move(parts), std::move(cpu)));
    HUSK_TRY(machine->Wire());
    return machine;
}

Result<> BenchMachine::Wire() {
    // The last page of RAM is the register page too: reading it needs no more than that it is memory.
    const MemoryRegion& ram = memory_.Regions().front();
    HUSK_TRY(vm_.AddMemory(0, ram));
    HUSK_TRY(vm_.AddMemory(1, {GuestAddress(kRegisterPage), ram.host.last(kSlotSize)}, true));
    HUSK_TRY(vm_.AddIoEventFd(GuestAddress(kPageDoorbell), 0, unread_.Get()));
    HUSK_TRY(vm_.AddIoEventFd(GuestAddress(kUnmappedDoorbell), 0, unread_.Get()));
    HUSK_TRY(vm_.AddIoEventFd(GuestAddress(kLoopbackDoorbell), 0, loopback_.Get()));
    HUSK_TRY(vm_.AddIoEventFd(GuestAddress(kWorkerDoorbell), 0, worker_doorbell_.Get()));
    routes_.Connect(kLoopbackGsi, loopback_.Get());
    routes_.Connect(kWorkerGsi, worker_interrupt_.Get());
    routes_.Unmask(kLoopbackGsi, kGuestInterrupt);
    routes_.Unmask(kWorkerGsi, kGuestInterrupt);
    HUSK_TRY(ports_.Attach(kConsolePort, kScratchPort - kConsolePort + 1, console, "console"));
    HUSK_TRY(mmio_.Attach(kTrappedRegister, kSlotSize, trapped_, "registers"));
    worker_ = HUSK_TRY(AnsweringWorker::Start(worker_doorbell_, worker_interrupt_));
    return {};
}

}  // namespace husk::bench
