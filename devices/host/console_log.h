// ConsoleLog: everything that was shown on a console, in a file that never grows beyond a bound. What is oldest goes
// first. Written by the sealed console role with pwrite, pread and ftruncate alone.
//
// When the file is full, its newer half is copied down to its beginning, from a line's first byte on, and the rest is
// cut off: one file that always reads from top to bottom, at the price of half a byte copied for each byte written. The
// guest chooses every byte, and how many; it waits for the file system, and never for room on it: what cannot be
// written is dropped, which is told once, and the next bytes are tried again.
//
// No allocation; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "devices/host/escape_filter.h"

namespace husk {

inline constexpr std::uint64_t kConsoleLogDefaultMax = 16 << 20;
inline constexpr std::uint64_t kConsoleLogLeastMax = 128 << 10;

class ConsoleLog {
 public:
    struct File {
        int fd = -1;                                // a regular file, read and written; not in append mode
        std::uint64_t size = 0;                     // what it holds: the log goes on behind that
        std::uint64_t max = kConsoleLogDefaultMax;  // bytes, at least kConsoleLogLeastMax
        bool raw = false;                           // escape sequences and controls stay
    };
    explicit ConsoleLog(const File& file) : file_(file) {}

    // Gathers; writes when much is gathered.
    void Append(std::span<const std::byte> shown);
    // How much is gathered and not yet in the file.
    [[nodiscard]] std::size_t Pending() const { return size_; }
    // Writes it.
    void Flush();

    // Why something could not be written, the first time that happens: an errno.
    [[nodiscard]] std::optional<int> TakeFailure();

 private:
    static constexpr std::size_t kGathered = 32 * 1024;
    static constexpr std::size_t kPiece = 4 * 1024;

    [[nodiscard]] bool WriteAt(std::uint64_t offset, std::span<const std::byte> bytes, std::uint64_t& end);
    void MakeRoom();
    [[nodiscard]] bool CopyDown(std::uint64_t from);
    void Failed(long result);

    File file_;
    EscapeSequenceFilter filter_;
    std::array<std::byte, kGathered> gathered_;
    std::size_t size_ = 0;
    int failure_ = 0;  // an errno
    bool told_ = false;
};

}  // namespace husk
