// A cpio archive from a stranger, in pieces of any size: the walker takes each byte once, never gives more of a body
// than was asked for, and comes to the same entries however its bytes are cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "boot/nixos/initrd/cpio.h"

namespace {

using namespace husk;

void Require(bool holds) {
    if (!holds) std::abort();
}

class Recorder final : public CpioVisitor {
 public:
    explicit Recorder(std::size_t wanted) : wanted_(wanted) {}
    std::size_t Entry(const CpioEntry& entry) override {
        Require(entry.name.size() < cpio_limits::kName && entry.name.find('\0') == entry.name.npos);
        Require(!entry.name.starts_with('/') && entry.name.find("//") == entry.name.npos);
        seen.emplace_back(entry.name);
        return wanted_;
    }
    void Body(const CpioEntry& entry, std::span<const std::byte> body) override {
        Require(body.size() == std::min({wanted_, cpio_limits::kBody, std::size_t{entry.size}}));
        seen.emplace_back(reinterpret_cast<const char*>(body.data()), body.size());
    }
    std::vector<std::string> seen;

 private:
    std::size_t wanted_;
};

// What came, and the sentence of the error that ended it.
std::vector<std::string> Walk(std::span<const std::byte> bytes, std::size_t wanted, std::size_t step, bool drop) {
    Recorder recorder(wanted);
    CpioWalker walker(recorder);
    while (!bytes.empty()) {
        const std::size_t droppable = std::min<std::uint64_t>(walker.Droppable(), bytes.size());
        if (drop && droppable > 0) {
            walker.Drop(droppable);
            bytes = bytes.subspan(droppable);
            continue;
        }
        const auto taken = walker.Take(bytes.first(std::min(step, bytes.size())));
        if (!taken) {
            Require(taken.error().Kind() == ErrorKind::kBootSource && !taken.error().Message().empty());
            recorder.seen.push_back(taken.error().Message());
            break;
        }
        Require(*taken > 0 && *taken <= std::min(step, bytes.size()));
        bytes = bytes.subspan(*taken);
    }
    return recorder.seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t wanted = data[0] * std::size_t{17};
    const std::size_t step = 1 + data[1] % 128U;
    const auto archive = std::as_bytes(std::span(data, size)).subspan(2);
    const auto whole = Walk(archive, wanted, archive.size() + 1, false);
    Require(whole == Walk(archive, wanted, step, false));
    Require(whole == Walk(archive, wanted, step, true));
    return 0;
}
