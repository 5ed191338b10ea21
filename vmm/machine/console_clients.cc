#include "vmm/machine/console_clients.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "vmm/roles/mailbox.h"

namespace husk {

ConsoleClients::ConsoleClients(const ConsoleEndpoint& console, const std::vector<UnixListener>& ports) {
    if (console.listener) places_.push_back({.listener = console.listener->Fd(), .client = {}});
    if (console.opened) places_.push_back({.listener = console.opened.Get(), .pty = true, .client = {}});
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
    if (place.pty) {
        std::array<std::byte, 4096> events;  // what they are is known
        (void)!::read(place.listener, events.data(), events.size());
        // A role that is not ready yet is told when it is.
        if (console != nullptr) OfferMessage(*console, PtyOpened{});
        return;
    }
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
    // It may have been opened while nobody was told.
    if (place.pty) OfferMessage(console, PtyOpened{});
    if (place.client) (void)SendMessage(console, Client{.port = place.port}, place.client.Get());
}

}  // namespace husk
