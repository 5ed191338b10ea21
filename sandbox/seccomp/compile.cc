#include "sandbox/seccomp/compile.h"

#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "vmm/base/scoped_fd.h"

namespace husk {
namespace {

struct Release {
    void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

constexpr unsigned kKnowsKillProcess = 3;  // libseccomp's level of what a kernel can do
constexpr unsigned kByPriority = 1;        // a list in the order of priorities, not a search tree
constexpr std::uint8_t kFirst = 255;

Result<> Check(int outcome, const std::string& what) {
    if (outcome < 0) return FailOs("libseccomp: " + what, -outcome);
    return {};
}

Result<> AddRule(const Context& context, const SyscallRule& rule) {
    std::vector<scmp_arg_cmp> comparisons;
    for (const ArgumentCheck& check : rule.Checks()) {
        comparisons.push_back({check.argument, SCMP_CMP_EQ, check.value, 0});
    }
    return Check(::seccomp_rule_add_exact_array(context.get(), SCMP_ACT_ALLOW, rule.call.number,
                                                static_cast<unsigned>(comparisons.size()), comparisons.data()),
                 "cannot add a rule for " + std::string(rule.call.name));
}

// libseccomp 2.5 exports to a descriptor only.
Result<std::vector<sock_filter>> Export(const Context& context) {
    const ScopedFd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) return FailOs("cannot create a file in memory");
    HUSK_TRY(Check(::seccomp_export_bpf(context.get(), file.Get()), "cannot export"));
    struct stat status{};
    if (::fstat(file.Get(), &status) != 0) return FailOs("cannot inspect a file in memory");
    std::vector<sock_filter> program(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
    if (::pread(file.Get(), program.data(), program.size() * sizeof(sock_filter), 0) != status.st_size) {
        return Fail("cannot read the program back");
    }
    return program;
}

}  // namespace

Result<std::vector<sock_filter>> CompileFilter(const ThreadTable& table) {
    // Whatever the kernel of the building machine can do.
    HUSK_TRY(Check(::seccomp_api_set(kKnowsKillProcess), "too old"));
    const Context context(::seccomp_init(SCMP_ACT_TRAP));
    if (!context) return Fail("libseccomp: cannot start");
    HUSK_TRY(Check(::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
                   "cannot set the action for other architectures"));
    HUSK_TRY(Check(::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, kByPriority), "cannot set the order"));
    for (const SyscallRule& rule : table.Rules()) HUSK_TRY(AddRule(context, rule));
    if (!table.Rules().empty()) {
        HUSK_TRY(Check(::seccomp_syscall_priority(context.get(), table.Rules().front().call.number, kFirst),
                       "cannot put a system call first"));
    }
    return Export(context);
}

}  // namespace husk
