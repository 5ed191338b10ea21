#include "vmm/cli/command_syntax.h"

#include <algorithm>
#include <utility>

namespace husk {
namespace {

constexpr std::size_t kHelpColumn = 30;

std::unexpected<Error> Usage(std::string sentence) { return Fail(ErrorKind::kUsage, std::move(sentence)); }

std::string Quoted(std::string_view word) { return '"' + std::string(word) + '"'; }

// The help of one option, word or command: beside what it is called, or below where that is long.
void AppendLine(std::string& text, std::string_view called, std::string_view help) {
    const std::size_t begin = text.size();
    text.append("  ").append(called);
    if (text.size() - begin >= kHelpColumn) text.append("\n").append(kHelpColumn, ' ');
    const std::size_t written = text.size() - begin;
    if (written < kHelpColumn) text.append(kHelpColumn - written, ' ');
    text.append(help).append("\n");
}

}  // namespace

void CommandSyntax::Add(std::string_view option, std::string_view value, Target target, std::string_view help) {
    Item& item = options_.emplace_back(Item{.name = option, .value = value, .target = target, .help = help});
    if (auto* const* const text = std::get_if<std::string*>(&target)) item.standard = **text;
}

void CommandSyntax::AddText(std::string_view option, std::string_view value, Target target, std::string_view help) {
    Add(option, value, target, help);
    options_.back().is_text = true;
}

void CommandSyntax::AddFinal(std::string_view option, bool& target, std::string_view help) {
    AddFlag(option, target, help);
    options_.back().is_final = true;
}

void CommandSyntax::AddWord(std::string_view name, std::string_view value, std::string& target, std::string_view help) {
    words_.push_back(Item{.name = name, .value = value, .target = &target, .help = help});
}

CommandSyntax& CommandSyntax::AddCommand(std::string_view name, std::string_view about) {
    return commands_.emplace_back(name_ + " " + std::string(name), about);
}

Result<const CommandSyntax*> CommandSyntax::Parse(std::span<const char* const> arguments) {
    bool options_ended = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view word = arguments[i];
        if (options_ended || word.size() < 2 || word.front() != '-') {
            if (CommandSyntax* const command = FindCommand(word)) {
                reached_ = command;
                return command->Parse(arguments.subspan(i + 1));
            }
            HUSK_TRY(TakeWord(word));
            continue;
        }
        if (word == "--") {
            options_ended = true;
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        Item* const option = FindOption(name);
        if (option == nullptr) return Usage(std::string(name) + " is no option of " + name_);
        if (std::holds_alternative<bool*>(option->target)) {
            if (equals != word.npos) return Usage(std::string(name) + " takes no value");
            HUSK_TRY(Store(*option, {}));
            if (option->is_final) return this;
            continue;
        }
        std::optional<std::string_view> value;
        if (equals != word.npos) {
            value = word.substr(equals + 1);
        } else if (++i < arguments.size() && (option->is_text || FindOption(arguments[i]) == nullptr)) {
            value = arguments[i];
        }
        if (!value || (value->empty() && !option->is_text)) {
            return Usage(std::string(name) + " needs a value: " + std::string(option->value));
        }
        HUSK_TRY(Store(*option, *value));
    }
    HUSK_TRY(NothingMissing());
    return this;
}

Result<> CommandSyntax::Store(Item& item, std::string_view word) {
    const bool before = std::exchange(item.given, true);
    if (auto* const* const flag = std::get_if<bool*>(&item.target)) {
        **flag = true;
    } else if (auto* const* const list = std::get_if<std::vector<std::string>*>(&item.target)) {
        (*list)->emplace_back(word);
    } else if (before) {
        return Usage(std::string(item.name) + " may be given once only");
    } else if (auto* const* const text = std::get_if<std::string*>(&item.target)) {
        **text = word;
    } else {
        std::get<std::optional<std::string>*>(item.target)->emplace(word);
    }
    return {};
}

CommandSyntax::Item* CommandSyntax::FindOption(std::string_view name) {
    if (name == "-h") name = "--help";
    const auto found = std::ranges::find(options_, name, &Item::name);
    return found == options_.end() ? nullptr : &*found;
}

CommandSyntax* CommandSyntax::FindCommand(std::string_view word) {
    const auto found = std::ranges::find_if(commands_, [&](const CommandSyntax& command) {
        return std::string_view(command.name_).substr(name_.size() + 1) == word;
    });
    return found == commands_.end() ? nullptr : &*found;
}

Result<> CommandSyntax::TakeWord(std::string_view word) {
    if (!commands_.empty()) return Usage(Quoted(word) + " is no command of " + name_);
    for (Item& item : words_) {
        if (!item.given) return Store(item, word);
    }
    return Usage(Quoted(word) + " is one word too many for " + name_);
}

Result<> CommandSyntax::NothingMissing() const {
    if (!commands_.empty()) return Usage("a command is missing: " + name_ + " COMMAND");
    for (const Item& item : words_) {
        if (item.given) continue;
        return Usage(std::string(item.name) + " is missing: " + name_ + " ... " + std::string(item.value));
    }
    return {};
}

std::string CommandSyntax::Help() const {
    std::string text = std::string(about_) + "\nUsage: " + name_ + " [OPTIONS]";
    if (!commands_.empty()) text += " COMMAND";
    for (const Item& word : words_) text.append(" ").append(word.value);
    text += "\n";
    if (!words_.empty()) text += "\nArguments:\n";
    for (const Item& word : words_) AppendLine(text, word.value, word.help);
    text += "\nOptions:\n";
    for (const Item& option : options_) {
        std::string called = option.name == "--help" ? "-h, --help" : std::string(option.name);
        if (!option.value.empty()) called.append(" ").append(option.value);
        const bool is_list = std::holds_alternative<std::vector<std::string>*>(option.target);
        if (is_list && !option.value.ends_with("...")) called += " ...";
        std::string help(option.help);
        if (!option.standard.empty()) help.append(" (default: ").append(option.standard).append(")");
        AppendLine(text, called, help);
    }
    if (!commands_.empty()) text += "\nCommands:\n";
    for (const CommandSyntax& command : commands_) {
        AppendLine(text, std::string_view(command.name_).substr(name_.size() + 1), command.about_);
    }
    if (!notes_.empty()) text.append("\n").append(notes_).append("\n");
    return text;
}

}  // namespace husk
