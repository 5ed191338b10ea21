#include "boot/linux/legacy_stops.h"

#include <cstdint>
#include <cstdlib>
#include <numeric>

#include "vmm/memory/address_map.h"

namespace husk {
namespace {

constexpr std::byte Byte(unsigned value) { return static_cast<std::byte>(value & 0xff); }

}  // namespace

std::array<std::byte, kResetStubMax> MakeResetStub() {
    using address_map::kResetPort;
    using address_map::kResetValue;
    return {Byte(0xfa),                                            // cli
            Byte(0xba), Byte(kResetPort),  Byte(kResetPort >> 8),  // mov $kResetPort, %dx
            Byte(0xb0), Byte(kResetValue),                         // mov $kResetValue, %al
            Byte(0xee),                                            // out %al, %dx
            Byte(0xf4),                                            // 1: hlt
            Byte(0xeb), Byte(0xfd)};                               // jmp 1b
}

std::array<std::byte, 16> MakeMpFloatingPointer() {
    constexpr std::size_t kChecksum = 10;
    std::array<std::byte, 16> mp = {Byte('_'), Byte('M'), Byte('P'), Byte('_'), {}, {}, {}, {},  // no table
                                    Byte(1),                                                     // length in paragraphs
                                    Byte(4)};                                                    // version 1.4
    const auto add = [](unsigned sum, std::byte b) { return sum + std::to_integer<unsigned>(b); };
    mp[kChecksum] = Byte(0U - std::accumulate(mp.begin(), mp.end(), 0U, add));  // all bytes add up to zero
    return mp;
}

void WriteLegacyStops(const GuestMemory& memory) {
    const bool written = memory.Write(address_map::kResetStub, MakeResetStub()) &&
                         memory.Write(address_map::kMpFloatingPointer, MakeMpFloatingPointer());
    if (!written) std::abort();  // guest memory reaches beyond 1 MiB by its own contract
}

}  // namespace husk
