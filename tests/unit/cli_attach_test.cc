// husk console: who waits at a socket.
#include <gtest/gtest.h>

#include "vmm/cli/attach.h"

namespace husk {
namespace {

constexpr std::string_view kProcNetUnix =
    "Num       RefCount Protocol Flags    Type St Inode Path\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 42801 /run/vm/one\n"
    "0000000000000000: 00000002 00000000 00000000 0001 02     0 /run/vm/one\n"
    "0000000000000000: 00000003 00000000 00000000 0001 03 40010 /run/vm/one\n"
    "0000000000000000: 00000002 00000000 00010000 0001 01 42803 /run/vm/two\n"
    "0000000000000000: 00000003 00000000 00000000 0001 03 40012 /run/vm/two\n"
    "0000000000000000: 00000003 00000000 00000000 0001 02 40013\n";

TEST(SomebodyWaitsAt, ConnectionThatIsNotAcceptedWaits) {
    EXPECT_TRUE(SomebodyWaitsAt("/run/vm/one", kProcNetUnix));
    EXPECT_FALSE(SomebodyWaitsAt("/run/vm/two", kProcNetUnix));
}

TEST(SomebodyWaitsAt, OnlyTheWholePathIsIt) {
    EXPECT_FALSE(SomebodyWaitsAt("one", kProcNetUnix));
    EXPECT_FALSE(SomebodyWaitsAt("/run/vm/on", kProcNetUnix));
    EXPECT_FALSE(SomebodyWaitsAt("", kProcNetUnix));
    EXPECT_FALSE(SomebodyWaitsAt("/run/vm/one", ""));
}

}  // namespace
}  // namespace husk
