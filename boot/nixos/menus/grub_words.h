// The words of a GRUB script (GRUB manual, "Shell-like scripting"): quoting, escapes, comments and variables. Nothing
// is executed.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "boot/nixos/menus/boot_menu.h"

namespace husk {

// The values that are known; what is not here becomes nothing.
using GrubVariables = std::map<std::string, std::string, std::less<>>;

struct GrubToken {
    enum class Kind { kWord, kEnd, kOpen, kClose };  // kEnd: of a command, a newline or a semicolon
    Kind kind = Kind::kWord;
    std::string text;
    bool quoted = false;         // in part
    std::string unknown;         // the name of the last variable in it that has no value
    std::size_t unknown_at = 0;  // where in `text` it was
};

class GrubWords {
 public:
    static constexpr std::size_t kWordLimit = 2 * boot_limits::kCommandLine;  // bytes
    explicit GrubWords(std::string_view text) : rest_(text) {}

    // The next token; nothing at the end of the text. A word of unquoted variables that are known to be empty is none.
    // A word longer than kWordLimit is cut somewhere above that: too long for all uses, and values do not multiply.
    [[nodiscard]] std::optional<GrubToken> Next(const GrubVariables& variables);

 private:
    void SkipBlanks();
    bool ReadWord(GrubToken& token, const GrubVariables& variables);
    void ReadQuoted(GrubToken& token, const GrubVariables& variables);
    void ReadVariable(GrubToken& token, const GrubVariables& variables);

    std::string_view rest_;
};

}  // namespace husk
