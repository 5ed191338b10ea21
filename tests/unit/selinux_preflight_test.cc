// What the policy refuses, in words: which permission, between which types, and what gives it.
#include <gtest/gtest.h>

#include "sandbox/selinux/preflight.h"
#include "tests/unit/selinux_fake_host.h"

namespace husk {
namespace {

PreflightQuestion Question() {
    return {.launcher = "staff_u:staff_r:staff_t:s0-s0:c0.c1023",
            .target = SecurityContext::Parse("system_u:system_r:svirt_t:s0:c1,c2").value(),
            .program = "/usr/bin/husk",
            .binary = "system_u:object_r:bin_t:s0"};
}

std::string Refusal(const SelinuxHost& host, const PreflightQuestion& question = Question()) {
    const auto answer = Preflight(question, host);
    EXPECT_EQ(answer ? ErrorKind::kConfinement : answer.error().Kind(), ErrorKind::kConfinement);
    return answer ? "" : answer.error().Message();
}

FakeSelinuxHost& Denying(FakeSelinuxHost& host, const char* rule) {
    host.denied = {rule};
    return host;
}

TEST(Preflight, PassesInSilenceWherePolicyAllowsAll) {
    const auto warnings = Preflight(Question(), FakeSelinuxHost());
    ASSERT_TRUE(warnings);
    EXPECT_TRUE(warnings->empty());
}

TEST(Preflight, UnknownContextIsRefused) {
    FakeSelinuxHost host;
    host.known_types.erase("svirt_t");
    EXPECT_EQ(
        Refusal(host),
        "SELinux: the policy does not allow the context system_u:system_r:svirt_t:s0:c1,c2: it lacks the type, or "
        "does not let this user and role have the type or these categories");
}

TEST(Preflight, MissingTransitionNamesTheModule) {
    FakeSelinuxHost host;
    EXPECT_EQ(
        Refusal(Denying(host, "staff_t svirt_t process transition")),
        "SELinux: staff_t has no permission { transition } on svirt_t (process), so husk cannot start its roles in "
        "that domain; husk's policy module (sandbox/selinux/policy) gives it, or --selinux-type names a domain that "
        "may be entered");
}

TEST(Preflight, LauncherWithoutCategoriesIsToldOfRanges) {
    FakeSelinuxHost host;
    host.range_confines = true;
    PreflightQuestion question = Question();
    question.launcher = "user_u:user_r:user_t:s0";
    EXPECT_EQ(
        Refusal(host, question),
        "SELinux: user_t has no permission { transition } on svirt_t (process), so husk cannot start its roles in "
        "that domain; husk's own range s0 does not contain the VM's categories s0:c1,c2, and a range such as "
        "s0-s0:c0.c1023 (semanage login -m -r) does");
}

TEST(Preflight, MissingEntryPointNamesTheLabel) {
    FakeSelinuxHost host;
    EXPECT_EQ(Refusal(Denying(host, "svirt_t bin_t file entrypoint")),
              "SELinux: svirt_t has no permission { entrypoint } on bin_t (file), so /usr/bin/husk cannot enter that "
              "domain; label it as qemu_exec_t: semanage fcontext -a -t qemu_exec_t /usr/bin/husk, then restorecon "
              "/usr/bin/husk");
}

TEST(Preflight, EveryOtherPermissionHasItsSentence) {
    FakeSelinuxHost host;
    EXPECT_EQ(
        Refusal(Denying(host, "staff_t bin_t file execute")),
        "SELinux: staff_t has no permission { execute } on bin_t (file), so husk cannot execute /usr/bin/husk again "
        "for its roles");
    EXPECT_EQ(
        Refusal(Denying(host, "staff_t staff_t process setexec")),
        "SELinux: staff_t has no permission { setexec } on staff_t (process), so husk cannot choose the domain of "
        "its roles");
    EXPECT_EQ(Refusal(Denying(host, "staff_t staff_t process setsockcreate")),
              "SELinux: staff_t has no permission { setsockcreate } on staff_t (process), so husk cannot label the "
              "sockets of its roles");
    EXPECT_EQ(
        Refusal(Denying(host, "staff_t svirt_t unix_stream_socket create")),
        "SELinux: staff_t has no permission { create } on svirt_t (unix_stream_socket), so husk cannot create the "
        "sockets of its roles; husk's policy module (sandbox/selinux/policy) gives it");
    EXPECT_EQ(
        Refusal(Denying(host, "svirt_t staff_t fd use")),
        "SELinux: svirt_t has no permission { use } on staff_t (fd), so the kernel would take every descriptor from "
        "the roles; husk's policy module (sandbox/selinux/policy) gives it");
}

TEST(Preflight, NoNewPrivilegesBeforeTheStartMattersOnlyWithoutItsPermission) {
    FakeSelinuxHost host;
    host.no_new_privs = true;
    EXPECT_EQ(Refusal(host), "");
    EXPECT_EQ(
        Refusal(Denying(host, "staff_t svirt_t process2 nnp_transition")),
        "SELinux: staff_t has no permission { nnp_transition } on svirt_t (process2), so no domain can be entered "
        "from under no_new_privs; start husk without it (in a systemd unit, NoNewPrivileges=no)");
    host.no_new_privs = false;
    EXPECT_EQ(Refusal(host), "");
}

TEST(Preflight, NosuidMountMattersOnlyWithoutItsPermission) {
    FakeSelinuxHost host;
    Denying(host, "staff_t svirt_t process2 nosuid_transition");
    EXPECT_EQ(Refusal(host), "");
    PreflightQuestion question = Question();
    question.nosuid = true;
    EXPECT_EQ(
        Refusal(host, question),
        "SELinux: staff_t has no permission { nosuid_transition } on svirt_t (process2), so no domain can be entered "
        "by /usr/bin/husk, which lies on a nosuid mount; install it elsewhere");
}

TEST(Preflight, PermissiveHostWarnsInsteadOfRefusing) {
    FakeSelinuxHost host;
    Denying(host, "svirt_t bin_t file entrypoint");
    PreflightQuestion question = Question();
    question.enforcing = false;
    const auto warnings = Preflight(question, host);
    ASSERT_TRUE(warnings);
    ASSERT_EQ(warnings->size(), 2U);
    EXPECT_TRUE((*warnings)[0].ends_with(" (reported only: SELinux is permissive)")) << (*warnings)[0];
    EXPECT_EQ((*warnings)[1], "SELinux is permissive: what roles must not do is reported, not stopped");
}

TEST(Preflight, PermissiveDomainIsSaid) {
    FakeSelinuxHost host;
    host.permissive_domains = {"svirt_t"};
    const auto warnings = Preflight(Question(), host);
    ASSERT_TRUE(warnings);
    EXPECT_EQ(*warnings, std::vector<std::string>{"SELinux: svirt_t is a permissive domain: what it must not do is "
                                                  "reported, not stopped"});
}

TEST(Preflight, DenialToAPermissiveLauncherIsAWarning) {
    FakeSelinuxHost host;
    host.permissive_domains = {"staff_t"};
    const auto warnings = Preflight(Question(), Denying(host, "staff_t bin_t file execute"));
    ASSERT_TRUE(warnings);
    ASSERT_EQ(warnings->size(), 1U);
    EXPECT_TRUE((*warnings)[0].ends_with(" (reported only: staff_t is a permissive domain)")) << (*warnings)[0];
}

}  // namespace
}  // namespace husk
