#include "sandbox/process/namespaces.h"

#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>

#include "sandbox/process/vfork_child.h"
#include "vmm/base/whole_file.h"

namespace husk {
namespace {

struct NamespaceFacts {
    Layer layer;
    int clone_flag;
    const char* limit_sysctl;
    const char* kernel_option;
};
constexpr std::array kNamespaces{
    NamespaceFacts{Layer::kUserNs, CLONE_NEWUSER, "user.max_user_namespaces", "CONFIG_USER_NS"},
    NamespaceFacts{Layer::kPidNs, CLONE_NEWPID, "user.max_pid_namespaces", "CONFIG_PID_NS"},
    NamespaceFacts{Layer::kNetNs, CLONE_NEWNET, "user.max_net_namespaces", "CONFIG_NET_NS"},
    NamespaceFacts{Layer::kIpcNs, CLONE_NEWIPC, "user.max_ipc_namespaces", "CONFIG_IPC_NS"},
    NamespaceFacts{Layer::kUtsNs, CLONE_NEWUTS, "user.max_uts_namespaces", "CONFIG_UTS_NS"},
    NamespaceFacts{Layer::kMountNs, CLONE_NEWNS, "user.max_mnt_namespaces", "CONFIG_NAMESPACES"},
};

std::optional<long> ReadSysctl(std::string name) {
    for (char& letter : name) {
        if (letter == '.') letter = '/';
    }
    const auto text = ReadWholeFile("/proc/sys/" + name);
    long value = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc()) {
        return std::nullopt;
    }
    return value;
}

// 0, or the errno with which the kernel refused.
int TryClone(int flags) {
    const pid_t pid = RunVforkChild([](void*) { return 0; }, nullptr, flags);
    if (pid < 0) return errno;
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return 0;
}

AbsentLayer ExplainLimit(const NamespaceFacts& facts) {
    const std::string sysctl = facts.limit_sysctl;
    const long limit = ReadSysctl(sysctl).value_or(1);  // unknown: used up is the safe side
    if (limit == 0) return {facts.layer, "the sysctl " + sysctl + " is 0", "raise it: sysctl " + sysctl + "=1024"};
    return {facts.layer,
            "all namespaces of this kind are in use (the sysctl " + sysctl +
                " limits them, here or in an enclosing namespace)",
            "raise it: sysctl " + sysctl + "=" + std::to_string(std::max(2 * limit, 1024L)), true};
}

AbsentLayer ExplainUserNs(int os_errno) {
    if (os_errno == EACCES) {
        return {Layer::kUserNs, "the SELinux policy refuses it",
                "give husk's domain the permission user_namespace { create }"};
    }
    if (ReadSysctl("kernel.unprivileged_userns_clone") == 0) {
        return {Layer::kUserNs, "the sysctl kernel.unprivileged_userns_clone is 0",
                "set it to 1: sysctl kernel.unprivileged_userns_clone=1"};
    }
    return {Layer::kUserNs, std::string("the kernel refuses it: ") + std::strerror(os_errno),
            "start husk outside of a chroot and of a container, or allow it in the security module"};
}

// `in_user_ns`: it was tried inside a fresh user namespace.
AbsentLayer ExplainOther(const NamespaceFacts& facts, int os_errno, bool in_user_ns) {
    if (!in_user_ns) {
        return {facts.layer, "an ordinary user can create it in a user namespace only, and there is none",
                "see user-ns, or start husk as root"};
    }
    if (ReadSysctl("kernel.apparmor_restrict_unprivileged_userns") == 1) {
        return {facts.layer, "AppArmor takes all privileges away from user namespaces",
                "set it free: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for husk "
                "with the rule userns"};
    }
    return {facts.layer, std::string("the kernel refuses it: ") + std::strerror(os_errno),
            "allow it in the security module or in the container that husk runs in"};
}

AbsentLayer Explain(const NamespaceFacts& facts, int os_errno, bool in_user_ns) {
    switch (os_errno) {
        case ENOSPC:
        case EUSERS:
            return ExplainLimit(facts);
        case EINVAL:
            return {facts.layer, std::string("the kernel is built without ") + facts.kernel_option,
                    "use a kernel that has it"};
        default:
            return facts.layer == Layer::kUserNs ? ExplainUserNs(os_errno) : ExplainOther(facts, os_errno, in_user_ns);
    }
}

}  // namespace

int CloneFlags(LayerSet layers) {
    int flags = 0;
    for (const NamespaceFacts& facts : kNamespaces) {
        if (layers.Has(facts.layer)) flags |= facts.clone_flag;
    }
    return flags;
}

NamespaceFindings ProbeNamespaces(LayerSet wanted) {
    NamespaceFindings findings;
    for (const NamespaceFacts& facts : kNamespaces) {  // the user namespace is the first
        if (!wanted.Has(facts.layer)) continue;
        const bool in_user_ns = findings.available.Has(Layer::kUserNs);
        const int os_errno = TryClone(facts.clone_flag | (in_user_ns ? CLONE_NEWUSER : 0));
        if (os_errno == 0) {
            findings.available.Add(facts.layer);
        } else {
            findings.absent.push_back(Explain(facts, os_errno, in_user_ns));
        }
    }
    return findings;
}

}  // namespace husk
