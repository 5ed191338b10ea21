// What NixOS' boot loader modules write into titles and versions, read back: generation, specialisation, label, date.
// Modelled on nixpkgs' systemd-boot-builder.py (21.05 to 26.05) and extlinux-conf-builder.sh.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace husk {

struct NixosBuild {
    std::optional<std::uint64_t> generation;
    std::string label;  // "24.05.20240601.abcdef"; what stands in its place when it is not of that form
    std::string date;   // "2024-06-01"
};

// A `version` of a boot entry: "Generation 12 NixOS Uakari 24.05.20240601.abcdef (Linux 6.6.32), built on 2024-06-01",
// and until 23.05 "Generation 12 NixOS 22.11.1, Linux Kernel 5.15.1, Built on 2023-01-01". Empty when it is neither.
[[nodiscard]] NixosBuild ReadNixosVersion(std::string_view version);

// A title of extlinux.conf: "NixOS - Configuration 12-gaming (2024-06-01 12:30 - 24.05.20240601.abcdef)".
// `specialisation` stays empty for "12" and "12-default".
struct NixosConfiguration {
    NixosBuild build;
    std::string specialisation;
};
[[nodiscard]] NixosConfiguration ReadNixosConfiguration(std::string_view title);

// The title of a boot entry: "NixOS", "NixOS (gaming)", "NixOS [work] (gaming)".
struct NixosTitle {
    std::string profile;
    std::string specialisation;
};
[[nodiscard]] NixosTitle ReadNixosTitle(std::string_view title);

// The first word of `text` that looks like the label of a NixOS release ("24.05.20240601.abcdef"); empty without one.
[[nodiscard]] std::string FindNixosLabel(std::string_view text);

}  // namespace husk
