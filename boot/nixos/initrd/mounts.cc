#include "boot/nixos/initrd/mounts.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace husk {
namespace {

constexpr std::size_t kMaxField = 512;  // bytes of a device, a mount point or a type

// Takes the text before the next `separator` (or all of it) off `text`.
std::string_view TakeUpTo(std::string_view& text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return taken;
}

std::string_view TakeWord(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    return word;
}

// `text` with each escape (`start`, then `digits` digits of `base`) as the character it means.
std::string Unescaped(std::string_view text, std::string_view start, std::size_t digits, int base) {
    std::string plain;
    while (!text.empty()) {
        const std::string_view number = text.starts_with(start) ? text.substr(start.size()).substr(0, digits) : "";
        unsigned value = 0;
        const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), value, base);
        const bool escape =
            number.size() == digits && fault == std::errc() && end == number.data() + digits && value < 0x100;
        plain += escape ? static_cast<char>(value) : text.front();
        text.remove_prefix(escape ? start.size() + digits : 1);
    }
    return plain;
}

// Mounted only when its device happens to be there.
bool IsOptional(std::string_view options) {
    while (!options.empty()) {
        const std::string_view option = TakeUpTo(options, ',');
        if (option == "nofail" || option == "noauto") return true;
    }
    return false;
}

std::string FstabField(std::string_view field) { return Unescaped(field.substr(0, kMaxField), "\\", 3, 8); }

}  // namespace

std::vector<InitrdMount> ParseFstab(std::string_view text) {
    std::vector<InitrdMount> mounts;
    while (!text.empty() && mounts.size() < kMaxMounts) {
        std::string_view line = TakeUpTo(text, '\n');
        const std::string_view device = TakeWord(line);
        const std::string_view point = TakeWord(line);
        const std::string_view type = TakeWord(line);
        if (type.empty() || device.starts_with('#') || IsOptional(TakeWord(line))) continue;
        mounts.push_back({FstabField(device), FstabField(point), FstabField(type)});
    }
    return mounts;
}

std::vector<InitrdMount> ParseFsInfo(std::string_view text) {
    std::vector<InitrdMount> mounts;
    while (!text.empty() && mounts.size() < kMaxMounts) {
        const std::string_view point = TakeUpTo(text, '\n').substr(0, kMaxField);
        const std::string_view device = TakeUpTo(text, '\n').substr(0, kMaxField);
        const std::string_view type = TakeUpTo(text, '\n').substr(0, kMaxField);
        const std::string_view options = TakeUpTo(text, '\n');
        if (!type.empty() && !IsOptional(options))
            mounts.push_back({std::string(device), std::string(point), std::string(type)});
    }
    return mounts;
}

std::optional<DeviceName> ParseDeviceName(std::string_view device) {
    struct Form {
        std::string_view prefix;
        DeviceName::By by;
    };
    constexpr std::array kForms = {
        Form{"LABEL=", DeviceName::By::kLabel},
        Form{"UUID=", DeviceName::By::kUuid},
        Form{"/dev/disk/by-label/", DeviceName::By::kLabel},
        Form{"/dev/disk/by-uuid/", DeviceName::By::kUuid},
    };
    for (const Form& form : kForms) {
        if (!device.starts_with(form.prefix)) continue;
        std::string_view value = device.substr(form.prefix.size());
        if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
            value = value.substr(1, value.size() - 2);
        return DeviceName{form.by, Unescaped(value.substr(0, kMaxField), "\\x", 2, 16)};
    }
    return std::nullopt;
}

}  // namespace husk
