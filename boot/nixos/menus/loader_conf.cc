#include "boot/nixos/menus/loader_conf.h"

#include "boot/nixos/menus/boot_menu.h"
#include "boot/nixos/menus/key_value.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

// A pattern that can be compared with file names; else empty, and a note.
std::string ReadPattern(const KeyValue& setting, std::vector<std::string>& notes) {
    const std::string named = "loader.conf's \"" + std::string(setting.key) + "\"";
    if (setting.value.starts_with('@')) {
        notes.push_back(menu_text::EqualIgnoringCase(setting.value, "@saved")
                            ? named + " is @saved, the entry booted last: firmware would remember it, husk does not"
                            : named + " is " + menu_text::Quoted(setting.value) + ", which is not known");
        return {};
    }
    if (setting.value.size() > boot_limits::kId || !menu_text::IsClean(setting.value)) {
        notes.push_back(named + " cannot be the name of an entry");
        return {};
    }
    return std::string(setting.value);
}

}  // namespace

LoaderConf ParseLoaderConf(std::string_view text) {
    LoaderConf conf;
    std::vector<std::string> preferred_notes;
    std::vector<std::string> default_notes;
    while (const auto setting = NextKeyValue(text)) {
        const bool is_preferred = setting->key == "preferred";
        if (!is_preferred && setting->key != "default") continue;
        std::vector<std::string>& notes = is_preferred ? preferred_notes : default_notes;
        notes.clear();
        (is_preferred ? conf.preferred : conf.default_entry) = ReadPattern(*setting, notes);
    }
    conf.notes = std::move(preferred_notes);
    conf.notes.insert(conf.notes.end(), default_notes.begin(), default_notes.end());
    return conf;
}

}  // namespace husk
