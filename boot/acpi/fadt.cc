#include "boot/acpi/fadt.h"

#include <cstdint>

#include "boot/acpi/table.h"
#include "vmm/base/bytes.h"
#include "vmm/memory/address_map.h"

namespace husk::acpi {
namespace {

constexpr std::uint8_t kRevision = 6;
constexpr std::uint8_t kMinorRevision = 4;

// IA-PC boot architecture, §5.2.9.3. Bits 0 and 1 (legacy devices, 8042) stay clear: probing ports that
// nobody answers costs a guest seconds. So does bit 3 (MSI not supported): nothing forbids MSIs.
constexpr std::uint16_t kVgaNotPresent = 1 << 2;
constexpr std::uint16_t kCmosRtcNotPresent = 1 << 5;

// Fixed feature flags, §5.2.9.
constexpr std::uint32_t kWbinvd = 1 << 0;
constexpr std::uint32_t kProcC1 = 1 << 2;
constexpr std::uint32_t kPowerButtonIsDevice = 1 << 4;  // set: there is no fixed one (it is PNP0C0C in the DSDT)
constexpr std::uint32_t kSleepButtonIsDevice = 1 << 5;  // set: there is no fixed one (nor any)
constexpr std::uint32_t kNoFixedRtcWake = 1 << 6;
constexpr std::uint32_t kResetRegisterSupported = 1 << 10;
constexpr std::uint32_t kHeadless = 1 << 12;
constexpr std::uint32_t kHardwareReduced = 1 << 20;

// All that is `reserved` or has `no_` is not there on a hardware-reduced machine and zero. Zero addresses
// *and* lengths: a guest complains about halves.
struct [[gnu::packed]] FadtBody {
    std::uint32_t no_facs = 0;
    std::uint32_t dsdt = 0;  // superseded by x_dsdt
    std::uint8_t reserved0 = 0;
    std::uint8_t preferred_pm_profile = 0;  // unspecified
    std::uint16_t no_sci_interrupt = 0;
    std::uint32_t no_smi_command = 0;
    std::uint8_t no_smi_values[4] = {};
    std::uint32_t no_fixed_blocks[8] = {};        // PM1a/b event and control, PM2 control, timer, GPE0, GPE1
    std::uint8_t no_fixed_block_lengths[8] = {};  // and the GPE1 base and _CST command between them
    std::uint16_t no_c2_latency = 0;
    std::uint16_t no_c3_latency = 0;
    std::uint16_t no_flush_size = 0;
    std::uint16_t no_flush_stride = 0;
    std::uint8_t no_duty_offset = 0;
    std::uint8_t no_duty_width = 0;
    std::uint8_t no_day_alarm = 0;
    std::uint8_t no_month_alarm = 0;
    std::uint8_t no_century = 0;
    std::uint16_t boot_architecture = kVgaNotPresent | kCmosRtcNotPresent;
    std::uint8_t reserved1 = 0;
    std::uint32_t flags = kWbinvd | kProcC1 | kPowerButtonIsDevice | kSleepButtonIsDevice | kNoFixedRtcWake |
                          kResetRegisterSupported | kHeadless | kHardwareReduced;
    GenericAddress reset_register = BytePort(address_map::kResetPort);
    std::uint8_t reset_value = address_map::kResetValue;
    std::uint16_t no_arm_boot_architecture = 0;
    std::uint8_t minor_revision = kMinorRevision;
    std::uint64_t no_x_facs = 0;
    std::uint64_t x_dsdt = 0;
    GenericAddress no_x_fixed_blocks[8] = {};
    GenericAddress sleep_control = BytePort(address_map::kSleepControlPort);
    GenericAddress sleep_status = BytePort(address_map::kSleepStatusPort);
    char hypervisor_vendor[8] = {'H', 'U', 'S', 'K'};
};
static_assert(sizeof(FadtBody) == 276 - kTableHeaderSize);
static_assert(offsetof(FadtBody, no_fixed_block_lengths) == 88 - kTableHeaderSize);
static_assert(offsetof(FadtBody, boot_architecture) == 109 - kTableHeaderSize);
static_assert(offsetof(FadtBody, flags) == 112 - kTableHeaderSize);
static_assert(offsetof(FadtBody, reset_register) == 116 - kTableHeaderSize);
static_assert(offsetof(FadtBody, x_dsdt) == 140 - kTableHeaderSize);
static_assert(offsetof(FadtBody, sleep_control) == 244 - kTableHeaderSize);
static_assert(offsetof(FadtBody, hypervisor_vendor) == 268 - kTableHeaderSize);

}  // namespace

std::vector<std::byte> MakeFadt(GuestAddress dsdt) {
    FadtBody body;
    body.x_dsdt = dsdt.Value();
    return MakeTable("FACP", kRevision, BytesOf(body));
}

}  // namespace husk::acpi
