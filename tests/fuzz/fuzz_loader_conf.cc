// loader.conf, and its patterns against a name (what follows the first NUL): the settings keep their limits, and a
// pattern that is a name with every byte escaped matches that name and no longer one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "boot/nixos/menus/glob.h"
#include "boot/nixos/menus/loader_conf.h"
#include "tests/fuzz/menu_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using husk::testing::Require;
    using husk::testing::RequireText;
    const std::string text(data, data + size);
    const std::string name = text.substr(std::min(text.find('\0'), text.size() - 1) + 1).substr(0, 255);
    const husk::LoaderConf conf = husk::ParseLoaderConf(text);
    Require(conf.notes.size() <= 2);
    for (const std::string& note : conf.notes) RequireText(note, husk::boot_limits::kNote);
    for (const std::string& pattern : {conf.default_entry, conf.preferred}) {
        RequireText(pattern, husk::boot_limits::kId);
        static_cast<void>(husk::MatchesGlob(pattern, name));
        static_cast<void>(husk::MatchesGlob(name, pattern));
    }
    std::string escaped;
    for (const char c : name) (escaped += '\\') += c;
    Require(husk::MatchesGlob(escaped, name) && husk::MatchesGlob(escaped + '*', name + "x"));
    Require(!husk::MatchesGlob(escaped, name + "x") && !husk::MatchesGlob(escaped + '?', name));
    return 0;
}
