#include "sandbox/selinux/preflight.h"

#include <utility>

#include "sandbox/selinux/domain_choice.h"

namespace husk {
namespace {

std::string TypeOf(const std::string& context) {
    const auto parsed = SecurityContext::Parse(context);
    return parsed ? parsed->type : context;
}

// What is denied, as people look it up in a policy: "user_t has not process { transition } on svirt_t".
std::string Denial(const std::string& source, const std::string& target, const char* object_class,
                   const char* permission) {
    return "SELinux: " + TypeOf(source) + " has no permission { " + permission + " } on " + TypeOf(target) + " (" +
           object_class + ")";
}

constexpr const char* kModuleGivesIt = "; husk's policy module (sandbox/selinux/policy) gives it";

class Questions {
 public:
    Questions(const PreflightQuestion& question, const SelinuxHost& host)
        : question_(question), host_(host), target_(question.target.ToString()) {}

    // The sentence says what it would mean and what gives the permission.
    Result<> Need(const std::string& source, const std::string& target, const char* object_class,
                  const char* permission, const std::string& sentence) {
        const AccessAnswer answer = HUSK_TRY(host_.Ask(source, target, object_class, permission));
        if (answer.allowed) return {};
        std::string refusal = Denial(source, target, object_class, permission) + ", so " + sentence;
        if (question_.enforcing && !answer.permissive_source) {
            return Fail(ErrorKind::kConfinement, std::move(refusal));
        }
        warnings_.push_back(
            std::move(refusal) + " (reported only: " +
            (question_.enforcing ? TypeOf(source) + " is a permissive domain" : std::string("SELinux is permissive")) +
            ")");
        return {};
    }

    // The policy's levels can refuse a transition that its types allow: asked again without the pair.
    Result<> NeedTransition() {
        const auto pair = SecurityRange::Parse(question_.target.range);
        const std::string level = pair ? SecurityLevel{pair->low.sensitivity, {}}.ToString() : "";
        const auto plain =
            host_.Ask(question_.launcher, question_.target.WithRange(level).ToString(), "process", "transition");
        const auto launcher = SecurityContext::Parse(question_.launcher);
        const auto own = launcher ? SecurityRange::Parse(launcher->range) : std::nullopt;
        const bool within = !pair || !own || own->high.Dominates(pair->high);
        std::string sentence = "husk cannot start its roles in that domain";
        if (!plain || !plain->allowed) {
            sentence += kModuleGivesIt;
            sentence += ", or --selinux-type names a domain that may be entered";
        }
        if (!within) {
            sentence += "; husk's own range " + launcher->range + " does not contain the VM's categories " +
                        question_.target.range + ", and a range such as s0-s0:c0.c1023 (semanage login -m -r) does";
        }
        return Need(question_.launcher, target_, "process", "transition", sentence);
    }

    Result<> NeedEntry() {
        const std::string& type = question_.target.type;
        const std::string& program = question_.program;
        std::string label = "TYPE";
        if (type == kOwnDomain) label = kOwnEntryType;
        if (type == "svirt_t") label = "qemu_exec_t";
        HUSK_TRY(Need(target_, question_.binary, "file", "entrypoint",
                      program + " cannot enter that domain; label it as " +
                          (label == "TYPE" ? "a type that is an entry point of " + type : label) +
                          ": semanage fcontext -a -t " + label + " " + program + ", then restorecon " + program));
        return Need(question_.launcher, question_.binary, "file", "execute",
                    "husk cannot execute " + question_.program + " again for its roles");
    }

    // The exec takes no new domain under either without a permission of its own.
    Result<> NeedDespiteRestrictions() {
        if (host_.NoNewPrivileges()) {
            HUSK_TRY(Need(question_.launcher, target_, "process2", "nnp_transition",
                          "no domain can be entered from under no_new_privs; start husk without it (in a systemd unit, "
                          "NoNewPrivileges=no)"));
        }
        if (question_.nosuid) {
            HUSK_TRY(Need(question_.launcher, target_, "process2", "nosuid_transition",
                          "no domain can be entered by " + question_.program +
                              ", which lies on a nosuid mount; install it elsewhere"));
        }
        return {};
    }

    Result<> NeedHelp() {
        const std::string& launcher = question_.launcher;
        HUSK_TRY(Need(launcher, launcher, "process", "setexec", "husk cannot choose the domain of its roles"));
        HUSK_TRY(Need(launcher, launcher, "process", "setsockcreate", "husk cannot label the sockets of its roles"));
        HUSK_TRY(Need(launcher, target_, "unix_stream_socket", "create",
                      std::string("husk cannot create the sockets of its roles") + kModuleGivesIt));
        return Need(target_, launcher, "fd", "use",
                    std::string("the kernel would take every descriptor from the roles") + kModuleGivesIt);
    }

    // Not a refusal, but nobody should believe it confines.
    Result<> LookForPermissiveTarget() {
        const AccessAnswer answer = HUSK_TRY(host_.Ask(target_, target_, "process", "fork"));
        if (answer.permissive_source) {
            warnings_.push_back("SELinux: " + question_.target.type +
                                " is a permissive domain: what it must not do is reported, not stopped");
        }
        return {};
    }

    std::vector<std::string> TakeWarnings() { return std::move(warnings_); }

 private:
    const PreflightQuestion& question_;
    const SelinuxHost& host_;
    std::string target_;
    std::vector<std::string> warnings_;
};

}  // namespace

Result<std::vector<std::string>> Preflight(const PreflightQuestion& question, const SelinuxHost& host) {
    const std::string target = question.target.ToString();
    if (!host.IsValid(target)) {
        return Fail(ErrorKind::kConfinement,
                    "SELinux: the policy does not allow the context " + target +
                        ": it lacks the type, or does not let this user and role have the type or these categories");
    }
    Questions questions(question, host);
    HUSK_TRY(questions.NeedTransition());
    HUSK_TRY(questions.NeedEntry());
    HUSK_TRY(questions.NeedDespiteRestrictions());
    HUSK_TRY(questions.NeedHelp());
    HUSK_TRY(questions.LookForPermissiveTarget());
    std::vector<std::string> warnings = questions.TakeWarnings();
    if (!question.enforcing) {
        warnings.emplace_back("SELinux is permissive: what roles must not do is reported, not stopped");
    }
    return warnings;
}

}  // namespace husk
