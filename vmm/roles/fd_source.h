// FdSource: a file or block device as the source of the boot parsers, read by the one system call that a sealed reader
// has.
#pragma once

#include "boot/nixos/byte_source.h"
#include "vmm/base/syscalls.h"

namespace husk {

class FdSource final : public ByteSource {
 public:
    // `fd` stays the caller's; `bytes` of it are the source.
    FdSource(int fd, std::uint64_t bytes) : fd_(fd), bytes_(bytes) {}

    [[nodiscard]] std::uint64_t Size() const override { return bytes_; }
    [[nodiscard]] Result<> Read(std::uint64_t offset, std::span<std::byte> out) const override {
        if (offset > bytes_ || out.size() > bytes_ - offset) {
            return Fail(ErrorKind::kBootSource, "it ends before what it says it holds");
        }
        while (!out.empty()) {
            const long got = RawSyscall(SYS_pread64, fd_, out.data(), out.size(), offset);
            if (got == -EINTR) continue;
            if (got < 0)
                return std::unexpected(
                    Error::Os("it cannot be read", static_cast<int>(-got)).As(ErrorKind::kBootSource));
            if (got == 0) return Fail(ErrorKind::kBootSource, "it became shorter while it was read");
            offset += static_cast<std::uint64_t>(got);
            out = out.subspan(static_cast<std::size_t>(got));
        }
        return {};
    }

 private:
    int fd_;
    std::uint64_t bytes_;
};

}  // namespace husk
