#include "boot/nixos/menus/grub_cfg.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "boot/nixos/menus/fields.h"
#include "boot/nixos/menus/grub_words.h"
#include "boot/nixos/menus/nixos_names.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Clean;
using menu_text::Quoted;

constexpr std::size_t kDepth = 16;                                 // of blocks in blocks
constexpr std::size_t kWords = boot_limits::kCommandLine;          // that are kept of one command
constexpr std::size_t kWordBytes = 4 * boot_limits::kCommandLine;  // in all of them
constexpr std::size_t kVariables = 256;
constexpr std::size_t kValue = 1023;  // bytes, with the name
constexpr std::size_t kSlug = 64;     // bytes

using Words = std::vector<GrubToken>;

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

// A title as an identifier that can be typed: "NixOS 24.05 (debug)" is "nixos-24.05-debug".
std::string Slug(std::string_view title) {
    std::string slug;
    for (const char c : menu_text::LowerCase(title)) {
        const bool keeps = (c >= 'a' && c <= 'z') || menu_text::IsDigit(c) || c == '.' || c == '_';
        if (keeps) {
            slug += c;
        } else if (!slug.empty() && slug.back() != '-') {
            slug += '-';
        }
        if (slug.size() == kSlug) break;
    }
    while (slug.ends_with('-')) slug.pop_back();
    return slug.empty() ? "entry" : slug;
}

// The value behind `option` among the words of a menuentry; empty without.
std::string_view OptionValue(const Words& words, std::string_view option) {
    const auto found = std::ranges::find(words, option, &GrubToken::text);
    return found == words.end() || std::next(found) == words.end() ? std::string_view() : std::next(found)->text;
}

// A path of the script, in the volume.
Result<std::string> GrubPath(const GrubToken& word) {
    std::string_view path = word.text;
    if (path.starts_with('(')) path.remove_prefix(std::min(path.find(')') + 1, path.size()));
    const std::size_t device = word.text.size() - path.size();
    if (!word.unknown.empty() && word.unknown_at >= device)
        return Refuse("the value of " + Quoted(word.unknown) + " in a path is not known");
    return ResolvePath("/", path);
}

// A menuentry whose block is being read.
struct Open {
    BootEntry entry;
    std::string trouble;         // why it cannot be used; empty: nothing
    std::size_t conditions = 0;  // that it stands in
    std::size_t item = 0;        // of the top menu, the one it is or is below
};

class Parser {
 public:
    BootMenu Parse(std::string_view text) {
        GrubWords tokens(text);
        Words words;
        while (const auto token = tokens.Next(variables_)) {
            if (token->kind == GrubToken::Kind::kWord) {
                word_bytes_ += token->text.size();
                is_cut_ |= words.size() == kWords || word_bytes_ > kWordBytes;
                if (!is_cut_) words.push_back(*token);
                continue;
            }
            if (token->kind == GrubToken::Kind::kOpen) {
                if (blocks_.size() == kDepth) {
                    AddNote(menu_, "the boot menu is nested too deeply; the rest of it was not read");
                    break;
                }
                OpenBlock(words);
            } else {
                Command(words);
            }
            if (token->kind == GrubToken::Kind::kClose) CloseBlock();
            words.clear();
            word_bytes_ = 0;
            is_cut_ = false;
        }
        Command(words);
        ChooseDefault();
        return std::move(menu_);
    }

 private:
    enum class Block { kEntry, kSubmenu, kOther };

    // What stands in front of a command without being one.
    static void DropKeywords(Words& words) {
        const auto is_keyword = [](const GrubToken& word) {
            return word.text == "then" || word.text == "else" || word.text == "do";
        };
        words.erase(words.begin(), std::ranges::find_if_not(words, is_keyword));
    }

    bool Ignored() const { return std::ranges::find(blocks_, Block::kOther) != blocks_.end(); }

    void OpenBlock(Words& words) {
        DropKeywords(words);
        const std::string_view command = words.empty() ? std::string_view() : std::string_view(words.front().text);
        const bool is_submenu = command == "submenu";
        if (Ignored() || open_ || words.size() < 2 || (command != "menuentry" && !is_submenu)) {
            blocks_.push_back(Block::kOther);
            return;
        }
        if (blocks_.empty()) ++items_;
        blocks_.push_back(is_submenu ? Block::kSubmenu : Block::kEntry);
        const std::string title = Clean(words[1].text, boot_limits::kText);
        if (is_submenu) {
            submenus_.push_back(title);
            return;
        }
        open_.emplace();
        open_->conditions = conditions_;
        open_->item = items_ - 1;
        const std::string_view id = OptionValue(words, "--id");
        open_->entry.id = id.empty() ? Slug(title) : Clean(id, boot_limits::kId);
        for (const std::string& submenu : submenus_) open_->entry.title += submenu + " > ";
        open_->entry.title = Clean(menu_text::Trim(open_->entry.title + title), boot_limits::kText);
    }

    void CloseBlock() {
        if (blocks_.empty()) return;
        const Block block = blocks_.back();
        blocks_.pop_back();
        if (block == Block::kSubmenu) submenus_.pop_back();
        if (block == Block::kEntry) FinishEntry();
    }

