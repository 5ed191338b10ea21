#include "boot/nixos/volumes/rock_ridge.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::size_t kMaxName = 255;                 // bytes
constexpr std::size_t kMaxContinuations = 8;          // of one record; a name needs one
constexpr std::size_t kMaxAllContinuations = 65'536;  // of one directory
constexpr std::size_t kMaxContinuation = 4096;        // bytes
constexpr std::size_t kEntryHeader = 4;               // signature, length, version

struct Continuation {
    std::uint32_t block = 0;
    std::uint32_t offset = 0;  // bytes
    std::uint32_t length = 0;  // bytes; 0: there is none
};

struct State {
    RockRidgeFacts facts;
    bool name_goes_on = false;
    Continuation next;
};

std::unexpected<Error> Damaged(const char* what) {
    return Fail(ErrorKind::kBootSource, std::string("its ISO 9660 file system is damaged: ") + what);
}

// "NM": a piece of the name. The flags for "." and ".." need no name: ISO 9660 has its own.
Result<> AddName(std::span<const std::byte> entry, State& state) {
    constexpr std::uint8_t kContinues = 1;
    const auto flags = LoadAt<std::uint8_t>(entry, kEntryHeader);
    if (!flags) return Damaged("it has a Rock Ridge name without an end");
    const auto text = entry.subspan(kEntryHeader + 1);
    if (state.facts.name && !state.name_goes_on) return Damaged("it has a file with two Rock Ridge names");
    if (!state.facts.name) state.facts.name.emplace();
    if (text.size() > kMaxName - state.facts.name->size()) return Damaged("it has a name of more than 255 bytes");
    state.facts.name->append(reinterpret_cast<const char*>(text.data()), text.size());
    state.name_goes_on = (*flags & kContinues) != 0;
    return {};
}

Result<> ReadArea(std::span<const std::byte> area, State& state) {
    while (area.size() >= kEntryHeader) {
        const std::string_view signature(reinterpret_cast<const char*>(area.data()), 2);
        const auto length = std::to_integer<std::size_t>(area[2]);
        if (length == 0 || signature == "ST") break;  // padding; the end
        if (length < kEntryHeader || length > area.size()) return Damaged("it has a Rock Ridge entry without an end");
        const auto entry = area.first(length);
        area = area.subspan(length);
        if (signature == "NM") {
            HUSK_TRY(AddName(entry, state));
        } else if (signature == "CE") {
            const auto block = LoadAt<std::uint32_t>(entry, 4);
            const auto offset = LoadAt<std::uint32_t>(entry, 12);
            const auto bytes = LoadAt<std::uint32_t>(entry, 20);
            if (!block || !offset || !bytes) return Damaged("it has a Rock Ridge entry without an end");
            state.next = {*block, *offset, *bytes};
        } else if (signature == "PX") {
            constexpr std::uint32_t kTypeMask = 0170000;
            constexpr std::uint32_t kRegular = 0100000;
            constexpr std::uint32_t kDirectory = 0040000;
            const std::uint32_t type = LoadAt<std::uint32_t>(entry, kEntryHeader).value_or(0) & kTypeMask;
            state.facts.is_special |= type != kRegular && type != kDirectory;
        } else if (signature == "SL" || signature == "CL") {
            state.facts.is_special = true;
        } else if (signature == "ZF") {
            state.facts.is_compressed = true;
        }
    }
    return {};
}

}  // namespace

std::optional<std::uint8_t> RockRidgeReader::FindSkip(std::span<const std::byte> system_use) {
    constexpr std::array kMark = {std::byte{'S'}, std::byte{'P'},  std::byte{7},
                                  std::byte{1},   std::byte{0xbe}, std::byte{0xef}};
    if (LoadAt<std::array<std::byte, kMark.size()>>(system_use, 0) != kMark) return std::nullopt;
    return LoadAt<std::uint8_t>(system_use, kMark.size());
}

Result<RockRidgeFacts> RockRidgeReader::Read(std::span<const std::byte> system_use) {
    State state;
    HUSK_TRY(ReadArea(system_use.subspan(std::min<std::size_t>(skip_, system_use.size())), state));
    for (std::size_t i = 0; state.next.length != 0; ++i) {
        const Continuation at = std::exchange(state.next, {});
        if (i == kMaxContinuations || continuations_ == kMaxAllContinuations || at.length > kMaxContinuation) {
            return Damaged("its Rock Ridge entries go on without an end");
        }
        ++continuations_;
        std::vector<std::byte> area(at.length);
        HUSK_TRY_IN("a Rock Ridge name", source_->Read(std::uint64_t{at.block} * block_bytes_ + at.offset, area));
        HUSK_TRY(ReadArea(area, state));
    }
    return std::move(state.facts);
}

}  // namespace husk
