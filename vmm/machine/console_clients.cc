#include "vmm/machine/console_clients.h"

#include <sys/socket.h>

#include "vmm/roles/mailbox.h"

namespace husk {

ConsoleClients::ConsoleClients(const UnixListener* console, const std::vector<UnixListener>& ports) {
    if (console != nullptr) places_.push_back({.port = 0, .listener = console->Fd(), .client = {}});
    std::uint32_t number = 1;
    for (const UnixListener& port : ports) {
        places_.push_back({.port = number++, .listener = port.Fd(), .client = {}});
    }
}

pollfd ConsoleClients::Waiting(std::size_t index) const {
    const Place& place = places_[index];
    return {place.client ? -1 : place.listener, POLLIN, 0};
}

void ConsoleClients::Accept(std::size_t index, const Channel* console) {
    Place& place = places_[index];
    place.client.Reset(::accept4(place.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (console != nullptr) Send(place, *console);
}

void ConsoleClients::Introduce(const Channel& console) const {
    for (const Place& place : places_) Send(place, console);
}

void ConsoleClients::Gone(std::uint32_t port) {
    for (Place& place : places_) {
        if (place.port == port) place.client.Reset();
    }
}

void ConsoleClients::Send(const Place& place, const Channel& console) {
    if (place.client) (void)SendMessage(console, Client{.port = place.port}, place.client.Get());
}

}  // namespace husk
