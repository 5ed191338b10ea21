// Which namespaces the host gives, on hosts that refuse some: played by the sysctls of a user namespace around the
// test.
#include "sandbox/process/namespaces.h"

#include <net/if.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/process/host_layers.h"
#include "sandbox/process/vfork_child.h"
#include "tests/unit/sandbox_child.h"

namespace husk {
namespace {

class Namespaces : public testing::TestWithParam<Identity> {};
INSTANTIATE_TEST_SUITE_P(Users, Namespaces, testing::Values(Identity::kRunner, Identity::kOrdinaryUser), IdentityName);

// What a child with these namespaces finds; 255 without a child.
int ExitStatusWith(LayerSet namespaces, int (*body)(void*), void* argument = nullptr) {
    const pid_t pid = RunVforkChild(body, argument, CloneFlags(namespaces));
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return 255;
    return WEXITSTATUS(status);
}

TEST_P(Namespaces, AllAreThereOnAHostThatAllowsThem) {
    InChild(GetParam(), [] {
        const NamespaceFindings found = ProbeNamespaces(kNamespaceLayers);
        EXPECT_EQ(found.available, kNamespaceLayers);
        EXPECT_TRUE(found.absent.empty());
    });
}

TEST_P(Namespaces, OneThatIsForbiddenIsAbsentAndTheSysctlNamed) {
    InChild(GetParam(), [] {
        LimitNamespaces("net", 0);
        const NamespaceFindings found = ProbeNamespaces(kNamespaceLayers);
        EXPECT_EQ(found.available, kNamespaceLayers.Without({Layer::kNetNs}));
        ASSERT_EQ(found.absent.size(), 1U);
        EXPECT_EQ(found.absent[0].layer, Layer::kNetNs);
        EXPECT_EQ(found.absent[0].why, "the sysctl user.max_net_namespaces is 0");
        EXPECT_NE(found.absent[0].how_to_get.find("sysctl user.max_net_namespaces"), std::string::npos);
    });
}

TEST_P(Namespaces, OneThatIsForbiddenIsNotUsedUp) {
    InChild(GetParam(), [] {
        LimitNamespaces("net", 0);
        const NamespaceFindings found = ProbeNamespaces({Layer::kUserNs, Layer::kNetNs});
        ASSERT_EQ(found.absent.size(), 1U);
        EXPECT_FALSE(found.absent[0].used_up);
    });
}

TEST_P(Namespaces, OneWhoseNumberIsUsedUpIsToldFromOneThatIsForbidden) {
    InChild(GetParam(), [] {
        LimitNamespaces("net", 1);
        ASSERT_EQ(ErrnoOf(::unshare(CLONE_NEWNET)), 0);  // the only one
        const NamespaceFindings found = ProbeNamespaces({Layer::kUserNs, Layer::kNetNs});
        ASSERT_EQ(found.absent.size(), 1U);
        EXPECT_EQ(found.absent[0].layer, Layer::kNetNs);
        EXPECT_TRUE(found.absent[0].used_up);
        EXPECT_NE(found.absent[0].why.find("here or in an enclosing namespace"), std::string::npos);
        EXPECT_EQ(found.absent[0].how_to_get, "raise it: sysctl user.max_net_namespaces=1024");
    });
}

TEST_P(Namespaces, WithPrivilegesTheOthersDoNotNeedAUserNamespace) {
    InChild(GetParam(), [] {
        LimitNamespaces("user", 0);
        const NamespaceFindings found = ProbeNamespaces(kNamespaceLayers);
        EXPECT_EQ(found.available, kNamespaceLayers.Without({Layer::kUserNs}));
        ASSERT_EQ(found.absent.size(), 1U);
        EXPECT_EQ(found.absent[0].why, "the sysctl user.max_user_namespaces is 0");
    });
}

TEST(NamespacesOfAnOrdinaryUser, AreNoneWithoutAUserNamespace) {
    InChild(Identity::kOrdinaryUser, [] {
        const NamespaceFindings found = ProbeNamespaces({Layer::kPidNs, Layer::kNetNs});
        EXPECT_TRUE(found.available.Empty());
        ASSERT_EQ(found.absent.size(), 2U);
        EXPECT_NE(found.absent[0].how_to_get.find("user-ns"), std::string::npos);
    });
}

TEST_P(Namespaces, TheNetworkOfAChildHasNothingButLoopback) {
    const auto only_loopback = [](void*) {
        std::array<char, IF_NAMESIZE> name{};
        const bool loopback = ::if_indextoname(1, name.data()) != nullptr && std::string_view(name.data()) == "lo";
        return loopback && ::if_indextoname(2, name.data()) == nullptr ? 0 : 1;
    };
    InChild(GetParam(), [&] { EXPECT_EQ(ExitStatusWith({Layer::kUserNs, Layer::kNetNs}, only_loopback), 0); });
}

TEST_P(Namespaces, AHostNameSetInAChildIsSeenOutsideOnlyWithoutTheLayer) {
    const auto rename = [](void*) { return ErrnoOf(::sethostname("renamed", 7)); };
    const auto name = [] {
        std::array<char, 65> buffer{};
        ::gethostname(buffer.data(), buffer.size());
        return std::string(buffer.data());
    };
    InChild(GetParam(), [&] {
        ASSERT_EQ(ErrnoOf(::unshare(CLONE_NEWUSER | CLONE_NEWUTS)), 0);  // the host's name stays what it is
        const std::string before = name();
        EXPECT_EQ(ExitStatusWith({Layer::kUtsNs}, rename), 0);
        EXPECT_EQ(name(), before);
        EXPECT_EQ(ExitStatusWith({}, rename), 0);
        EXPECT_EQ(name(), "renamed");
    });
}

TEST_P(Namespaces, AChildOfItsOwnPidNamespaceCannotSeeThisProcess) {
    static pid_t outsider;
    const auto signal = [](void*) { return ErrnoOf(::kill(outsider, 0)); };
    InChild(GetParam(), [&] {
        outsider = ::getpid();
        EXPECT_EQ(ExitStatusWith({Layer::kUserNs, Layer::kPidNs}, signal), ESRCH);
        EXPECT_EQ(ExitStatusWith({Layer::kUserNs}, signal), 0);
    });
}

TEST(HostLayers, ListsEveryLayerOnceButMsrFilter) {
    std::vector<Layer> layers;
    for (const LayerState& state : InspectLayers()) layers.push_back(state.layer);
    EXPECT_TRUE(std::ranges::equal(layers, std::span(kAllLayers).first(kAllLayers.size() - 1)));
}

TEST(HostLayers, TakesWhatTheCallerKnowsBetter) {
    const auto states = InspectLayers({{Layer::kMsrFilter, false, "KVM has none", "use Linux 5.10"},
                                       {Layer::kSELinux, true, "enforcing, as the caller says", ""}});
    ASSERT_EQ(states.size(), kAllLayers.size());
    EXPECT_EQ(states.back().how_to_get, "use Linux 5.10");
    EXPECT_TRUE(PresentLayers(states).Has(Layer::kSELinux));
    EXPECT_FALSE(PresentLayers(states).Has(Layer::kMsrFilter));
}

TEST_P(Namespaces, AnAbsentOneIsReportedWithTheWayToGetIt) {
    InChild(GetParam(), [] {
        LimitNamespaces("ipc", 0);
        const auto states = InspectLayers();
        const auto ipc = std::ranges::find(states, Layer::kIpcNs, &LayerState::layer);
        ASSERT_NE(ipc, states.end());
        EXPECT_FALSE(ipc->present);
        EXPECT_EQ(ipc->detail, "the sysctl user.max_ipc_namespaces is 0");
        EXPECT_FALSE(ipc->how_to_get.empty());
    });
}

}  // namespace
}  // namespace husk
