// RegisterPage: the registers of one virtio-mmio device as a guest reads them (Virtio 1.2 §4.2.2): one page of host
// memory that KVM maps into the guest read-only. Guest loads race with our stores, so each register is stored as one
// aligned 32-bit atomic. Fresh pages are all zero; what is no readable register stays so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/base/result.h"

namespace husk {

// Offsets of the registers (§4.2.2, table 4.1).
enum class MmioRegister : std::uint32_t {
    kMagicValue = 0x000,
    kVersion = 0x004,
    kDeviceId = 0x008,
    kVendorId = 0x00c,
    kDeviceFeatures = 0x010,
    kDeviceFeaturesSel = 0x014,
    kDriverFeatures = 0x020,
    kDriverFeaturesSel = 0x024,
    kQueueSel = 0x030,
    kQueueSizeMax = 0x034,
    kQueueSize = 0x038,
    kQueueReady = 0x044,
    kQueueNotify = 0x050,
    kInterruptStatus = 0x060,
    kInterruptAck = 0x064,
    kStatus = 0x070,
    kQueueDescLow = 0x080,
    kQueueDescHigh = 0x084,
    kQueueDriverLow = 0x090,
    kQueueDriverHigh = 0x094,
    kQueueDeviceLow = 0x0a0,
    kQueueDeviceHigh = 0x0a4,
    kShmSel = 0x0ac,
    kShmLenLow = 0x0b0,
    kShmLenHigh = 0x0b4,
    kShmBaseLow = 0x0b8,
    kShmBaseHigh = 0x0bc,
    kQueueReset = 0x0c0,
    kConfigGeneration = 0x0fc,
    kConfig = 0x100,
};

class RegisterPage {
 public:
    static constexpr std::size_t kSize = 4096;
    static constexpr std::size_t kMaxConfig = 256;

    // Start-up only.
    [[nodiscard]] static Result<RegisterPage> Create();
    RegisterPage(RegisterPage&& other) noexcept;
    RegisterPage& operator=(RegisterPage&&) = delete;
    ~RegisterPage();

    // One writer at a time; readers (the guest, other threads) may come at any moment.
    void Set(MmioRegister at, std::uint32_t value);
    [[nodiscard]] std::uint32_t Get(MmioRegister at) const;
    // Configuration bytes, from `offset` in configuration space; the caller has checked the range.
    void SetConfig(std::size_t offset, std::span<const std::byte> bytes);
    // What a read of any width at any offset finds: registers and configuration; zero elsewhere, beyond the page too.
    void Copy(std::uint64_t offset, std::span<std::byte> data) const;

    // For KVM's memory slot.
    [[nodiscard]] std::span<std::byte> Bytes() const { return bytes_; }

 private:
    explicit RegisterPage(std::span<std::byte> bytes) : bytes_(bytes) {}
    void Store(std::size_t word, std::uint32_t value);
    [[nodiscard]] std::uint32_t Load(std::size_t word) const;
    [[nodiscard]] std::uint32_t* Words() const;

    std::span<std::byte> bytes_;  // page-aligned, kSize long
};

}  // namespace husk
