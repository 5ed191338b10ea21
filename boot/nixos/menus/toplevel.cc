#include "boot/nixos/menus/toplevel.h"

#include <algorithm>
#include <optional>

#include "boot/nixos/menus/fields.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Clean;
using menu_text::NextWord;
using menu_text::Quoted;

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

// The texts of some files end in a newline, of others not.
std::string_view FirstLine(std::string_view text) { return menu_text::NextLine(text).value_or(std::string_view()); }

Result<BootEntry> MakeEntry(const ToplevelTexts& toplevel) {
    BootEntry entry;
    entry.specialisation = Clean(toplevel.specialisation, boot_limits::kText);
    entry.id = entry.specialisation.empty() ? "system" : Clean(toplevel.specialisation, boot_limits::kId);
    entry.title = entry.specialisation.empty() ? "NixOS" : "NixOS (" + entry.specialisation + ")";
    entry.title = Clean(entry.title, boot_limits::kText);
    entry.label = Clean(FirstLine(toplevel.nixos_version), boot_limits::kText);
    entry.kernel = HUSK_TRY(ResolvePath(toplevel.folder, "kernel"));
    if (toplevel.has_initrd) entry.initrds.push_back(HUSK_TRY(ResolvePath(toplevel.folder, "initrd")));
    if (toplevel.has_initrd_secrets)
        entry.initrd_secrets = HUSK_TRY(ResolvePath(toplevel.folder, "append-initrd-secrets"));
    entry.command_line = HUSK_TRY(CheckCommandLine("init=" + toplevel.init));
    HUSK_TRY_IN("kernel-params", AppendParameters(entry.command_line, FirstLine(toplevel.kernel_params)));
    return entry;
}

// A file that a script names: in the folder of the script, which `prefix` may stand for.
Result<std::string> FileBeside(std::string_view folder, std::string_view prefix, std::string_view name) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (name.find('/') != std::string_view::npos) return Refuse(Quoted(name) + " is not in the folder of the script");
    return ResolvePath(folder, name);
}

BootMenu MenuOf(BootEntry entry) {
    BootMenu menu;
    AddEntry(menu, std::move(entry));
    menu.default_entry = 0;
    return menu;
}

Result<> NeedInit(const BootEntry& entry) {
    if (entry.command_line.starts_with("init=") || entry.command_line.find(" init=") != std::string::npos) return {};
    return Refuse("its command line names no init=");
}

// The parameters of iPXE's `kernel FILE PARAMETERS` that are for the kernel.
Result<std::string> KernelParameters(std::string_view parameters) {
    std::string line;
    for (std::string_view word; !(word = NextWord(parameters)).empty();) {
        if (word.starts_with("initrd=") || (word.starts_with("${") && word.ends_with('}'))) continue;
        if (word.find("${") != std::string_view::npos) return Refuse("the value of " + Quoted(word) + " is not known");
        HUSK_TRY(AppendParameters(line, word));
    }
    return line;
}

// The lines of a shell script with those that go on joined.
std::string JoinLines(std::string_view script) {
    std::string joined(script);
    for (std::size_t from = 0, to = 0;; ++from, ++to) {
        while (joined.compare(from, 2, "\\\n") == 0) from += 2;
        if (from >= joined.size()) {
            joined.resize(to);
            return joined;
        }
        joined[to] = joined[from];
    }
}

// The shell word that `text` begins with, without its quotes: plain and double-quoted text, and nothing that a shell
// would have to work out.
Result<std::string> ShellWord(std::string_view text) {
    std::string word;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == ' ' || c == '\t' || c == '\n')) {
            return word;
        } else if (c == '`' || c == '$' || (!quoted && std::string_view("'\\;|&<>()").contains(c))) {
            return Refuse("its command line needs a shell");
        } else if (c == '\\' && i + 1 < text.size() && std::string_view("\\\"$`").contains(text[i + 1])) {
            word += text[++i];
        } else {
            word += c;
        }
    }
    if (quoted) return Refuse("a quotation mark is missing");
    return word;
}

// What follows `option` in `script`: behind "=" or spaces. Nothing when it is not there.
std::optional<std::string_view> FindOption(std::string_view script, std::string_view option) {
    const std::size_t at = script.find(option);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view value = script.substr(at + option.size());
    value.remove_prefix(std::min(value.find_first_not_of(" \t="), value.size()));
    return value;
}

// The file that `option` names. NixOS writes ${SCRIPT_DIR}/bzImage, some scripts with quotation marks.
Result<std::string> ScriptFile(std::string_view script, std::string_view folder, std::string_view option) {
    const auto value = FindOption(script, option);
    if (!value) return Refuse("it has no " + std::string(option));
    std::string name(value->substr(0, value->find_first_of(" \t\r\n")));
    std::erase(name, '"');
    return FileBeside(folder, "${SCRIPT_DIR}/", name);
}

}  // namespace

Result<BootMenu> MakeToplevelMenu(const std::vector<ToplevelTexts>& toplevels) {
    BootMenu menu;
    for (const ToplevelTexts& toplevel : toplevels) {
        Result<BootEntry> entry = MakeEntry(toplevel);
        if (entry) {
            AddEntry(menu, std::move(*entry));
        } else if (toplevel.specialisation.empty()) {
            return std::unexpected(std::move(entry).error());
        } else {
            AddNote(menu, "the specialisation " + Quoted(toplevel.specialisation) +
                              " was left out: " + entry.error().Message());
        }
    }
    if (menu.entries.empty()) return Refuse("there is no system in it");
    menu.default_entry = 0;
    return menu;
}

Result<BootMenu> ParseNetbootIpxe(std::string_view text, std::string_view folder) {
    BootEntry entry;
    entry.id = "netboot";
    entry.title = "NixOS netboot";
    while (const auto line = menu_text::NextLine(text)) {
        std::string_view rest = *line;
        const std::string_view command = NextWord(rest);
        if (command == "kernel" && entry.kernel.empty()) {
            entry.kernel = HUSK_TRY(FileBeside(folder, "", NextWord(rest)));
            entry.command_line = HUSK_TRY(KernelParameters(rest));
        } else if (command == "initrd") {
            if (entry.initrds.size() == boot_limits::kInitrds) return Refuse("it has too many initrds");
            entry.initrds.push_back(HUSK_TRY(FileBeside(folder, "", NextWord(rest))));
        }
    }
    if (entry.kernel.empty()) return Refuse("it has no line \"kernel\"");
    HUSK_TRY(NeedInit(entry));
    return MenuOf(std::move(entry));
}

Result<BootMenu> ParseKexecBoot(std::string_view text, std::string_view folder) {
    const std::string script = JoinLines(text);
    BootEntry entry;
    entry.id = "kexec";
    entry.title = "NixOS kexec";
    entry.kernel = HUSK_TRY(ScriptFile(script, folder, "--load"));
    entry.initrds.push_back(HUSK_TRY(ScriptFile(script, folder, "--initrd")));
    const auto parameters = FindOption(script, "--command-line");
    if (!parameters) return Refuse("it has no --command-line");
    entry.command_line = HUSK_TRY(CheckCommandLine(HUSK_TRY(ShellWord(*parameters))));
    HUSK_TRY(NeedInit(entry));
    return MenuOf(std::move(entry));
}

}  // namespace husk
