// The configuration that a kernel was built with, when it carries it (CONFIG_IKCONFIG, as NixOS's kernels do): gzip
// data behind a marker in the unpacked vmlinux (Linux kernel/configs.c).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace husk {

// The options that are built in or modules, by name without CONFIG_; all others are absent.
enum class KernelOption { kAbsent, kModule, kBuiltIn };

class KernelConfig {
 public:
    // The text of a .config. At most 65,536 options are kept.
    [[nodiscard]] static KernelConfig Parse(std::string_view text);
    [[nodiscard]] KernelOption Get(std::string_view option) const;
    [[nodiscard]] bool Empty() const { return options_.empty(); }

 private:
    std::map<std::string, KernelOption, std::less<>> options_;
};

// Looks for the marked configuration, and for the banner with the kernel's version, in a vmlinux whose bytes come piece
// by piece.
class VmlinuxScanner {
 public:
    void Take(std::span<const std::byte> piece);
    // The gzip data and whatever follows it, once the marker has come: at most kMaxConfigBytes.
    [[nodiscard]] const std::vector<std::byte>& PackedConfig() const { return config_; }
    // What stands behind "Linux version ", up to a space; empty when that has not come.
    [[nodiscard]] const std::string& Version() const { return version_; }
    [[nodiscard]] bool Done() const { return config_.size() == kMaxConfigBytes && !version_.empty(); }

    static constexpr std::size_t kMaxConfigBytes = 512U << 10;  // Debian's and NixOS's have about 60 KiB

 private:
    void FindVersion(std::span<const std::byte> window);
    void FindConfig(std::span<const std::byte> window);

    std::vector<std::byte> window_;  // the end of what came before, and the piece
    bool in_config_ = false;
    std::vector<std::byte> config_;
    std::string version_;
};

}  // namespace husk
