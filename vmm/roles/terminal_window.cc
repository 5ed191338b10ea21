#include "vmm/roles/terminal_window.h"

#include <sys/ioctl.h>

#include <utility>

#include "vmm/base/syscalls.h"

namespace husk {
namespace {

std::optional<TerminalWindow::Window> SizeOf(std::span<const int> descriptors) {
    for (const int fd : descriptors) {
        winsize size{};
        if (RawIoctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
            return TerminalWindow::Window{.cols = size.ws_col, .rows = size.ws_row};
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<TerminalWindow::Window> TerminalWindow::Look(std::span<const int> descriptors) {
    if (!std::exchange(may_differ_, false)) return std::nullopt;
    const auto size = SizeOf(descriptors);
    if (!size || size == (due_ ? due_ : told_)) return std::nullopt;
    due_ = size;
    return size;
}

TerminalWindow::Window TerminalWindow::Tell() {
    told_ = std::exchange(due_, std::nullopt);
    return *told_;
}

void TerminalWindow::TellAgain() {
    if (!due_) due_ = told_;
}

}  // namespace husk
