#include "virtio_blk.h"

#include "machine.h"

namespace guest {
namespace {

constexpr std::uint64_t kMagicValue = 0x000;
constexpr std::uint64_t kVersion = 0x004;
constexpr std::uint64_t kDeviceId = 0x008;
constexpr std::uint64_t kDriverFeatures = 0x020;
constexpr std::uint64_t kDriverFeaturesSel = 0x024;
constexpr std::uint64_t kQueueSel = 0x030;
constexpr std::uint64_t kQueueSize = 0x038;
constexpr std::uint64_t kQueueReady = 0x044;
constexpr std::uint64_t kQueueNotify = 0x050;
constexpr std::uint64_t kInterruptStatus = 0x060;
constexpr std::uint64_t kInterruptAck = 0x064;
constexpr std::uint64_t kStatus = 0x070;
constexpr std::uint64_t kQueueDesc = 0x080;
constexpr std::uint64_t kQueueDriver = 0x090;
constexpr std::uint64_t kQueueDevice = 0x0a0;

constexpr std::uint32_t kMagic = 0x7472'6976;
constexpr std::uint32_t kBlock = 2;
constexpr std::uint32_t kVersion1Bit = 1;  // feature 32: the first of the upper word
constexpr std::uint32_t kAcknowledge = 1;
constexpr std::uint32_t kDriver = 2;
constexpr std::uint32_t kDriverOk = 4;
constexpr std::uint32_t kFeaturesOk = 8;

constexpr std::uint16_t kDescNext = 1;
constexpr std::uint16_t kDescWrite = 2;
constexpr std::uint32_t kGetId = 8;
constexpr std::uint16_t kSize = 8;

struct Desc {
    std::uint64_t address;
    std::uint32_t length;
    std::uint16_t flags;
    std::uint16_t next;
};
struct Avail {
    std::uint16_t flags;
    std::uint16_t index;
    std::uint16_t ring[kSize];
    std::uint16_t used_event;
};
struct Used {
    std::uint16_t flags;
    std::uint16_t index;
    struct {
        std::uint32_t head;
        std::uint32_t length;
    } ring[kSize];
    std::uint16_t avail_event;
};
static_assert(sizeof(Desc) == 16 && sizeof(Avail) == 22 && sizeof(Used) == 72);

struct Header {
    std::uint32_t type;
    std::uint32_t reserved;
    std::uint64_t sector;
};

alignas(16) Desc descriptors[kSize];
alignas(4) volatile Avail available;
alignas(4) volatile Used used;
Header header = {kGetId, 0, 0};
char id[20];
volatile std::uint8_t status;

std::uint64_t AddressOf(const volatile void* object) { return reinterpret_cast<std::uint64_t>(object); }

}  // namespace

bool VirtioBlk::Start(std::uint64_t base) {
    base_ = base;
    if (Load32(base + kMagicValue) != kMagic || Load32(base + kVersion) != 2) return false;
    if (Load32(base + kDeviceId) != kBlock) return false;
    Store32(base + kStatus, 0);
    Store32(base + kStatus, kAcknowledge | kDriver);
    Store32(base + kDriverFeaturesSel, 0);
    Store32(base + kDriverFeatures, 0);
    Store32(base + kDriverFeaturesSel, 1);
    Store32(base + kDriverFeatures, kVersion1Bit);
    Store32(base + kStatus, kAcknowledge | kDriver | kFeaturesOk);
    if ((Load32(base + kStatus) & kFeaturesOk) == 0) return false;

    descriptors[0] = {AddressOf(&header), sizeof header, kDescNext, 1};
    descriptors[1] = {AddressOf(id), sizeof id, kDescNext | kDescWrite, 2};
    descriptors[2] = {AddressOf(&status), 1, kDescWrite, 0};  // ring entries stay 0: always this chain
    Store32(base + kQueueSel, 0);
    Store32(base + kQueueSize, kSize);
    Store32(base + kQueueDesc, static_cast<std::uint32_t>(AddressOf(descriptors)));
    Store32(base + kQueueDriver, static_cast<std::uint32_t>(AddressOf(&available)));
    Store32(base + kQueueDevice, static_cast<std::uint32_t>(AddressOf(&used)));
    Store32(base + kQueueReady, 1);
    Store32(base + kStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
    return true;
}

void VirtioBlk::GetId() {
    const std::uint64_t before = Interrupts();
    ++sent_;
    available.index = sent_;  // x86 keeps the order of stores
    Store32(base_ + kQueueNotify, 0);
    AwaitInterrupt(before);
    Store32(base_ + kInterruptAck, Load32(base_ + kInterruptStatus));
    while (used.index != sent_) asm volatile("pause");
}

bool VirtioBlk::Succeeded() const { return status == 0 && used.ring[(sent_ - 1) % kSize].length == sizeof id + 1; }

}  // namespace guest
