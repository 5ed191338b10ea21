// What the launcher tells the console role of who comes to the console's pseudo-terminal.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "vmm/machine/console_clients.h"
#include "vmm/roles/mailbox.h"

namespace husk {
namespace {

// A pipe stands for the watch on the pseudo-terminal.
struct PtyClients {
    PtyClients() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        console.opened.Reset(ends[0]);
        opener.Reset(ends[1]);
        clients.emplace(console, std::vector<UnixListener>{});
        EXPECT_EQ(::fcntl(role.second.Fd(), F_SETFL, O_NONBLOCK), 0);
    }
    void Open() const { EXPECT_EQ(::write(opener.Get(), "x", 1), 1); }
    // How often the role is told.
    int Told() const {
        int told = 0;
        for (auto mail = ReceiveMail(role.second); mail && mail->message.As<PtyOpened>(); ++told) {
            mail = ReceiveMail(role.second);
        }
        return told;
    }

    ConsoleEndpoint console;
    ScopedFd opener;
    std::optional<ConsoleClients> clients;
    std::pair<Channel, Channel> role = Channel::CreatePair().value();
};

TEST(ConsoleClients, RoleThatIsReadyIsToldOfAnOpening) {
    PtyClients pty;
    pty.Open();
    pty.clients->Accept(0, &pty.role.first);
    EXPECT_EQ(pty.Told(), 1);
}

TEST(ConsoleClients, RoleIsToldOfAnOpeningBeforeItWasReady) {
    PtyClients pty;
    pty.Open();
    pty.clients->Accept(0, nullptr);
    EXPECT_EQ(pty.Told(), 0);
    pty.clients->Introduce(pty.role.first);
    EXPECT_EQ(pty.Told(), 1);
}

TEST(ConsoleClients, RoleThatReadsNothingDoesNotHoldUpTheLauncher) {
    PtyClients pty;
    for (int opening = 0; opening < 1000; ++opening) {
        pty.Open();
        pty.clients->Accept(0, &pty.role.first);  // would block for ever
    }
    EXPECT_GE(pty.Told(), 1);
}

}  // namespace
}  // namespace husk
