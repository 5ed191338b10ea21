#include "boot/nixos/initrd/kernel_config.h"

#include <string.h>

#include <algorithm>
#include <cstdint>

namespace husk {
namespace {

constexpr std::size_t kMaxOptions = 65536;
constexpr std::size_t kMaxOptionName = 64;
constexpr std::string_view kConfigMarker = "IKCFG_ST\x1f\x8b\x08";  // with the start of a gzip header
constexpr std::size_t kGzipStart = 8;                               // in it
constexpr std::string_view kBanner = "Linux version ";
constexpr std::size_t kMaxVersion = 64;
// What may be cut by a piece's end, and is looked at again with the next.
constexpr std::size_t kOverlap = kBanner.size() + kMaxVersion + 1;

std::string_view Text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::size_t Find(std::string_view in, std::string_view what, std::size_t from) {
    const void* const at = ::memmem(in.data() + from, in.size() - from, what.data(), what.size());
    return at != nullptr ? static_cast<std::size_t>(static_cast<const char*>(at) - in.data()) : in.npos;
}

}  // namespace

KernelConfig KernelConfig::Parse(std::string_view text) {
    KernelConfig config;
    while (!text.empty() && config.options_.size() < kMaxOptions) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        constexpr std::string_view kPrefix = "CONFIG_";
        const bool set = line.ends_with("=y") || line.ends_with("=m");
        if (!set || !line.starts_with(kPrefix)) continue;
        const KernelOption option = line.back() == 'y' ? KernelOption::kBuiltIn : KernelOption::kModule;
        line.remove_prefix(kPrefix.size());
        line.remove_suffix(2);
        if (line.size() <= kMaxOptionName) config.options_.insert_or_assign(std::string(line), option);
    }
    return config;
}

KernelOption KernelConfig::Get(std::string_view option) const {
    const auto found = options_.find(option);
    return found != options_.end() ? found->second : KernelOption::kAbsent;
}

void VmlinuxScanner::Take(std::span<const std::byte> piece) {
    if (in_config_) {
        const std::size_t room = std::min(piece.size(), kMaxConfigBytes - config_.size());
        config_.insert(config_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(room));
    }
    window_.insert(window_.end(), piece.begin(), piece.end());
    if (version_.empty()) FindVersion(window_);
    if (!in_config_) FindConfig(window_);
    const std::size_t kept = std::min(window_.size(), kOverlap);
    window_.erase(window_.begin(), window_.end() - static_cast<std::ptrdiff_t>(kept));
}

// The banner is there twice, once as a format: the one that starts with a digit counts.
void VmlinuxScanner::FindVersion(std::span<const std::byte> window) {
    const std::string_view text = Text(window);
    for (std::size_t at = Find(text, kBanner, 0); at != text.npos; at = Find(text, kBanner, at + 1)) {
        const std::string_view rest = text.substr(at + kBanner.size()).substr(0, kMaxVersion);
        const std::size_t end = rest.find(' ');
        if (end == rest.npos || end == 0 || rest.front() < '0' || rest.front() > '9') continue;
        version_ = rest.substr(0, end);
        return;
    }
}

void VmlinuxScanner::FindConfig(std::span<const std::byte> window) {
    const std::size_t at = Find(Text(window), kConfigMarker, 0);
    if (at == std::string_view::npos) return;
    const auto packed = window.subspan(at + kGzipStart);
    const auto kept = packed.first(std::min(packed.size(), kMaxConfigBytes));
    config_.assign(kept.begin(), kept.end());
    in_config_ = true;
}

}  // namespace husk
