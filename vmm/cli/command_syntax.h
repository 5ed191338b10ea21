// CommandSyntax: what a command takes on its command line. The one description is both what is parsed and what --help
// prints.
//
// An option's value follows it, as a word of its own or behind "=". Where a value is due, the next word is it, even one
// that looks like an option; but not the name of an option of the same command: then the value was forgotten. Nor is it
// empty. Behind "--" come no options of this command any more; one of its commands that comes there has its own.
#pragma once

#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vmm/base/result.h"

namespace husk {

class CommandSyntax {
 public:
    // Where a word goes. A flag has none and sets a bool; a vector's option may be given several times, others once.
    // What a string holds beforehand is the default that --help shows.
    using Target = std::variant<bool*, std::string*, std::optional<std::string>*, std::vector<std::string>*>;

    // `name`: with all that stands in front of it, "husk run". All text outlives this, and so do all targets.
    CommandSyntax(std::string name, std::string_view about) : name_(std::move(name)), about_(about) {
        AddFinal("--help", help_asked_, "print this help and exit");
    }
    CommandSyntax(const CommandSyntax&) = delete;
    CommandSyntax& operator=(const CommandSyntax&) = delete;
    ~CommandSyntax() = default;

    // "--kernel", with "FILE" as what the help calls its value.
    void Add(std::string_view option, std::string_view value, Target target, std::string_view help);
    // One whose value may be anything: empty, or the name of an option.
    void AddText(std::string_view option, std::string_view value, Target target, std::string_view help);
    void AddFlag(std::string_view option, bool& target, std::string_view help) { Add(option, "", &target, help); }
    // A flag behind which nothing is looked at, and nothing is missing.
    void AddFinal(std::string_view option, bool& target, std::string_view help);
    // A word that must be given, at its place among those without an option.
    void AddWord(std::string_view name, std::string_view value, std::string& target, std::string_view help);
    // A command that has commands takes no words itself, and needs one of them.
    CommandSyntax& AddCommand(std::string_view name, std::string_view about);
    // At the end of the help.
    void SetNotes(std::string_view notes) { notes_ = notes; }

    // Fills in the targets. The command that was chosen; or a sentence, of kind kUsage.
    [[nodiscard]] Result<const CommandSyntax*> Parse(std::span<const char* const> arguments);
    // The command that Parse() came to, also where it failed.
    [[nodiscard]] const CommandSyntax& Reached() const { return reached_ == nullptr ? *this : reached_->Reached(); }
    [[nodiscard]] const std::string& Name() const { return name_; }
    [[nodiscard]] bool HelpAsked() const { return help_asked_; }
    [[nodiscard]] std::string Help() const;

 private:
    struct Item {
        std::string_view name;
        std::string_view value;
        Target target;
        std::string_view help;
        std::string standard = {};  // value
        bool is_final = false;
        bool is_text = false;
        bool given = false;
    };

    [[nodiscard]] Result<> Store(Item& item, std::string_view word);
    [[nodiscard]] Item* FindOption(std::string_view name);
    [[nodiscard]] CommandSyntax* FindCommand(std::string_view word);
    [[nodiscard]] Result<> TakeWord(std::string_view word);
    [[nodiscard]] Result<> NothingMissing() const;

    std::string name_;
    std::string_view about_;
    std::string_view notes_;
    bool help_asked_ = false;
    std::vector<Item> options_;
    std::vector<Item> words_;
    std::list<CommandSyntax> commands_;
    const CommandSyntax* reached_ = nullptr;  // of them
};

}  // namespace husk