    void Command(Words& words) {
        DropKeywords(words);
        if (words.empty() || Ignored()) return;
        const std::string_view command = words.front().text;
        if (command == "if" || command == "for" || command == "while" || command == "until") ++conditions_;
        if ((command == "fi" || command == "done") && conditions_ > 0) --conditions_;
        if (command == "set" && words.size() > 1 && conditions_ == 0 && !open_) Set(words[1]);
        if (!open_ || words.size() < 2) return;
        const bool is_linux = command == "linux" || command == "linuxefi" || command == "linux16";
        const bool is_initrd = command == "initrd" || command == "initrdefi" || command == "initrd16";
        if (!is_linux && !is_initrd) return;
        if (conditions_ > open_->conditions) open_->trouble = "what it starts depends on a condition";
        if (is_cut_) open_->trouble = "one of its commands is too long";
        const Result<> read = is_linux ? ReadLinux(words) : ReadInitrds(words);
        if (!read && open_->trouble.empty()) open_->trouble = read.error().Message();
    }

    void Set(const GrubToken& assignment) {
        const std::size_t equals = assignment.text.find('=');
        if (equals == std::string::npos || assignment.text.size() > kValue || variables_.size() >= kVariables) return;
        variables_[assignment.text.substr(0, equals)] = assignment.text.substr(equals + 1);
    }

    Result<> ReadLinux(const Words& words) {
        BootEntry& entry = open_->entry;
        entry.kernel = HUSK_TRY(GrubPath(words[1]));
        entry.command_line.clear();
        for (std::size_t i = 2; i < words.size(); ++i) {
            const GrubToken& word = words[i];
            if (!word.unknown.empty())
                AddNote(menu_, "the boot entry " + Quoted(entry.title) + " has the variable " + Quoted(word.unknown) +
                                   " in its command line; it was taken to be empty");
            const bool spaced = word.quoted && word.text.find(' ') != std::string::npos;
            HUSK_TRY(AppendParameters(entry.command_line, spaced ? '"' + word.text + '"' : word.text));
        }
        return {};
    }

    Result<> ReadInitrds(const Words& words) {
        BootEntry& entry = open_->entry;
        entry.initrds.clear();
        if (words.size() > boot_limits::kInitrds + 1)
            return Refuse("it has more than " + std::to_string(boot_limits::kInitrds) + " initrds");
        for (std::size_t i = 1; i < words.size(); ++i) entry.initrds.push_back(HUSK_TRY(GrubPath(words[i])));
        return {};
    }

    void FinishEntry() {
        Open done = std::move(*std::exchange(open_, std::nullopt));
        BootEntry& entry = done.entry;
        if (!done.trouble.empty()) {
            AddNote(menu_, "the boot entry " + Quoted(entry.title) + " was left out: " + done.trouble);
            return;
        }
        if (entry.kernel.empty()) return;
        NixosConfiguration configuration = ReadNixosConfiguration(entry.title);
        entry.generation = configuration.build.generation;
        entry.date = std::move(configuration.build.date);
        entry.specialisation = std::move(configuration.specialisation);
        entry.label = entry.generation ? std::move(configuration.build.label) : FindNixosLabel(entry.title);
        if (menu_.entries.size() < boot_limits::kEntries) entry.id = Unique(entry.id);
        if (AddEntry(menu_, std::move(entry))) entry_items_.push_back(done.item);
    }

    // `id`, with a number behind it when it is taken.
    std::string Unique(const std::string& id) {
        std::string unique = id;
        for (std::size_t number = 2; !ids_.insert(unique).second; ++number) {
            unique = Clean(id, boot_limits::kId - 8) + '-' + std::to_string(number);
        }
        return unique;
    }

    // `set default=`: the number of an item of the top menu, an identifier or a title.
    void ChooseDefault() {
        if (menu_.entries.empty()) return;
        menu_.default_entry = 0;
        const auto set = variables_.find("default");
        if (set == variables_.end()) return;
        const auto number = menu_text::ParseNumber(set->second);
        for (std::size_t i = 0; i < menu_.entries.size(); ++i) {
            const BootEntry& entry = menu_.entries[i];
            if ((number && entry_items_[i] != *number) ||
                (!number && entry.id != set->second && entry.title != set->second))
                continue;
            menu_.default_entry = i;
            return;
        }
    }

    BootMenu menu_;
    std::set<std::string> ids_;
    std::vector<std::size_t> entry_items_;  // beside menu_.entries: the item of the top menu that each is or is below
    GrubVariables variables_{{"isoboot", ""}, {"menuentry_id_option", "--id"}, {"root", ""}};
    std::vector<Block> blocks_;
    std::vector<std::string> submenus_;
    std::optional<Open> open_;
    std::size_t conditions_ = 0;
    std::size_t items_ = 0;
    std::size_t word_bytes_ = 0;  // of the command that is being read
    bool is_cut_ = false;         // it has more words than are kept
};

}  // namespace

BootMenu ParseGrubCfg(std::string_view text) { return Parser().Parse(text); }

}  // namespace husk
