#include "vmm/roles/filters/role_tables.h"

#include <array>

#include "devices/host/tap.h"
#include "vmm/kvm/sealed_requests.h"
#include "vmm/roles/messages.h"
#include "vmm/roles/slots.h"

namespace husk::role_tables {
namespace {

static_assert(kDeviceSlots == int{kMaxDevices} && net_slot::kWires == int{kMaxNetQueues});

// The slots of all devices, by the function that gives one.
template <int (*kSlotOf)(int)>
constexpr std::array<int, kMaxDevices> kOfEachDevice = [] {
    std::array<int, kMaxDevices> slots{};
    for (std::size_t device = 0; device < slots.size(); ++device) slots[device] = kSlotOf(static_cast<int>(device));
    return slots;
}();

constexpr VmmNumbers kVmm{.launcher = vmm_slot::kLauncher,
                          .vm = vmm_slot::kVm,
                          .wake_console = vmm_slot::kWakeConsole,
                          .wake_vmm = vmm_slot::kWakeVmm,
                          .guest_ended = vmm_slot::kGuestEnded,
                          .wake_control = vmm_slot::kWakeControl,
                          .uart_line = vmm_slot::kUartLine,
                          .button_line = vmm_slot::kButtonLine,
                          .workers = kOfEachDevice<vmm_slot::Worker>,
                          .interrupts = kOfEachDevice<vmm_slot::Interrupt>,
                          .doorbells = kOfEachDevice<vmm_slot::Doorbell>,
                          .acknowledged = kOfEachDevice<vmm_slot::Acknowledged>,
                          .kvm_run = sealed_requests::kRun,
                          .kvm_irqfd = sealed_requests::kIrqFd,
                          .kvm_set_gsi_routing = sealed_requests::kSetGsiRouting};

constexpr BlkNumbers kBlk{.launcher = blk_slot::kLauncher,
                          .vmm = blk_slot::kVmm,
                          .interrupt = blk_slot::kInterrupt,
                          .doorbell = blk_slot::kDoorbell,
                          .disk = blk_slot::kDisk,
                          .pool_doorbell = blk_slot::kPoolDoorbell,
                          .ring = blk_slot::kRing,
                          .scratch = blk_slot::kScratch};

constexpr ConsoleNumbers kConsole{.launcher = console_slot::kLauncher,
                                  .vmm = console_slot::kVmm,
                                  .wake_console = console_slot::kWakeConsole,
                                  .wake_vmm = console_slot::kWakeVmm,
                                  .input = console_slot::kInput,
                                  .output = console_slot::kOutput,
                                  .client = console_slot::kClient,
                                  .interrupt = console_slot::kInterrupt,
                                  .doorbell = console_slot::kDoorbell};

constexpr std::array<int, net_slot::kWires> kWires = [] {
    std::array<int, net_slot::kWires> slots{};
    for (std::size_t queue = 0; queue < slots.size(); ++queue) slots[queue] = net_slot::Wire(static_cast<int>(queue));
    return slots;
}();

constexpr NetNumbers kNet{.launcher = net_slot::kLauncher,
                          .vmm = net_slot::kVmm,
                          .interrupt = net_slot::kInterrupt,
                          .doorbell = net_slot::kDoorbell,
                          .capture = net_slot::kCapture,
                          .wires = kWires,
                          .tap_offloads = kTapOffloads};

constexpr ReaderNumbers kReader{
    .source = reader_slot::kSource, .initrd = reader_slot::kInitrd, .report = reader_slot::kReport};

}  // namespace

ThreadTable Vcpu(std::uint32_t vcpu) { return VcpuTable(kVmm, vmm_slot::Vcpu(static_cast<int>(vcpu))); }
ThreadTable Control() { return ControlTable(kVmm); }
ThreadTable BlkLoop() { return BlkLoopTable(kBlk); }
ThreadTable BlkRingLoop() { return BlkRingLoopTable(kBlk); }
ThreadTable BlkPool() { return BlkPoolTable(kBlk); }
ThreadTable Console() { return ConsoleTable(kConsole); }
ThreadTable Net() { return NetTable(kNet); }
ThreadTable Reader() { return ReaderTable(kReader); }

std::vector<ThreadTable> All() {
    return {Vcpu(0), Control(), BlkLoop(), BlkRingLoop(), BlkPool(), Net(), Console(), Reader(), LauncherTable()};
}

}  // namespace husk::role_tables
