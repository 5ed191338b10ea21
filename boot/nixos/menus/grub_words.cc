#include "boot/nixos/menus/grub_words.h"

#include <algorithm>

namespace husk {
namespace {

constexpr std::string_view kEndsWord = " \t\r\n;{}&|<>";

void Append(GrubToken& token, std::string_view piece) {
    if (token.text.size() <= GrubWords::kWordLimit) token.text += piece;
}

bool IsNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '?';
}

}  // namespace

std::optional<GrubToken> GrubWords::Next(const GrubVariables& variables) {
    for (;;) {
        SkipBlanks();
        if (rest_.empty()) return std::nullopt;
        GrubToken token;
        switch (rest_.front()) {
            case '\n':
            case ';':
                token.kind = GrubToken::Kind::kEnd;
                break;
            case '{':
                token.kind = GrubToken::Kind::kOpen;
                break;
            case '}':
                token.kind = GrubToken::Kind::kClose;
                break;
            default:
                if (ReadWord(token, variables)) return token;
                continue;
        }
        rest_.remove_prefix(1);
        return token;
    }
}

// Also comments, lines that go on, and the operators between commands, which mean nothing here.
void GrubWords::SkipBlanks() {
    for (;;) {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r&|<>"), rest_.size()));
        if (rest_.starts_with("\\\n")) {
            rest_.remove_prefix(2);
        } else if (rest_.starts_with('#')) {
            rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        } else {
            return;
        }
    }
}

bool GrubWords::ReadWord(GrubToken& token, const GrubVariables& variables) {
    while (!rest_.empty() && kEndsWord.find(rest_.front()) == std::string_view::npos) {
        const char c = rest_.front();
        if (c == '$') {
            ReadVariable(token, variables);
            continue;
        }
        rest_.remove_prefix(1);
        if (c == '\'') {
            const std::string_view inside = rest_.substr(0, rest_.find('\''));
            rest_.remove_prefix(std::min(inside.size() + 1, rest_.size()));
            Append(token, inside);
            token.quoted = true;
        } else if (c == '"') {
            ReadQuoted(token, variables);
        } else if (c == '\\') {
            if (rest_.empty()) break;
            if (rest_.front() != '\n') Append(token, rest_.substr(0, 1));
            rest_.remove_prefix(1);
        } else {
            Append(token, {&c, 1});
        }
    }
    return token.quoted || !token.text.empty() || !token.unknown.empty();
}

// From behind a double quote to behind the next.
void GrubWords::ReadQuoted(GrubToken& token, const GrubVariables& variables) {
    token.quoted = true;
    while (!rest_.empty()) {
        const char c = rest_.front();
        if (c == '$') {
            ReadVariable(token, variables);
            continue;
        }
        rest_.remove_prefix(1);
        if (c == '"') return;
        const bool escapes = c == '\\' && !rest_.empty() && std::string_view("\"$\\").contains(rest_.front());
        Append(token, escapes ? rest_.substr(0, 1) : std::string_view(&c, 1));
        if (escapes) rest_.remove_prefix(1);
    }
}

// $name or ${name}; a lone $ stands for itself.
void GrubWords::ReadVariable(GrubToken& token, const GrubVariables& variables) {
    const bool braces = rest_.starts_with("${");
    std::string_view name = rest_.substr(braces ? 2 : 1);
    const auto end = std::ranges::find_if_not(name, IsNameCharacter);
    name = name.substr(0, static_cast<std::size_t>(end - name.begin()));
    const std::size_t length = name.size() + (braces ? 3 : 1);
    const bool closed = !braces || (length <= rest_.size() && rest_[length - 1] == '}');
    if (name.empty() || !closed) {
        Append(token, "$");
        rest_.remove_prefix(1);
        return;
    }
    rest_.remove_prefix(length);
    if (const auto value = variables.find(name); value != variables.end()) {
        Append(token, value->second);
    } else {
        token.unknown = name;
        token.unknown_at = token.text.size();
    }
}

}  // namespace husk
