#include "devices/host/pcap_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "vmm/base/syscalls.h"

namespace husk {

namespace {

struct FileHeader {
    std::uint32_t magic = 0xa1b2'3c4d;  // times in nanoseconds
    std::uint16_t major = 2;
    std::uint16_t minor = 4;
    std::uint32_t reserved1 = 0;
    std::uint32_t reserved2 = 0;
    std::uint32_t snap_bytes = 0;
    std::uint32_t link_type = 1;  // LINKTYPE_ETHERNET
};
static_assert(sizeof(FileHeader) == 24 && offsetof(FileHeader, snap_bytes) == 16);

struct RecordHeader {
    std::uint32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::uint32_t captured = 0;
    std::uint32_t original = 0;
};
static_assert(sizeof(RecordHeader) == 16);

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kSnapBytes = 262'144;  // the most that libpcap reads
constexpr std::uint32_t kSnapBytesOfPipe = PIPE_BUF - sizeof(RecordHeader);

}  // namespace

Result<PcapFile> CreatePcap(const std::string& path) {
    const std::string what = "cannot write packets to " + path;
    // Without O_TRUNC: what it is comes first. O_NONBLOCK: a FIFO without a reader is an error, not a wait.
    PcapFile file{
        ScopedFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600)),
        kSnapBytes};
    if (!file.fd && errno == ENXIO) return Fail(what + ": nobody reads it");
    struct stat status{};
    if (!file.fd || ::fstat(file.fd.Get(), &status) != 0) return FailOs(what);
    if (S_ISFIFO(status.st_mode)) {
        file.snap_bytes = kSnapBytesOfPipe;
    } else if (!S_ISREG(status.st_mode)) {
        return Fail(ErrorKind::kUsage, what + ": it is neither a regular file nor a FIFO");
    } else if (::ftruncate(file.fd.Get(), 0) != 0) {
        return FailOs(what);
    }
    FileHeader header;
    header.snap_bytes = file.snap_bytes;
    const ssize_t written = ::write(file.fd.Get(), &header, sizeof header);
    if (written < 0) return FailOs(what);
    if (written != sizeof header) return FailOs(what, ENOSPC);
    return file;
}

void PcapWriter::Append(std::span<const iovec> frame, std::uint64_t realtime) {
    if (!Running()) return;
    if (failed_) {
        ++lost_;
        return;
    }
    RecordHeader header;
    std::array<iovec, kMaxPieces + 1> pieces;
    pieces[0] = {&header, sizeof header};
    std::size_t count = 1;
    std::uint64_t original = 0;
    for (const iovec& piece : frame) {
        original += piece.iov_len;
        const std::size_t room = snap_bytes_ - header.captured;
        if (room == 0 || count == pieces.size() || piece.iov_len == 0) continue;
        const std::size_t length = std::min(piece.iov_len, room);
        pieces[count++] = {piece.iov_base, length};
        header.captured += static_cast<std::uint32_t>(length);
    }
    header.seconds = static_cast<std::uint32_t>(realtime / kSecond);
    header.nanoseconds = static_cast<std::uint32_t>(realtime % kSecond);
    header.original = static_cast<std::uint32_t>(std::min<std::uint64_t>(original, UINT32_MAX));

    const long written = RawSyscall(SYS_writev, fd_, pieces.data(), count);
    if (written == static_cast<long>(sizeof header + header.captured)) {
        ++written_;
        return;
    }
    ++lost_;
    // EAGAIN: the pipe is full, and nothing of this frame is in it. Anything else may have left half a frame behind.
    failed_ = written >= 0 || (written != -EAGAIN && written != -EINTR);
}

}  // namespace husk
