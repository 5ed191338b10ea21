#include "boot/nixos/menus/syslinux_conf.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "boot/nixos/menus/fields.h"
#include "boot/nixos/menus/nixos_names.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Clean;
using menu_text::EqualIgnoringCase;
using menu_text::Quoted;

// A LABEL and what follows it. The texts are pieces of the file.
struct Label {
    std::string_view name;
    std::string_view title;
    std::string_view kernel;
    std::string_view kernel_parameters;  // behind the kernel's name
    std::string_view initrds;            // separated by commas
    std::optional<std::string_view> append;
    bool is_default = false;
};

// KERNEL starts other things than Linux when the file is called so.
bool IsOtherProgram(std::string_view kernel) {
    static constexpr std::array<std::string_view, 8> kEndings{".c32", ".com", ".cbt", ".bin",
                                                              ".bs",  ".bss", ".0",   ".img"};
    return std::ranges::any_of(kEndings, [=](auto ending) { return menu_text::EndsWithIgnoringCase(kernel, ending); });
}

// What "initrd=a,b" among the parameters says; the last one counts.
std::string_view InitrdParameter(std::string_view parameters) {
    constexpr std::string_view kName = "initrd=";
    std::string_view initrds;
    for (std::string_view word; !(word = menu_text::NextWord(parameters)).empty();) {
        if (word.starts_with(kName)) initrds = word.substr(kName.size());
    }
    return initrds;
}

class Parser {
 public:
    explicit Parser(std::string_view directory) : directory_(directory) {}

    BootMenu Parse(std::string_view text) {
        while (const auto line = menu_text::NextLine(text)) ReadLine(*line);
        FinishLabel();
        ChooseDefault();
        return std::move(menu_);
    }

 private:
    void ReadLine(std::string_view rest) {
        const std::string keyword = menu_text::LowerCase(menu_text::NextWord(rest));
        if (in_help_) {
            in_help_ = keyword != "endtext";
        } else if (keyword == "text") {
            in_help_ = EqualIgnoringCase(menu_text::NextWord(rest), "help");
        } else if (keyword == "label") {
            FinishLabel();
            label_.emplace().name = rest;
        } else if (keyword == "default") {
            default_ = rest;
        } else if (keyword == "include") {
            NoteInclude(rest);
        } else if (keyword == "menu") {
            ReadMenu(rest);
        } else if (keyword == "append") {
            (label_ ? label_->append : append_) = rest;
        } else if (label_) {
            ReadLabel(keyword, rest);
        }
    }

    void ReadMenu(std::string_view rest) {
        const std::string keyword = menu_text::LowerCase(menu_text::NextWord(rest));
        if (keyword == "include") NoteInclude(rest);
        if (label_ && keyword == "label") label_->title = rest;
        if (label_ && keyword == "default") label_->is_default = true;
    }

    void ReadLabel(std::string_view keyword, std::string_view rest) {
        if (keyword == "linux" || keyword == "kernel") {
            label_->kernel = menu_text::NextWord(rest);
            label_->kernel_parameters = rest;
            if (keyword == "kernel" && IsOtherProgram(label_->kernel)) label_->kernel = {};
        } else if (keyword == "initrd") {
            label_->initrds = rest;
        }
    }

    void NoteInclude(std::string_view file) {
        AddNote(menu_, "the menu includes " + Quoted(file) + ", which was not read");
    }

    void FinishLabel() {
        const std::optional<Label> label = std::exchange(label_, std::nullopt);
        if (!label || label->kernel.empty()) return;
        Result<BootEntry> entry = MakeEntry(*label);
        if (!entry) {
            AddNote(menu_, "the boot entry " + Quoted(label->name) + " was left out: " + entry.error().Message());
        } else if (AddEntry(menu_, std::move(*entry)) && label->is_default) {
            menu_.default_entry = menu_.entries.size() - 1;
        }
    }

    Result<BootEntry> MakeEntry(const Label& label) const {
        BootEntry entry;
        entry.id = label.name.empty() ? "entry" : Clean(label.name, boot_limits::kId);
        std::string title(label.title.empty() ? label.name : label.title);
        std::erase(title, '^');  // before the key that chooses the entry
        entry.title = Clean(title, boot_limits::kText);
        NixosConfiguration configuration = ReadNixosConfiguration(entry.title);
        entry.generation = configuration.build.generation;
        entry.specialisation = std::move(configuration.specialisation);
        entry.date = std::move(configuration.build.date);
        entry.label = entry.generation ? std::move(configuration.build.label) : FindNixosLabel(entry.title);
        entry.kernel = HUSK_TRY(ResolvePath(directory_, label.kernel));
        HUSK_TRY(AppendParameters(entry.command_line, label.kernel_parameters));
        const std::string_view append = label.append.value_or(append_.value_or(std::string_view()));
        if (append != "-") HUSK_TRY(AppendParameters(entry.command_line, append));
        entry.initrds = HUSK_TRY(Initrds(label.initrds.empty() ? InitrdParameter(append) : label.initrds));
        return entry;
    }

    Result<std::vector<std::string>> Initrds(std::string_view list) const {
        std::vector<std::string> initrds;
        while (!list.empty()) {
            const std::string_view name = list.substr(0, list.find(','));
            list.remove_prefix(std::min(name.size() + 1, list.size()));
            if (initrds.size() == boot_limits::kInitrds)
                return Fail(ErrorKind::kBootSource,
                            "it has more than " + std::to_string(boot_limits::kInitrds) + " initrds");
            initrds.push_back(HUSK_TRY(ResolvePath(directory_, menu_text::Trim(name))));
        }
        return initrds;
    }

    // MENU DEFAULT, which has been seen by now, overrides DEFAULT. That may have parameters behind the label.
    void ChooseDefault() {
        if (menu_.default_entry || menu_.entries.empty()) return;
        std::string_view rest = default_;
        for (const std::string_view name : {default_, menu_text::NextWord(rest)}) {
            const auto found = std::ranges::find_if(
                menu_.entries, [=](const BootEntry& entry) { return EqualIgnoringCase(entry.id, name); });
            if (found == menu_.entries.end()) continue;
            menu_.default_entry = static_cast<std::size_t>(found - menu_.entries.begin());
            return;
        }
        menu_.default_entry = 0;
        if (!default_.empty() && !IsOtherProgram(default_))
            AddNote(menu_, "the menu's default is " + Quoted(default_) + ", of which there is no usable entry");
    }

    std::string_view directory_;
    BootMenu menu_;
    std::string_view default_;
    std::optional<std::string_view> append_;
    std::optional<Label> label_;
    bool in_help_ = false;
};

}  // namespace

BootMenu ParseSyslinuxConf(std::string_view text, std::string_view directory) { return Parser(directory).Parse(text); }

}  // namespace husk
