// Which domain the roles get, and what the policy's files of virtual contexts may hold.
#include <gtest/gtest.h>

#include "sandbox/selinux/domain_choice.h"
#include "tests/unit/selinux_fake_host.h"

namespace husk {
namespace {

DomainQuestion Question() {
    return {.launcher = "staff_u:staff_r:staff_t:s0-s0:c0.c1023",
            .binary = "system_u:object_r:microvm_exec_t:s0",
            .range = "s0:c1,c2",
            .type = {}};
}

std::string Chosen(const DomainQuestion& question, const SelinuxHost& host) {
    const auto choice = ChooseDomain(question, host);
    return choice ? choice->context.ToString() : choice.error().Message();
}

TEST(DomainChoice, IsThePolicysDomainForVirtualMachines) {
    const FakeSelinuxHost host;
    EXPECT_EQ(Chosen(Question(), host), "system_u:system_r:svirt_t:s0:c1,c2");
    EXPECT_EQ(ChooseDomain(Question(), host)->reason, "the policy's domain for virtual machines");
}

TEST(DomainChoice, IsHusksOwnDomainWhereTheBinaryMayEnterIt) {
    FakeSelinuxHost host;
    host.known_types.insert("microvm_t");
    EXPECT_EQ(Chosen(Question(), host), "system_u:system_r:microvm_t:s0:c1,c2");
    host.denied.insert("microvm_t microvm_exec_t file entrypoint");
    EXPECT_EQ(Chosen(Question(), host), "system_u:system_r:svirt_t:s0:c1,c2");
}

TEST(DomainChoice, TypeOfTheUserComesFirst) {
    FakeSelinuxHost host;
    host.known_types.insert("microvm_t");
    DomainQuestion question = Question();
    question.type = "other_t";
    EXPECT_EQ(Chosen(question, host), "system_u:system_r:other_t:s0:c1,c2");
    EXPECT_EQ(ChooseDomain(question, host)->reason, "named by --selinux-type");
}

TEST(DomainChoice, TypeThatIsNoNameIsRefused) {
    for (const char* bad : {"", "a b", "svirt_t:s0", "svirt_t\n"}) {
        DomainQuestion question = Question();
        question.type = bad;
        const auto choice = ChooseDomain(question, FakeSelinuxHost());
        ASSERT_FALSE(choice);
        EXPECT_EQ(choice.error().Kind(), ErrorKind::kUsage);
        EXPECT_EQ(choice.error().Message(), "--selinux-type: \"" + std::string(bad) + "\" is not the name of a type");
    }
}

TEST(DomainChoice, KeepsTheLaunchersUserWhereThePolicyDoesNotLetItChange) {
    FakeSelinuxHost host;
    host.denied_users = {"system_u"};
    EXPECT_EQ(Chosen(Question(), host), "staff_u:system_r:svirt_t:s0:c1,c2");
}

TEST(DomainChoice, NamesThePolicysOwnIdentityWhenNoneWorks) {
    FakeSelinuxHost host;
    host.denied = {"staff_t svirt_t process transition"};
    EXPECT_EQ(Chosen(Question(), host), "system_u:system_r:svirt_t:s0:c1,c2");
}

TEST(DomainChoice, FilesThatHoldNoContextsAreRefused) {
    FakeSelinuxHost host;
    host.domain_file = "# comment\n";
    EXPECT_EQ(Chosen(Question(), host), "SELinux: the policy's file of virtual domain contexts is not valid");
    host.image_file = "system_u:object_r:svirt_image_t:s0\n";
    EXPECT_EQ(ReadImageContexts(host).error().Message(),
              "SELinux: the policy's file of virtual image contexts is not valid");
}

TEST(DomainChoice, BlankLinesAndMissingNewlinesDoNotMatter) {
    const auto images = ParseImageContexts("\nsystem_u:object_r:a_t:s0  \r\n\nsystem_u:object_r:b_t:s0");
    ASSERT_TRUE(images);
    EXPECT_EQ(images->read_write.type, "a_t");
    EXPECT_EQ(images->read_only.type, "b_t");
    EXPECT_EQ(ParseDomainContexts("u:r:t")->range, "");
}

}  // namespace
}  // namespace husk
