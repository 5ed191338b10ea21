// OutputBuffer: what is on its way to the host's console. Fixed size; a plain queue of bytes, or, while nobody is there
// to take any, the newest bytes of an endless stream. What goes in is logged as well, where there is a log; where the
// way leads into a file, escape sequences are left out.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "devices/host/console_log.h"
#include "devices/host/escape_filter.h"

namespace husk {

class OutputBuffer {
 public:
    static constexpr std::size_t kCapacity = 64 * 1024;

    // From now on the oldest bytes make way (true), or what does not fit must stay outside (false).
    void KeepNewest(bool newest) { newest_ = newest; }

    // From now on escape sequences are left out.
    void FilterEscapeSequences() { filter_.emplace(); }
    // From now on all goes there, too, as it was before any of that. `log` outlives this.
    void LogTo(ConsoleLog& log) { log_ = &log; }

    [[nodiscard]] std::size_t Size() const { return size_; }
    [[nodiscard]] bool Empty() const { return size_ == 0; }
    // How much Append() takes without losing anything that must not be lost.
    [[nodiscard]] std::size_t Room() const {
        const std::size_t free = newest_ ? kCapacity : kCapacity - size_;
        const std::size_t held_back = filter_ ? EscapeSequenceFilter::kHeldBack : 0;
        return free - std::min(free, held_back);
    }

    // `bytes` must fit into Room().
    void Append(std::span<const std::byte> bytes) {
        if (log_ != nullptr) log_->Append(bytes);
        if (!filter_) return Store(bytes);
        std::array<std::byte, kFiltered + EscapeSequenceFilter::kHeldBack> plain;
        while (!bytes.empty()) {
            const auto piece = bytes.first(std::min(bytes.size(), kFiltered));
            Store(std::span(plain).first(filter_->Filter(piece, plain)));
            bytes = bytes.subspan(piece.size());
        }
    }
    void Append(std::string_view text) { Append(std::as_bytes(std::span(text))); }

    // Where the next bytes would be, as much as lies together: to fill in without a copy. Not for a buffer that keeps
    // the newest, filters or logs.
    [[nodiscard]] std::span<std::byte> Space() {
        const std::size_t at = (start_ + size_) % kCapacity;
        return std::span(bytes_).subspan(at, std::min(kCapacity - size_, kCapacity - at));
    }
    // The first `count` bytes of Space() have been filled in.
    void Filled(std::size_t count) { size_ += count; }

    // The oldest bytes, as many as lie together.
    [[nodiscard]] std::span<const std::byte> Peek() const {
        return {bytes_.data() + start_, std::min(size_, kCapacity - start_)};
    }
    void Consume(std::size_t count) {
        size_ -= count;
        start_ = size_ == 0 ? 0 : (start_ + count) % kCapacity;  // what comes next lies together
    }
    void Clear() { Consume(size_); }

 private:
    static constexpr std::size_t kFiltered = 1024;  // at once

    void Store(std::span<const std::byte> bytes) {
        const std::size_t free = kCapacity - size_;
        if (bytes.size() > free) Consume(bytes.size() - free);
        const std::size_t at = (start_ + size_) % kCapacity;
        const std::size_t before_end = std::min(bytes.size(), kCapacity - at);
        std::ranges::copy(bytes.first(before_end), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
        std::ranges::copy(bytes.subspan(before_end), bytes_.begin());
        size_ += bytes.size();
    }

    std::optional<EscapeSequenceFilter> filter_;
    ConsoleLog* log_ = nullptr;
    std::array<std::byte, kCapacity> bytes_;  // a page of it takes memory once it is used
    std::size_t start_ = 0;
    std::size_t size_ = 0;
    bool newest_ = false;
};

}  // namespace husk
