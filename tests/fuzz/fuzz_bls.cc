// A disk with systemd-boot's files, between NULs: loader.conf, then names and contents of entries, which go to two
// volumes in turn. The menu keeps its promises, and versions compare the same from both sides.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "boot/nixos/menus/bls_menu.h"
#include "boot/nixos/menus/disk_menu.h"
#include "boot/nixos/menus/version_order.h"
#include "tests/fuzz/menu_fuzz.h"
#include "tests/support/fake_volume.h"

namespace {

std::vector<std::string_view> Split(std::string_view text) {
    std::vector<std::string_view> pieces;
    for (;;) {
        const std::size_t end = text.find('\0');
        pieces.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return pieces;
        text.remove_prefix(end + 1);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using husk::testing::Require;
    const std::string text(data, data + size);
    const std::vector<std::string_view> pieces = Split(text);
    husk::testing::FakeDisk disk;
    husk::testing::FakeVolume* volumes[] = {&disk.AddVolume(), &disk.AddVolume()};
    volumes[0]->Write("/loader/loader.conf", pieces[0]);
    for (std::size_t i = 1; i + 1 < pieces.size(); i += 2) {
        volumes[i / 2 % 2]->Write("/loader/entries/" + std::string(pieces[i]), pieces[i + 1]);
        Require(husk::CompareVersions(pieces[i], pieces[i + 1]) ==
                0 <=> husk::CompareVersions(pieces[i + 1], pieces[i]));
    }
    const auto menu = husk::ReadBlsMenu(disk, disk.Volumes());
    Require(menu.has_value());  // whatever is wrong with a file, the others can be used
    if (*menu) husk::testing::RequireMenu(**menu);
    husk::testing::RequireMenu(husk::ReadDiskMenu(disk, disk.Volumes()));
    return 0;
}
