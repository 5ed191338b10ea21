#include "devices/host/console_log.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

constexpr std::size_t kCopied = 16 * 1024;  // at once, when the file is copied down

}  // namespace

void ConsoleLog::Append(std::span<const std::byte> shown) {
    while (!shown.empty()) {
        if (gathered_.size() - size_ < kPiece + EscapeSequenceFilter::kHeldBack) Flush();
        const auto piece = shown.first(std::min(shown.size(), kPiece));
        shown = shown.subspan(piece.size());
        const auto room = std::span(gathered_).subspan(size_);
        if (file_.raw) {
            std::ranges::copy(piece, room.begin());
            size_ += piece.size();
        } else {
            size_ += filter_.Filter(piece, room);
        }
    }
}

void ConsoleLog::Flush() {
    if (size_ == 0) return;
    const auto waiting = std::span(gathered_).first(std::exchange(size_, 0));
    if (file_.size + waiting.size() > file_.max) MakeRoom();
    (void)WriteAt(file_.size, waiting, file_.size);
}

// `end` follows what was written. False: not all was.
bool ConsoleLog::WriteAt(std::uint64_t offset, std::span<const std::byte> bytes, std::uint64_t& end) {
    while (!bytes.empty()) {
        const long wrote = RawSyscall(SYS_pwrite64, file_.fd, bytes.data(), bytes.size(), offset);
        if (wrote == -EINTR) continue;
        if (wrote <= 0) {
            Failed(wrote);
            return false;
        }
        offset += static_cast<std::uint64_t>(wrote);
        end = offset;
        bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
    return true;
}

// The newer half stays. A file that cannot be copied begins anew: then it has room in any case.
void ConsoleLog::MakeRoom() {
    if (!CopyDown(file_.size - std::min(file_.size, file_.max / 2))) file_.size = 0;
    const long cut = RawSyscall(SYS_ftruncate, file_.fd, file_.size);
    if (cut < 0) Failed(cut);
}

bool ConsoleLog::CopyDown(std::uint64_t from) {
    std::array<std::byte, kCopied> block;
    std::uint64_t to = 0;
    bool line_found = false;
    while (from < file_.size) {
        const std::size_t most = std::min<std::uint64_t>(block.size(), file_.size - from);
        const long got = RawSyscall(SYS_pread64, file_.fd, block.data(), most, from);
        if (got == -EINTR) continue;
        if (got < 0) Failed(got);
        if (got <= 0) return false;
        from += static_cast<std::uint64_t>(got);
        auto bytes = std::span<const std::byte>(block).first(static_cast<std::size_t>(got));
        if (!line_found) {  // in the first block, if it has one
            const auto end = std::ranges::find(bytes, std::byte{'\n'});
            if (end != bytes.end()) bytes = {end + 1, bytes.end()};
            line_found = true;
        }
        if (!WriteAt(to, bytes, to)) return false;
    }
    file_.size = to;
    return true;
}

void ConsoleLog::Failed(long result) {
    if (failure_ == 0) failure_ = result < 0 ? static_cast<int>(-result) : EIO;
}

std::optional<int> ConsoleLog::TakeFailure() {
    if (told_ || failure_ == 0) return std::nullopt;
    told_ = true;
    return failure_;
}

}  // namespace husk
