// PcapWriter: frames into a capture file that tcpdump and wireshark read (draft-ietf-opsawg-pcap: 24 bytes of header,
// 16 before each frame; byte order of this machine, times in nanoseconds, LINKTYPE_ETHERNET).
//
// The launcher opens the file and writes its header; a sealed worker appends, a frame with one writev, without
// allocation. A capture must never disturb the machine it watches: the first write that fails (a full disk, a reader
// that left) ends the capture, and what is not written from then on is counted. Several threads may append through the
// same descriptor, each with a PcapWriter of its own: it is O_APPEND, so frames do not mix.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"

namespace husk {

// On its way from the launcher to a worker.
struct PcapFile {
    ScopedFd fd;
    std::uint32_t snap_bytes = 0;  // of a frame, more is cut off
};

// Makes the file, or empties one that is there; new ones are for their owner's eyes only, as they hold passwords sooner
// or later. A FIFO somebody reads is good, too: frames are cut so that each is one atomic write of a pipe, and when the
// reader is slow, whole frames are left out. Nothing else is touched. Errors name `path`.
[[nodiscard]] Result<PcapFile> CreatePcap(const std::string& path);

class PcapWriter {
 public:
    // No capture: Append() does nothing.
    PcapWriter() = default;
    // `fd` and `snap_bytes` of a PcapFile. The descriptor stays the caller's.
    PcapWriter(int fd, std::uint32_t snap_bytes) : fd_(fd), snap_bytes_(snap_bytes) {}

    [[nodiscard]] bool Running() const { return fd_ >= 0; }

    // `frame`: all of it, in at most kMaxPieces pieces (what is behind them is cut off). Its bytes may be the guest's
    // and change meanwhile: the capture then shows something else than what was sent. `realtime`: nanoseconds since
    // 1970.
    void Append(std::span<const iovec> frame, std::uint64_t realtime);

    [[nodiscard]] std::uint64_t Written() const { return written_; }
    [[nodiscard]] std::uint64_t Lost() const { return lost_; }

    static constexpr std::size_t kMaxPieces = 63;

 private:
    int fd_ = -1;
    std::uint32_t snap_bytes_ = 0;
    bool failed_ = false;
    std::uint64_t written_ = 0;  // frames
    std::uint64_t lost_ = 0;
};

}  // namespace husk
