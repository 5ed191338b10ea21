// The console role: holds the user's terminal (or pty, socket, file) and the console rings. It moves bytes between them
// and puts the terminal back as it was, even when the launcher is killed.
#pragma once

namespace husk {

// The main of a process started as this role; never returns.
[[noreturn]] void RunConsoleRole();

}  // namespace husk
