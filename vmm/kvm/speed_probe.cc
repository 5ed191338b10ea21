#include "vmm/kvm/speed_probe.h"

#include <array>

#include "vmm/base/clock.h"
#include "vmm/kvm/kvm.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"
#include "vmm/memory/address_map.h"
#include "vmm/memory/guest_memory.h"

namespace husk {
namespace {

constexpr std::uint32_t kTurns = 8192;  // two instructions each
constexpr GuestAddress kCode{0x10000};
constexpr std::uint8_t kDonePort = 0xf5;

// mov ecx, kTurns; 1: dec ecx; jnz 1b; out kDonePort, al; hlt
constexpr std::array<std::uint8_t, 12> kLoop = {
    0xb9, kTurns & 0xff, (kTurns >> 8) & 0xff, 0x00, 0x00, 0xff, 0xc9, 0x75, 0xfc, 0xe6, kDonePort, 0xf4};

}  // namespace

Result<GuestSpeed> ProbeGuestSpeed(const Kvm& kvm) {
    Vm vm = HUSK_TRY(kvm.CreateVm());
    HUSK_TRY(vm.ReserveRealModePages());
    const GuestMemory memory = HUSK_TRY(GuestMemory::Create(address_map::kMinRam));
    HUSK_TRY(vm.AddMemory(0, memory.Regions().front()));
    if (!memory.Write(kCode, std::as_bytes(std::span(kLoop)))) return Fail("the probe does not fit into memory");
    Vcpu vcpu = HUSK_TRY(vm.CreateVcpu(0));
    HUSK_TRY(vcpu.SetEntry({.mode = VcpuEntry::Mode::kProtected32,
                            .instruction = kCode,
                            .argument = GuestAddress(0),
                            .page_table = GuestAddress(0),
                            .gdt = GuestAddress(0),
                            .gdt_limit = 0}));
    const std::uint64_t start = MonotonicNanoseconds();
    const VcpuExit exit = vcpu.Run();
    const std::uint64_t spent = MonotonicNanoseconds() - start;
    const auto* const done = std::get_if<PioExit>(&exit);
    if (done == nullptr || done->port != kDonePort) return Fail("the guest did not come to the end of the probe");
    return GuestSpeed{spent / (2 * kTurns)};
}

}  // namespace husk
