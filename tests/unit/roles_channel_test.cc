// The channel between roles, and the manifest of what a role was given.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/base/bytes.h"
#include "vmm/roles/channel.h"
#include "vmm/roles/manifest.h"

namespace husk {
namespace {

std::span<const std::byte> AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }
ScopedFd Open(const char* path, int flags = O_RDWR) { return ScopedFd(::open(path, flags | O_CLOEXEC)); }

// Two ends and a buffer to receive into.
struct Pair {
    Result<Channel::Received> Receive(std::size_t capacity = 64) {
        return theirs.Receive(std::span(buffer).first(capacity));
    }
    [[nodiscard]] std::string_view Text(std::size_t size) const {
        return {reinterpret_cast<const char*>(buffer.data()), size};
    }

    std::pair<Channel, Channel> ends = Channel::CreatePair().value();
    Channel& ours = ends.first;
    Channel& theirs = ends.second;
    std::array<std::byte, 64> buffer{};
};

TEST(Channel, LastWordsOfAPeerThatLeftMuchUnreadArrive) {
    Pair pair;
    ASSERT_TRUE(pair.theirs.Send(AsBytes("unread")));
    ASSERT_TRUE(pair.ours.Send(AsBytes("last")));
    ASSERT_TRUE(pair.ours.Send(AsBytes("words")));
    {
        const Channel gone = std::move(pair.ours);
    }
    EXPECT_EQ(pair.Text(pair.Receive()->size), "last");
    EXPECT_EQ(pair.Text(pair.theirs.Take(pair.buffer)), "words");
    EXPECT_EQ(pair.Receive()->size, 0u);
}

TEST(Channel, MessagesKeepTheirBorders) {
    Pair pair;
    ASSERT_TRUE(pair.ours.Send(AsBytes("one")));
    ASSERT_TRUE(pair.ours.Send(AsBytes("three")));
    EXPECT_EQ(pair.Text(pair.Receive()->size), "one");
    EXPECT_EQ(pair.Text(pair.Receive()->size), "three");
}

TEST(Channel, OffersToAPeerThatDoesNotReadEndAndLeaveRoomForMessages) {
    const auto ends = Channel::CreatePair().value();
    int offered = 0;
    while (offered < 10'000 && ends.first.Offer(AsBytes("look"))) ++offered;
    EXPECT_GT(offered, 10);
    EXPECT_LT(offered, 10'000);
    ASSERT_EQ(::fcntl(ends.first.Fd(), F_SETFL, O_NONBLOCK), 0);  // what would block fails
    for (int message = 0; message < 50; ++message) ASSERT_TRUE(ends.first.Send(AsBytes("end"))) << message;
}

TEST(Channel, OffersAreTakenAgainOnceThePeerHasRead) {
    Pair pair;
    while (pair.ours.Offer(AsBytes("look"))) {
    }
    ASSERT_EQ(::fcntl(pair.theirs.Fd(), F_SETFL, O_NONBLOCK), 0);
    while (pair.Receive()) {
    }
    EXPECT_TRUE(pair.ours.Offer(AsBytes("again")));
    EXPECT_EQ(pair.Text(pair.Receive()->size), "again");
}

TEST(Channel, DescriptorTravelsBesideTheMessage) {
    Pair pair;
    const ScopedFd sent(::memfd_create("husk-test", MFD_CLOEXEC));
    ASSERT_TRUE(pair.ours.Send(AsBytes("x"), sent.Get()));
    const auto received = pair.Receive();
    ASSERT_TRUE(received);
    struct stat before{}, after{};
    ASSERT_EQ(::fstat(sent.Get(), &before), 0);
    ASSERT_EQ(::fstat(received->fd.Get(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(::fcntl(received->fd.Get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(Channel, MessageWithoutDescriptorBringsNone) {
    Pair pair;
    ASSERT_TRUE(pair.ours.Send(AsBytes("x")));
    EXPECT_FALSE(pair.Receive()->fd);
}

TEST(Channel, MessageLongerThanTheBufferIsAnError) {
    Pair pair;
    ASSERT_TRUE(pair.ours.Send(AsBytes("12345")));
    const auto received = pair.Receive(4);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().Message(), "a role sent more than its messages hold");
}

TEST(Channel, PeerThatIsGoneReadsAsNothing) {
    Pair pair;
    {
        const Channel closed = std::move(pair.ours);
    }
    const auto received = pair.Receive();
    ASSERT_TRUE(received);
    EXPECT_EQ(received->size, 0u);
}

TEST(Channel, WhatThePeerSentBeforeItWentStillArrives) {
    Pair pair;
    ASSERT_TRUE(pair.ours.Send(AsBytes("last")));
    {
        const Channel closed = std::move(pair.ours);
    }
    EXPECT_EQ(pair.Text(pair.Receive()->size), "last");
    EXPECT_EQ(pair.Receive()->size, 0u);
}

TEST(Channel, SendingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
    Pair pair;
    {
        const Channel closed = std::move(pair.theirs);
    }
    EXPECT_FALSE(pair.ours.Send(AsBytes("x")));
}

std::size_t OpenDescriptors() {
    const auto list = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(list), end(list)));
}

void SendTwoDescriptors(const Channel& channel) {
    const std::array<int, 2> fds{0, 0};
    char byte = 'x';
    iovec data{&byte, 1};
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof fds)> control{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fds);
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
    EXPECT_EQ(::sendmsg(channel.Fd(), &header, 0), 1);
}

TEST(Channel, SecondDescriptorIsAnErrorAndLeavesNothingOpen) {
    Pair pair;
    const std::size_t before = OpenDescriptors();
    SendTwoDescriptors(pair.ours);
    EXPECT_FALSE(pair.Receive());
    EXPECT_EQ(OpenDescriptors(), before);
}

// --- The manifest ---

// A descriptor on a slot of its own, described as the launcher would.
struct Slot {
    explicit Slot(ScopedFd given) : fd(std::move(given)) {
        const std::array assignment{SlotAssignment{fd.Get(), fd.Get()}};
        manifest = DescribeSlots(assignment).value();
    }
    // What a policy does: the number stays, what is behind it does not.
    void Replace(const ScopedFd& other) const { EXPECT_EQ(::dup2(other.Get(), fd.Get()), fd.Get()); }

    ScopedFd fd;
    Manifest manifest;
};

TEST(Manifest, DescriptorsAsDescribedAreAccepted) {
    const Slot slot(Open("/dev/zero"));
    EXPECT_EQ(slot.manifest.count, 1u);
    EXPECT_TRUE(CheckManifest(slot.manifest));
}

TEST(Manifest, ReplacedDescriptorIsDetectedAndItsSlotNamed) {
    const Slot slot(Open("/dev/zero"));
    slot.Replace(Open("/dev/null"));
    const auto checked = CheckManifest(slot.manifest);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().Kind(), ErrorKind::kConfinement);
    EXPECT_TRUE(checked.error().Message().starts_with("descriptor " + std::to_string(slot.fd.Get()) + " "));
}

TEST(Manifest, OtherFileOfTheSameKindIsDetected) {
    const Slot slot(ScopedFd(::memfd_create("one", MFD_CLOEXEC)));
    slot.Replace(ScopedFd(::memfd_create("two", MFD_CLOEXEC)));
    EXPECT_FALSE(CheckManifest(slot.manifest));
}

TEST(Manifest, OtherAccessModeIsDetected) {
    const Slot slot(Open("/dev/zero", O_RDONLY));
    slot.Replace(Open("/dev/zero", O_RDWR));
    EXPECT_FALSE(CheckManifest(slot.manifest));
}

TEST(Manifest, MissingDescriptorIsDetected) {
    Slot slot(Open("/dev/zero"));
    slot.fd.Reset();
    EXPECT_FALSE(CheckManifest(slot.manifest));
}

TEST(Manifest, CountBeyondItsEntriesIsRefused) {
    Manifest manifest;
    manifest.count = 17;
    EXPECT_FALSE(CheckManifest(manifest));
    manifest.count = 0xffff'ffff;
    EXPECT_FALSE(CheckManifest(manifest));
}

TEST(Manifest, MoreDescriptorsThanItHoldsAreRefused) {
    const std::vector<SlotAssignment> slots(65, SlotAssignment{0, 3});
    EXPECT_FALSE(DescribeSlots(slots));
}

}  // namespace
}  // namespace husk
