// ConsoleClients: who is connected to the VM's sockets, that of the console and those of the named ports: one client
// at a time for each, who stays while the guest reboots. The launcher's side: it accepts, and hands the connection to
// the console role of the life that runs. It tells that one, too, when somebody opens the console's pseudo-terminal.
#pragma once

#include <poll.h>

#include <cstdint>
#include <vector>

#include "devices/host/console_endpoint.h"
#include "devices/host/unix_listener.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/roles/channel.h"

namespace husk {

class ConsoleClients {
 public:
    // `ports`: in their order. Both outlive this.
    ConsoleClients(const ConsoleEndpoint& console, const std::vector<UnixListener>& ports);

    [[nodiscard]] std::size_t Count() const { return places_.size(); }
    // What to wait for at place `index`: a next client, when there is none.
    [[nodiscard]] pollfd Waiting(std::size_t index) const;
    // Somebody knocks. `console`: the role's channel, null while there is none that is ready.
    void Accept(std::size_t index, const Channel* console);
    // The console role of a new life is ready.
    void Introduce(const Channel& console) const;
    // The client of the console (0) or of a port, counted from 1, has left. May be any number.
    void Gone(std::uint32_t port);

 private:
    struct Place {
        std::uint32_t port = 0;
        int listener = -1;
        bool pty = false;  // the listener tells of openings, and there are no connections
        ScopedFd client;
    };
    static void Send(const Place& place, const Channel& console);

    std::vector<Place> places_;
};

}  // namespace husk
