// cpio: the archive format of an initramfs, "newc" with or without checksums (Linux Documentation/driver-api/
// early-userspace/buffer-format.rst), walked as its bytes come. Nothing is ever written or opened: names and links are
// only looked at, wherever they point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

namespace cpio_limits {
inline constexpr std::size_t kName = 4096;             // bytes with the NUL, of a name or a link's target: PATH_MAX
inline constexpr std::size_t kBody = 4U << 20;         // bytes of a file that a visitor can get
inline constexpr std::uint64_t kEntries = 1ULL << 22;  // of all archives together
}  // namespace cpio_limits

struct CpioEntry {
    std::string_view name;  // without leading "/" and "./", slashes single; "" is the root. Any bytes but NUL.
    std::uint32_t mode = 0;
    std::uint32_t size = 0;  // bytes of its body: the file's content, the link's target

    [[nodiscard]] bool IsFile() const;
    [[nodiscard]] bool IsLink() const;
};

class CpioVisitor {
 public:
    virtual ~CpioVisitor() = default;
    // An entry's header has come. The answer: how many bytes of its body are wanted, from its beginning.
    [[nodiscard]] virtual std::size_t Entry(const CpioEntry& entry) = 0;
    // The body of the entry before, when some of it was wanted: as much as that, or kBody, or the body has.
    virtual void Body(const CpioEntry& entry, std::span<const std::byte> body) = 0;
};

class CpioWalker {
 public:
    explicit CpioWalker(CpioVisitor& visitor) : visitor_(visitor) {}

    // Takes some of `bytes`, at least one, and stops behind the end of an entry: what follows is the caller's to look
    // at. How many it took. An error is a kBootSource, after which nothing may be called but the constructor.
    [[nodiscard]] Result<std::size_t> Take(std::span<const std::byte> bytes);
    // No entry has begun that has not ended: an archive may end here.
    [[nodiscard]] bool BetweenEntries() const { return state_ == State::kHeader && filled_.empty(); }
    // The last entry was an archive's trailer.
    [[nodiscard]] bool AfterTrailer() const { return trailer_ && BetweenEntries(); }
    // How many of the next bytes Take() would drop. The caller may pass over them with Drop() instead.
    [[nodiscard]] std::uint64_t Droppable() const { return state_ == State::kRest ? left_ : 0; }
    void Drop(std::uint64_t length);  // length <= Droppable()
    // The name of the entry that was begun last, printable, for sentences: "its start" when it has none.
    [[nodiscard]] std::string LastName() const;
    [[nodiscard]] std::uint64_t Entries() const { return entries_; }

 private:
    enum class State { kHeader, kName, kBody, kRest };
    [[nodiscard]] Result<> Advance();
    [[nodiscard]] Result<> EndHeader();
    [[nodiscard]] Result<> EndName();
    void Collect(State state, std::uint64_t length);
    [[nodiscard]] CpioEntry Current() const { return {.name = name_, .mode = mode_, .size = size_}; }

    CpioVisitor& visitor_;
    State state_ = State::kHeader;
    std::uint64_t left_ = 110;       // bytes until the state ends
    std::vector<std::byte> filled_;  // what the state has collected
    std::string name_;
    std::uint32_t mode_ = 0;
    std::uint32_t size_ = 0;
    std::uint64_t rest_ = 0;  // bytes of the body and its padding after what the visitor wants
    std::uint64_t entries_ = 0;
    bool trailer_ = false;
};

}  // namespace husk
