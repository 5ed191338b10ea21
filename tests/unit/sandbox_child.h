// Test bodies that confine themselves: each runs in a child of its own, as whoever runs the tests or as an ordinary
// user.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

namespace husk {

enum class Identity { kRunner, kOrdinaryUser };

inline std::string IdentityName(const testing::TestParamInfo<Identity>& info) {
    return info.param == Identity::kRunner ? "AsRunner" : "AsOrdinaryUser";
}

inline void Become(Identity identity) {
    constexpr unsigned kNobody = 65534;
    if (identity == Identity::kRunner || ::geteuid() != 0) return;
    ASSERT_EQ(::setgroups(0, nullptr), 0);
    ASSERT_EQ(::setresgid(kNobody, kNobody, kNobody), 0);
    ASSERT_EQ(::setresuid(kNobody, kNobody, kNobody), 0);
    ASSERT_EQ(::prctl(PR_SET_DUMPABLE, 1), 0);  // as it would be for a process of that user from its start
}

inline void WriteFile(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text << std::flush;
    ASSERT_TRUE(file.good()) << path;
}

// In a user namespace of its own, with all capabilities there, and no more than `limit` namespaces of a kind ("net")
// below it: what a host's sysctl does to everybody.
inline void LimitNamespaces(const std::string& kind, int limit) {
    const std::string user = std::to_string(::geteuid());
    ASSERT_EQ(::unshare(CLONE_NEWUSER), 0);
    WriteFile("/proc/self/uid_map", "0 " + user + " 1");  // the unmapped may not create user namespaces
    WriteFile("/proc/self/setgroups", "deny");
    WriteFile("/proc/self/gid_map", "0 " + user + " 1");
    WriteFile("/proc/sys/user/max_" + kind + "_namespaces", std::to_string(limit));
}

// Expectations in `body` count as the test's own.
template <typename Body>
void InChild(Identity identity, Body body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        Become(identity);
        if (!testing::Test::HasFailure()) body();
        std::fflush(nullptr);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "the child failed";
}

// What a system call's result says: 0 or the errno.
template <typename Number>
[[nodiscard]] int ErrnoOf(Number result) {
    return result >= 0 ? 0 : errno;
}

}  // namespace husk
