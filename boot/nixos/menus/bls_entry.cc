#include "boot/nixos/menus/bls_entry.h"

#include <limits>

#include "boot/nixos/menus/fields.h"
#include "boot/nixos/menus/key_value.h"
#include "boot/nixos/menus/nixos_names.h"
#include "boot/nixos/menus/text.h"
#include "boot/nixos/menus/version_order.h"

namespace husk {
namespace {

using menu_text::Clean;

constexpr std::string_view kSuffix = ".conf";

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

std::optional<std::uint32_t> ReadTries(std::string_view digits) {
    const auto number = menu_text::ParseNumber(digits);
    if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

// Cuts "+LEFT" or "+LEFT-DONE" off the end of `name`, when it is there and not all of it.
std::optional<BootCounter> TakeCounter(std::string_view& name) {
    const std::size_t plus = name.rfind('+');
    if (plus == std::string_view::npos || plus == 0) return std::nullopt;
    const std::string_view counter = name.substr(plus + 1);
    const std::size_t minus = counter.find('-');
    const auto left = ReadTries(counter.substr(0, minus));
    const auto done = minus == std::string_view::npos ? std::uint32_t{0} : ReadTries(counter.substr(minus + 1));
    if (!left || !done) return std::nullopt;
    name = name.substr(0, plus);
    return BootCounter{.tries_left = *left, .tries_done = *done};
}

// The specialisation in "nixos[-PROFILE]-generation-N-specialisation-S"; empty when the name is none of these.
std::string SpecialisationInName(std::string_view id) {
    constexpr std::string_view kMark = "-specialisation-";
    if (!id.starts_with("nixos-") || id.find("generation-") == std::string_view::npos) return {};
    const std::size_t at = id.find(kMark);
    return at == std::string_view::npos ? std::string() : Clean(id.substr(at + kMark.size()), boot_limits::kText);
}

// Titles and versions of NixOS say more than the specification asks for.
void ReadNixosFacts(BootEntry& entry) {
    NixosBuild build = ReadNixosVersion(entry.version);
    if (!build.generation) return;
    entry.generation = build.generation;
    entry.label = std::move(build.label);
    entry.date = std::move(build.date);
    NixosTitle title = ReadNixosTitle(entry.title);
    entry.profile = std::move(title.profile);
    entry.specialisation = SpecialisationInName(entry.id);
    if (entry.specialisation.empty()) entry.specialisation = std::move(title.specialisation);
}

// Keys that make the entry one for EFI firmware.
bool NeedsFirmware(std::string_view key) { return key == "efi" || key == "uki" || key == "uki-url"; }

Result<> ReadKey(BlsEntry& bls, const KeyValue& line) {
    BootEntry& entry = bls.entry;
    if (line.key == "title") {
        entry.title = Clean(line.value, boot_limits::kText);
    } else if (line.key == "version") {
        entry.version = Clean(line.value, boot_limits::kText);
    } else if (line.key == "sort-key") {
        bls.sort_key = Clean(line.value, boot_limits::kText);
    } else if (line.key == "machine-id") {
        bls.machine_id = Clean(line.value, boot_limits::kText);
    } else if (line.key == "linux") {
        entry.kernel = HUSK_TRY(ResolvePath("/", line.value));
    } else if (line.key == "initrd") {
        if (entry.initrds.size() == boot_limits::kInitrds)
            return Refuse("it has more than " + std::to_string(boot_limits::kInitrds) + " initrds");
        entry.initrds.push_back(HUSK_TRY(ResolvePath("/", line.value)));
    } else if (line.key == "options") {
        HUSK_TRY(AppendParameters(entry.command_line, line.value));
    }
    return {};
}

}  // namespace

bool IsBlsFileName(std::string_view file_name) {
    constexpr std::string_view kReserved = "auto-";
    return file_name.size() > kSuffix.size() && file_name.size() <= boot_limits::kId && !file_name.starts_with('.') &&
           menu_text::EndsWithIgnoringCase(file_name, kSuffix) &&
           !menu_text::EqualIgnoringCase(file_name.substr(0, kReserved.size()), kReserved);
}

Result<std::optional<BlsEntry>> ParseBlsEntry(std::string_view file_name, std::string_view text) {
    BlsEntry bls;
    bls.file_name = Clean(file_name, boot_limits::kId);
    std::string_view id = file_name.substr(0, file_name.size() - kSuffix.size());
    bls.counter = TakeCounter(id);
    bls.entry.id = Clean(id, boot_limits::kId);
    bls.entry.bad = bls.counter && bls.counter->tries_left == 0;
    while (const auto line = NextKeyValue(text)) {
        const bool foreign = line->key == "architecture" && !menu_text::EqualIgnoringCase(line->value, "x64");
        if (NeedsFirmware(line->key) || foreign) return std::nullopt;
        HUSK_TRY(ReadKey(bls, *line));
    }
    if (bls.entry.kernel.empty()) return Refuse("it has no line \"linux\" that names a kernel");
    if (bls.entry.title.empty()) bls.entry.title = bls.entry.id;
    ReadNixosFacts(bls.entry);
    return bls;
}

std::weak_ordering CompareBlsEntries(const BlsEntry& a, const BlsEntry& b) {
    if (const auto order = a.entry.bad <=> b.entry.bad; order != 0) return order;
    if (const auto order = a.sort_key.empty() <=> b.sort_key.empty(); order != 0) return order;
    if (!a.sort_key.empty()) {
        if (const auto order = a.sort_key <=> b.sort_key; order != 0) return order;
        if (const auto order = a.machine_id <=> b.machine_id; order != 0) return order;
        if (const auto order = CompareVersions(b.entry.version, a.entry.version); order != 0) return order;
    }
    // With the suffix, as systemd-boot does it and against the specification's words: so a NixOS generation comes
    // before its specialisations ("-" is older than ".").
    const auto by_name = CompareVersions(b.entry.id + std::string(kSuffix), a.entry.id + std::string(kSuffix));
    if (by_name != 0) return by_name;
    if (const auto order = a.counter.has_value() <=> b.counter.has_value(); order != 0 || !a.counter) return order;
    if (const auto order = b.counter->tries_left <=> a.counter->tries_left; order != 0) return order;
    return a.counter->tries_done <=> b.counter->tries_done;
}

}  // namespace husk
