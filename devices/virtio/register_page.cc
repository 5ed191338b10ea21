#include "devices/virtio/register_page.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "vmm/base/bytes.h"

namespace husk {

namespace {

constexpr std::size_t kWord = sizeof(std::uint32_t);
static_assert(std::atomic_ref<std::uint32_t>::is_always_lock_free);

}  // namespace

Result<RegisterPage> RegisterPage::Create() {
    // Populated now: neither KVM nor the first write after sealing has to wait for memory.
    void* const at = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (at == MAP_FAILED) return FailOs("cannot get a page for the registers of a virtio device");
    return RegisterPage(std::span(static_cast<std::byte*>(at), kSize));
}

RegisterPage::RegisterPage(RegisterPage&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

RegisterPage::~RegisterPage() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

// Release pairs with the loads of the guest (x86 loads acquire) and with Load(): who sees Status say that a reset is
// over sees the other registers as the reset left them.
void RegisterPage::Store(std::size_t word, std::uint32_t value) {
    std::atomic_ref(Words()[word]).store(value, std::memory_order_release);
}

std::uint32_t RegisterPage::Load(std::size_t word) const {
    return std::atomic_ref(Words()[word]).load(std::memory_order_acquire);
}

std::uint32_t* RegisterPage::Words() const { return reinterpret_cast<std::uint32_t*>(bytes_.data()); }

void RegisterPage::Set(MmioRegister at, std::uint32_t value) { Store(static_cast<std::size_t>(at) / kWord, value); }

std::uint32_t RegisterPage::Get(MmioRegister at) const { return Load(static_cast<std::size_t>(at) / kWord); }

void RegisterPage::SetConfig(std::size_t offset, std::span<const std::byte> bytes) {
    std::size_t at = static_cast<std::size_t>(MmioRegister::kConfig) + offset;
    while (!bytes.empty()) {
        const std::size_t skip = at % kWord;
        const std::size_t count = std::min(kWord - skip, bytes.size());
        std::uint32_t value = Load(at / kWord);
        std::ranges::copy(bytes.first(count), std::as_writable_bytes(std::span(&value, 1)).subspan(skip).begin());
        Store(at / kWord, value);
        bytes = bytes.subspan(count);
        at += count;
    }
}

void RegisterPage::Copy(std::uint64_t offset, std::span<std::byte> data) const {
    if (offset >= kSize) {
        std::ranges::fill(data, std::byte{0});
        return;
    }
    // Each word is loaded once, so a read inside one register is never torn, just as the guest's own load is not.
    for (std::size_t at = offset; !data.empty();) {
        const std::size_t skip = at % kWord;
        const std::size_t count = std::min(kWord - skip, data.size());
        const std::uint32_t value = at < kSize ? Load(at / kWord) : 0;
        StoreLittleEndian(data.first(count), value >> (8 * skip));
        data = data.subspan(count);
        at += count;
    }
}

}  // namespace husk
