#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <array>

#include "vmm/base/event_fd.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/roles/terminal_window.h"

namespace husk {
namespace {

using Window = TerminalWindow::Window;

class TerminalWindowTest : public testing::Test {
 protected:
    TerminalWindowTest() {
        int master = -1;
        int slave = -1;
        EXPECT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
        master_ = ScopedFd(master);
        slave_ = ScopedFd(slave);
    }

    void Resize(unsigned short cols, unsigned short rows) {
        const winsize size{.ws_row = rows, .ws_col = cols, .ws_xpixel = 0, .ws_ypixel = 0};
        ASSERT_EQ(::ioctl(master_.Get(), TIOCSWINSZ, &size), 0);
        window_.MayDiffer();
    }
    std::optional<Window> Look() { return window_.Look(std::array{slave_.Get()}); }

    ScopedFd master_;
    ScopedFd slave_;
    TerminalWindow window_;
};

TEST_F(TerminalWindowTest, UnknownSizeIsNotTold) {
    EXPECT_FALSE(Look());
    EXPECT_FALSE(window_.IsDue());
    window_.TellAgain();
    EXPECT_FALSE(window_.IsDue());
}

TEST_F(TerminalWindowTest, LooksOnlyWhenItMayDiffer) {
    Resize(80, 24);
    EXPECT_EQ(Look(), (Window{80, 24}));
    const winsize size{.ws_row = 43, .ws_col = 132, .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(::ioctl(master_.Get(), TIOCSWINSZ, &size), 0);
    EXPECT_FALSE(Look());
    window_.MayDiffer();
    EXPECT_EQ(Look(), (Window{132, 43}));
    EXPECT_EQ(window_.Tell(), (Window{132, 43}));
    EXPECT_FALSE(window_.IsDue());
}

TEST_F(TerminalWindowTest, SameSizeIsToldOnce) {
    Resize(80, 24);
    EXPECT_TRUE(Look());
    EXPECT_EQ(window_.Tell(), (Window{80, 24}));
    Resize(80, 24);
    EXPECT_FALSE(Look());
    EXPECT_FALSE(window_.IsDue());
}

TEST_F(TerminalWindowTest, SizeThatComesBackBeforeAnotherWasToldIsTheOneToTell) {
    Resize(80, 24);
    EXPECT_TRUE(Look());
    EXPECT_EQ(window_.Tell(), (Window{80, 24}));
    Resize(132, 43);
    EXPECT_TRUE(Look());
    Resize(80, 24);
    EXPECT_EQ(Look(), (Window{80, 24}));
    EXPECT_EQ(window_.Tell(), (Window{80, 24}));
}

TEST_F(TerminalWindowTest, NewDriverIsToldAgain) {
    Resize(80, 24);
    EXPECT_TRUE(Look());
    (void)window_.Tell();
    window_.TellAgain();
    ASSERT_TRUE(window_.IsDue());
    EXPECT_EQ(window_.Tell(), (Window{80, 24}));
}

TEST_F(TerminalWindowTest, FirstDescriptorThatKnowsCounts) {
    Resize(80, 24);
    const EventFd no_terminal = *EventFd::Create();
    EXPECT_EQ(window_.Look(std::array{no_terminal.Get(), slave_.Get()}), (Window{80, 24}));
}

}  // namespace
}  // namespace husk
