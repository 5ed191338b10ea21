// SELinux contexts and ranges as text: what is one, what is not, and that no text whatsoever does harm.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "sandbox/selinux/context.h"

namespace husk {
namespace {

TEST(SecurityContext, PartsComeBackAsTheyWere) {
    const auto context = SecurityContext::Parse("system_u:system_r:svirt_t:s0:c1,c2");
    ASSERT_TRUE(context);
    EXPECT_EQ(context->user, "system_u");
    EXPECT_EQ(context->role, "system_r");
    EXPECT_EQ(context->type, "svirt_t");
    EXPECT_EQ(context->range, "s0:c1,c2");
    EXPECT_EQ(context->ToString(), "system_u:system_r:svirt_t:s0:c1,c2");
    EXPECT_EQ(context->WithRange("s0").ToString(), "system_u:system_r:svirt_t:s0");
}

TEST(SecurityContext, PolicyWithoutLevelsHasNoRange) {
    const auto context = SecurityContext::Parse("system_u:object_r:bin_t");
    ASSERT_TRUE(context);
    EXPECT_EQ(context->range, "");
    EXPECT_TRUE(context->Categories().none());
    EXPECT_EQ(context->ToString(), "system_u:object_r:bin_t");
}

TEST(SecurityContext, OtherTextIsRefused) {
    for (const char* text : {"",
                             ":",
                             "::",
                             ":::",
                             "unconfined",
                             "a:b",
                             "a:b:",
                             "a::c",
                             ":b:c",
                             "a:b:c:",
                             "a:b:c:s",
                             "a:b:c:s0:",
                             "a:b:c:x0",
                             "a:b:c:s0:c",
                             "a:b:c:s0:c1,",
                             "a:b:c:s0:,c1",
                             "a:b:c:s0:c1024",
                             "a:b:c:s0:c2.c1",
                             "a:b:c:s0:c01",
                             "a:b:c:s0:c-1",
                             "a:b:c:s0:c99999999999",
                             "a:b:c:s0-",
                             "a:b:c:s0:c1-s0",
                             "a:b:c:s1-s0",
                             "a b:c:d",
                             "a:b:c:s0\n",
                             "a:b:c\nd:s0",
                             "/usr/bin/man (enforce)",
                             "a:b:c:s0:c1:c2"}) {
        EXPECT_FALSE(SecurityContext::Parse(text)) << text;
    }
    EXPECT_FALSE(SecurityContext::Parse("a:b:" + std::string(kMaxContextLength, 'c')));
}

TEST(SecurityLevel, IsWrittenAsTheKernelWritesIt) {
    for (const char* text : {"s0", "s0:c5", "s0:c1,c2", "s0:c1.c3", "s3:c0.c1023", "s0:c1,c3,c5.c7,c9,c10,c1023"}) {
        const auto level = SecurityLevel::Parse(text);
        ASSERT_TRUE(level) << text;
        EXPECT_EQ(level->ToString(), text);
    }
}

TEST(SecurityRange, DominatesWhatItContains) {
    const auto all = SecurityRange::Parse("s0-s0:c0.c1023");
    const auto some = SecurityRange::Parse("s0:c1.c3");
    const auto pair = SecurityRange::Parse("s0:c1,c3");
    const auto none = SecurityRange::Parse("s0");
    ASSERT_TRUE(all && some && pair && none);
    EXPECT_TRUE(all->high.Dominates(pair->high));
    EXPECT_TRUE(some->high.Dominates(pair->high));
    EXPECT_TRUE(pair->high.Dominates(none->high));
    EXPECT_FALSE(none->high.Dominates(pair->high));
    EXPECT_FALSE(all->low.Dominates(pair->high));
    EXPECT_FALSE(pair->high.Dominates(some->high));
    EXPECT_FALSE(pair->high.Dominates(SecurityRange::Parse("s1:c1,c3")->high));
}

TEST(SecurityContext, RandomTextIsEitherRefusedOrWrittenBackUnchanged) {
    std::mt19937 random(1);
    const std::string alphabet = "sc0123:::,.--_u\n% \xff";
    std::size_t accepted = 0;
    for (int round = 0; round < 200000; ++round) {
        std::string text = round % 2 == 0 ? "" : "u:r:t:s0:c";
        for (std::size_t length = random() % 12; length > 0; --length) text += alphabet[random() % alphabet.size()];
        const auto context = SecurityContext::Parse(text);
        accepted += context.has_value();
        EXPECT_EQ(context.value_or(SecurityContext{text, "", "", ""}).ToString().substr(0, text.size()), text);
    }
    EXPECT_GT(accepted, 1000U);  // or the test would look at nothing
}

}  // namespace
}  // namespace husk
