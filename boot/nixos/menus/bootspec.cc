#include "boot/nixos/menus/bootspec.h"

#include <nlohmann/json.hpp>
#include <string>

#include "boot/nixos/menus/fields.h"
#include "boot/nixos/menus/text.h"

namespace husk {
namespace {

using menu_text::Quoted;
using nlohmann::json;

constexpr const char* kSystem = "org.nixos.bootspec.v1";
constexpr const char* kSpecialisations = "org.nixos.specialisation.v1";
constexpr std::size_t kDepth = 32;  // of lists and objects in each other: parsers and destructors may recurse

std::unexpected<Error> Refuse(std::string sentence) { return Fail(ErrorKind::kBootSource, std::move(sentence)); }

bool IsTooDeep(std::string_view text) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string && c == '\\') {
            ++i;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '[' || c == '{')) {
            if (++depth > kDepth) return true;
        } else if (!in_string && (c == ']' || c == '}')) {
            if (depth > 0) --depth;
        }
    }
    return false;
}

// The member `name` of `object`, or nothing; null counts as nothing.
const json* Member(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<const json*> ObjectMember(const json& object, const char* name) {
    const json* const member = Member(object, name);
    if (member != nullptr && !member->is_object()) return Refuse(Quoted(name) + " is not an object");
    return member;
}

// A text, or nothing.
Result<const std::string*> TextMember(const json& object, const char* name) {
    const json* const member = Member(object, name);
    if (member == nullptr) return nullptr;
    const auto* const text = member->get_ptr<const std::string*>();
    if (text == nullptr) return Refuse(Quoted(name) + " is not a text");
    return text;
}

// A path; empty when there is none.
Result<std::string> PathMember(const json& object, const char* name) {
    const std::string* const path = HUSK_TRY(TextMember(object, name));
    if (path == nullptr) return std::string();
    if (!path->starts_with('/')) return Refuse(Quoted(name) + " is no absolute path");
    return HUSK_TRY_IN(Quoted(name), ResolvePath("/", *path));
}

Result<std::string> NeededPath(const json& object, const char* name) {
    std::string path = HUSK_TRY(PathMember(object, name));
    if (path.empty()) return Refuse(Quoted(name) + " is missing");
    return path;
}

Result<std::string> ReadCommandLine(const json& spec) {
    std::string line = HUSK_TRY(CheckCommandLine("init=" + HUSK_TRY(NeededPath(spec, "init"))));
    const json* const parameters = Member(spec, "kernelParams");
    if (parameters == nullptr) return Refuse("\"kernelParams\" is missing");
    if (!parameters->is_array()) return Refuse("\"kernelParams\" is not a list");
    for (const json& parameter : *parameters) {
        const auto* const text = parameter.get_ptr<const std::string*>();
        if (text == nullptr) return Refuse("\"kernelParams\" holds what is not a text");
        HUSK_TRY(AppendParameters(line, *text));
    }
    return line;
}

Result<BootEntry> ReadEntry(const json& spec) {
    constexpr std::string_view kOurs = "x86_64-linux";
    const std::string* const system = HUSK_TRY(TextMember(spec, "system"));
    if (system != nullptr && *system != kOurs)
        return Refuse("it is for " + Quoted(*system) + ", and husk runs " + std::string(kOurs));
    BootEntry entry;
    entry.kernel = HUSK_TRY(NeededPath(spec, "kernel"));
    if (std::string initrd = HUSK_TRY(PathMember(spec, "initrd")); !initrd.empty())
        entry.initrds.push_back(std::move(initrd));
    entry.initrd_secrets = HUSK_TRY(PathMember(spec, "initrdSecrets"));
    entry.command_line = HUSK_TRY(ReadCommandLine(spec));
    const std::string* const label = HUSK_TRY(TextMember(spec, "label"));
    if (label != nullptr) entry.label = menu_text::Clean(*label, boot_limits::kText);
    return entry;
}

Result<BootEntry> ReadSpecialisation(const std::string& name, const json& document) {
    if (name.empty() || name.size() > boot_limits::kText || !menu_text::IsClean(name))
        return Refuse("its name cannot be typed");
    if (!document.is_object()) return Refuse("it is not an object");
    const json* const spec = HUSK_TRY(ObjectMember(document, kSystem));
    if (spec == nullptr) return Refuse("it has no " + Quoted(kSystem));
    BootEntry entry = HUSK_TRY(ReadEntry(*spec));
    entry.id = name;
    entry.specialisation = name;
    entry.title = menu_text::Clean("NixOS (" + name + ")", boot_limits::kText);
    return entry;
}

}  // namespace

Result<BootMenu> ParseBootspec(std::string_view text) {
    if (text.size() > boot_limits::kTextFile)
        return Refuse("it is longer than " + std::to_string(boot_limits::kTextFile) + " bytes");
    if (IsTooDeep(text)) return Refuse("it is nested more than " + std::to_string(kDepth) + " deep");
    const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (document.is_discarded()) return Refuse("it is not JSON");
    if (!document.is_object()) return Refuse("it is not an object");
    const json* const system = HUSK_TRY(ObjectMember(document, kSystem));
    if (system == nullptr) return Refuse("it has no " + Quoted(kSystem) + ", the first version of Bootspec");
    BootMenu menu;
    BootEntry entry = HUSK_TRY(ReadEntry(*system));
    entry.id = "system";
    entry.title = "NixOS";
    AddEntry(menu, std::move(entry));
    menu.default_entry = 0;
    const json* const specialisations = HUSK_TRY(ObjectMember(document, kSpecialisations));
    if (specialisations == nullptr) return menu;
    for (const auto& [name, specialisation] : specialisations->items()) {
        Result<BootEntry> special = ReadSpecialisation(name, specialisation);
        if (special) {
            AddEntry(menu, std::move(*special));
        } else {
            AddNote(menu, "the specialisation " + Quoted(name) + " was left out: " + special.error().Message());
        }
    }
    return menu;
}

}  // namespace husk
