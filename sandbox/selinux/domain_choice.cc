#include "sandbox/selinux/domain_choice.h"

#include <array>
#include <utility>
#include <vector>

namespace husk {
namespace {

// The contexts at the beginnings of the lines of `text`, up to `most`; blank lines do not count.
std::vector<SecurityContext> ParseLines(std::string_view text, std::size_t most) {
    std::vector<SecurityContext> contexts;
    while (!text.empty() && contexts.size() < most) {
        const std::size_t newline = text.find('\n');
        std::string_view line = text.substr(0, newline);
        text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
        while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
            line.remove_suffix(1);
        }
        if (line.empty()) continue;
        auto context = SecurityContext::Parse(line);
        if (!context) break;
        contexts.push_back(std::move(*context));
    }
    return contexts;
}

bool MayEnter(const std::string& launcher, const std::string& target, const SelinuxHost& host) {
    const auto answer = host.Ask(launcher, target, "process", "transition");
    return host.IsValid(target) && answer && answer->allowed;
}

// Policies tie changes of the SELinux user to some domains: the first of these that works, else the policy's own.
SecurityContext ChooseIdentity(const SecurityContext& base, const DomainQuestion& question, const SelinuxHost& host) {
    const auto launcher = SecurityContext::Parse(question.launcher);
    if (!launcher) return base;
    const std::array<std::pair<std::string, std::string>, 3> identities{
        {{base.user, base.role}, {launcher->user, base.role}, {launcher->user, launcher->role}}};
    for (const auto& [user, role] : identities) {
        const SecurityContext candidate{user, role, base.type, base.range};
        if (MayEnter(question.launcher, candidate.ToString(), host)) return candidate;
    }
    return base;
}

bool OwnDomainIsInstalled(const SecurityContext& own, const DomainQuestion& question, const SelinuxHost& host) {
    if (!host.IsValid(own.ToString())) return false;
    const auto entry = host.Ask(own.ToString(), question.binary, "file", "entrypoint");
    return entry && entry->allowed;
}

}  // namespace

std::optional<SecurityContext> ParseDomainContexts(std::string_view text) {
    auto lines = ParseLines(text, 1);
    if (lines.empty()) return std::nullopt;
    return std::move(lines[0]);
}

std::optional<ImageContexts> ParseImageContexts(std::string_view text) {
    auto lines = ParseLines(text, 2);
    if (lines.size() < 2) return std::nullopt;
    return ImageContexts{std::move(lines[0]), std::move(lines[1])};
}

Result<ImageContexts> ReadImageContexts(const SelinuxHost& host) {
    auto images = ParseImageContexts(HUSK_TRY(host.VirtualImageContexts()));
    if (!images)
        return Fail(ErrorKind::kConfinement, "SELinux: the policy's file of virtual image contexts is not valid");
    return std::move(*images);
}

Result<DomainChoice> ChooseDomain(const DomainQuestion& question, const SelinuxHost& host) {
    auto base = ParseDomainContexts(HUSK_TRY(host.VirtualDomainContexts()));
    if (!base) {
        return Fail(ErrorKind::kConfinement, "SELinux: the policy's file of virtual domain contexts is not valid");
    }
    SecurityContext chosen = base->WithRange(question.range);
    std::string reason = "the policy's domain for virtual machines";
    if (question.type) {
        chosen.type = *question.type;
        reason = "named by --selinux-type";
        if (!SecurityContext::Parse(chosen.ToString()) || chosen.type.contains(':')) {
            return Fail(ErrorKind::kUsage, "--selinux-type: \"" + *question.type + "\" is not the name of a type");
        }
    } else {
        SecurityContext own = chosen;
        own.type = kOwnDomain;
        if (OwnDomainIsInstalled(own, question, host)) {
            chosen = std::move(own);
            reason = "husk's own domain; its policy module is installed and husk's binary may enter it";
        }
    }
    return DomainChoice{ChooseIdentity(chosen, question, host), std::move(reason)};
}

}  // namespace husk
