#include "devices/virtio/console/control_queues.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "vmm/base/bytes.h"

namespace husk {
namespace {

// The header of a message, which may lie in several buffers; what follows it is not for us.
std::optional<ControlMessage> HeaderOf(std::span<const iovec> buffers) {
    std::array<std::byte, sizeof(ControlMessage)> header{};
    std::size_t have = 0;
    for (const iovec& buffer : buffers) {
        const std::size_t count = std::min(buffer.iov_len, header.size() - have);
        std::memcpy(header.data() + have, buffer.iov_base, count);
        have += count;
    }
    if (have < header.size()) return std::nullopt;
    return LoadAt<ControlMessage>(header, 0);
}

}  // namespace

ControlQueues::ControlQueues(ConsoleSession& session, std::span<PortQueues> ports,
                             std::span<const std::string_view> names)
    : session_(session),
      queues_(ports.first(std::min(ports.size(), 1 + names.size()))),
      names_(names.first(queues_.size() - 1)) {}

std::optional<QueueFault> ControlQueues::Open(const GuestMemory& memory, const QueueConfig& receive,
                                              const QueueConfig& transmit, std::uint64_t features) {
    for (const auto& [config, queue] : {std::pair(&receive, &receive_), std::pair(&transmit, &transmit_)}) {
        if (config->size == 0) continue;
        auto created = SplitQueue::Create(memory, *config, features);
        if (!created) return created.error();
        queue->emplace(std::move(*created));
    }
    return std::nullopt;
}

void ControlQueues::Close() {
    receive_.reset();
    transmit_.reset();
    batch_open_ = false;
    for (Port& port : ports_) port = {.host_open = port.host_open};
}

void ControlQueues::SetHostOpen(std::size_t port, bool open) {
    if (port == 0 || port >= queues_.size()) return;
    ports_[port].host_open = open;
    if (!open && ports_[port].told_open) ports_[port].close_due = true;
}

void ControlQueues::SetWindow(console_config::Window window) {
    window_ = window;
    ports_[0].size_due = ports_[0].ready;
}

void ControlQueues::Serve() {
    TakeMessages();
    SendDue();
    if (!std::exchange(batch_open_, false)) return;
    bool wanted = receive_ && receive_->Publish();
    wanted = (transmit_ && transmit_->Publish()) || wanted;
    session_.stats.batches.Add();
    if (wanted) session_.Interrupt();
}

bool ControlQueues::Sleep() {
    if (!session_.live) return true;
    const bool message = transmit_ && transmit_->EnableNotify();
    const bool room = receive_ && AnyDue() && receive_->EnableNotify();
    return !message && !room;
}

// --- From the driver

void ControlQueues::TakeMessages() {
    if (!session_.live || !transmit_) return;
    transmit_->DisableNotify();
    for (int popped = 0; popped < ConsoleSession::kChainsPerCall; ++popped) {
        auto chain = session_.Pop(*transmit_, buffers_);
        if (!chain) return;
        const auto message = HeaderOf(chain->Readable());
        transmit_->Push(std::move(*chain), 0);
        batch_open_ = true;
        if (message) Handle(*message);
    }
}

void ControlQueues::Handle(const ControlMessage& message) {
    const bool yes = message.value != 0;
    if (message.event == static_cast<std::uint16_t>(ControlEvent::kDeviceReady)) {
        for (std::size_t index = 0; index < queues_.size(); ++index) ports_[index].add_due = yes;
        return;
    }
    if (message.port >= queues_.size()) return;
    Port& port = ports_[message.port];
    switch (static_cast<ControlEvent>(message.event)) {
        case ControlEvent::kPortReady:
            port = {.host_open = port.host_open, .ready = yes};
            port.console_due = yes && message.port == 0;
            port.name_due = yes && message.port != 0;
            port.size_due = yes && message.port == 0 && window_;
            return;
        case ControlEvent::kPortOpen:
            queues_[message.port].SetGuestOpen(yes);
            return;
        default:
            return;
    }
}

// --- To the driver

bool ControlQueues::IsDue(const Port& port) const {
    return port.add_due || port.console_due || port.name_due || port.size_due || port.close_due ||
           (port.ready && port.host_open != port.told_open);
}

bool ControlQueues::AnyDue() const {
    return std::ranges::any_of(ports_, [this](const Port& port) { return IsDue(port); });
}

void ControlQueues::SendDue() {
    if (!session_.live || !receive_) return;
    receive_->DisableNotify();
    for (std::size_t index = 0; index < queues_.size(); ++index) {
        // A copy, put back when there is no buffer for the message.
        for (Port before = ports_[index]; IsDue(before); before = ports_[index]) {
            if (Send(TakeDue(index))) continue;
            ports_[index] = before;
            return;
        }
    }
}

// The order matters to Linux: a port before anything of it, its name before somebody looks for it by that.
ControlQueues::Outgoing ControlQueues::TakeDue(std::size_t index) {
    Port& port = ports_[index];
    Outgoing out;
    const auto put = [&out](std::span<const std::byte> bytes) {
        std::ranges::copy(bytes, out.bytes.begin() + static_cast<std::ptrdiff_t>(out.size));
        out.size += bytes.size();
    };
    const auto begin = [&](ControlEvent event, bool value) {
        put(BytesOf(ControlMessage{.port = static_cast<std::uint32_t>(index),
                                   .event = static_cast<std::uint16_t>(event),
                                   .value = static_cast<std::uint16_t>(value ? 1 : 0)}));
    };
    if (std::exchange(port.add_due, false)) {
        begin(ControlEvent::kPortAdd, true);
    } else if (std::exchange(port.console_due, false)) {
        begin(ControlEvent::kConsolePort, true);
    } else if (std::exchange(port.name_due, false)) {
        begin(ControlEvent::kPortName, true);
        const std::string_view name = names_[index - 1];
        put(std::as_bytes(std::span(name.substr(0, console_config::kMaxPortName))));
    } else if (std::exchange(port.size_due, false)) {
        begin(ControlEvent::kResize, true);
        put(BytesOf(ControlSize{.cols = window_->cols, .rows = window_->rows}));
    } else {
        port.told_open = !std::exchange(port.close_due, false) && port.host_open;
        begin(ControlEvent::kPortOpen, port.told_open);
    }
    return out;
}

bool ControlQueues::Send(const Outgoing& message) {
    auto chain = session_.Pop(*receive_, buffers_);
    if (!chain) return false;
    std::size_t written = 0;
    for (const iovec& buffer : chain->Writable()) {
        const std::size_t count = std::min(buffer.iov_len, message.size - written);
        std::memcpy(buffer.iov_base, message.bytes.data() + written, count);
        written += count;
    }
    receive_->Push(std::move(*chain), static_cast<std::uint32_t>(written));
    batch_open_ = true;
    if (written < message.size) session_.Break(QueueFault::kNoRoomForAnswer);
    return written == message.size;
}

}  // namespace husk
