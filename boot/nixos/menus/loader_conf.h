// loader.conf of systemd-boot (loader.conf(5)), on the ESP: which entry is the default.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace husk {

struct LoaderConf {
    std::string preferred;           // a pattern of file names: the first entry of it that is not bad; empty: not said
    std::string default_entry;       // a pattern: the first entry of it that `preferred` did not find; empty: not said
    std::vector<std::string> notes;  // about what was left out
};

// Never fails: what is not understood is left out, as systemd-boot does. The last of several settings counts. What is
// not about the default (timeout, editor, console-mode and so on) means nothing without a menu.
[[nodiscard]] LoaderConf ParseLoaderConf(std::string_view text);

}  // namespace husk
