#include "boot/nixos/initrd/cpio.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

// The header: six characters of magic, then thirteen numbers of eight hexadecimal digits.
constexpr std::size_t kHeaderBytes = 110;
constexpr std::size_t kMagicBytes = 6;
constexpr std::size_t kFieldBytes = 8;
enum class Field : std::size_t { kMode = 1, kFileSize = 6, kNameSize = 11 };

std::string_view Text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<std::uint32_t> Number(std::string_view header, Field field) {
    const auto digits = header.substr(kMagicBytes + static_cast<std::size_t>(field) * kFieldBytes, kFieldBytes);
    std::uint32_t value = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

constexpr std::uint64_t PaddedTo4(std::uint64_t length) { return (length + 3) & ~std::uint64_t{3}; }

// "./etc//fstab" and "/etc/fstab" are etc/fstab. ".." stays: nothing here follows it.
void AssignNormalised(std::string& name, std::string_view raw) {
    name.clear();
    while (!raw.empty()) {
        const std::size_t slash = std::min(raw.find('/'), raw.size());
        const std::string_view part = raw.substr(0, slash);
        raw.remove_prefix(std::min(slash + 1, raw.size()));
        if (part.empty() || part == ".") continue;
        if (!name.empty()) name += '/';
        name += part;
    }
}

std::unexpected<Error> Damaged(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

}  // namespace

bool CpioEntry::IsFile() const { return S_ISREG(mode); }
bool CpioEntry::IsLink() const { return S_ISLNK(mode); }

std::string CpioWalker::LastName() const { return name_.empty() ? "its start" : Printable(name_); }

Result<std::size_t> CpioWalker::Take(std::span<const std::byte> bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
        const std::size_t here = std::min<std::uint64_t>(left_, bytes.size() - taken);
        if (state_ != State::kRest) {
            const auto piece = bytes.subspan(taken, here);
            filled_.insert(filled_.end(), piece.begin(), piece.end());
        }
        taken += here;
        left_ -= here;
        if (left_ > 0) continue;
        HUSK_TRY(Advance());
        if (BetweenEntries()) break;
    }
    return taken;
}

void CpioWalker::Drop(std::uint64_t length) {
    left_ -= length;
    if (left_ == 0) Collect(State::kHeader, kHeaderBytes);
}

void CpioWalker::Collect(State state, std::uint64_t length) {
    filled_.clear();
    state_ = state;
    left_ = length;
}

// Goes on to the next state that wants bytes: a file without content wants none for its body.
Result<> CpioWalker::Advance() {
    while (left_ == 0) {
        switch (state_) {
            case State::kHeader:
                HUSK_TRY(EndHeader());
                break;
            case State::kName:
                HUSK_TRY(EndName());
                break;
            case State::kBody:
                visitor_.Body(Current(), filled_);
                Collect(State::kRest, rest_);
                break;
            case State::kRest:
                Collect(State::kHeader, kHeaderBytes);
                return {};
        }
    }
    return {};
}

Result<> CpioWalker::EndHeader() {
    const std::string_view header = Text(filled_);
    if (header.starts_with("070707")) return Damaged("it holds a cpio archive of the old kind, which Linux refuses");
    if (!header.starts_with("070701") && !header.starts_with("070702")) {
        return Damaged("there is no cpio header after " + LastName());
    }
    const auto mode = Number(header, Field::kMode);
    const auto size = Number(header, Field::kFileSize);
    const auto name_size = Number(header, Field::kNameSize);
    if (!mode || !size || !name_size)
        return Damaged("the cpio header after " + LastName() + " has something else than numbers");
    if (*name_size == 0 || *name_size > cpio_limits::kName) {
        return Damaged("a file's name in it has " + std::to_string(*name_size) + " bytes; 4096 are possible");
    }
    if (++entries_ > cpio_limits::kEntries) {
        return Damaged("it holds more than " + std::to_string(cpio_limits::kEntries) + " files");
    }
    mode_ = *mode;
    size_ = *size;
    Collect(State::kName, PaddedTo4(kHeaderBytes + *name_size) - kHeaderBytes);
    return {};
}

Result<> CpioWalker::EndName() {
    const std::string_view raw = Text(filled_);
    const std::size_t end = raw.find('\0');
    if (end == raw.npos) return Damaged("a file's name in it has no end");
    trailer_ = raw.substr(0, end) == "TRAILER!!!";
    AssignNormalised(name_, raw.substr(0, end));
    const CpioEntry entry = Current();
    if (entry.IsLink() && size_ >= cpio_limits::kName)
        return Damaged("the link " + LastName() + " has an impossible target");
    const std::size_t wanted = trailer_ ? 0 : visitor_.Entry(entry);
    const std::size_t body = std::min({wanted, cpio_limits::kBody, std::size_t{size_}});
    rest_ = PaddedTo4(size_) - body;
    if (wanted > 0) {
        Collect(State::kBody, body);
    } else {
        Collect(State::kRest, rest_);
    }
    return {};
}

}  // namespace husk
