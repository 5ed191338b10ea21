// Typed sending and receiving over a Channel.
#pragma once

#include "vmm/roles/channel.h"
#include "vmm/roles/messages.h"

namespace husk {

template <typename M>
[[nodiscard]] Result<> SendMessage(const Channel& channel, const M& message, int fd = -1) {
    return channel.Send(MessageBuffer::Encode(message).Bytes(), fd);
}

// For a message that only says "look": when it is dropped, many like it wait to be read.
template <typename M>
void OfferMessage(const Channel& channel, const M& message) {
    (void)channel.Offer(MessageBuffer::Encode(message).Bytes());
}

struct Mail {
    MessageBuffer message;
    ScopedFd fd;
    [[nodiscard]] bool PeerGone() const { return message.size == 0; }
};

[[nodiscard]] inline Result<Mail> ReceiveMail(const Channel& channel) {
    Mail mail;
    auto received = HUSK_TRY(channel.Receive(mail.message.bytes));
    mail.message.size = received.size;
    mail.fd = std::move(received.fd);
    return mail;
}

// The same two for sealed roles: no allocation, no descriptors. Posting to a peer that is gone is no error: the
// launcher sees that too, and ends the VM.
template <typename M>
void PostMessage(const Channel& channel, const M& message) {
    channel.Post(MessageBuffer::Encode(message).Bytes());
}
// Size 0: the peer is gone.
[[nodiscard]] inline MessageBuffer TakeMessage(const Channel& channel) {
    MessageBuffer message;
    message.size = channel.Take(message.bytes);
    return message;
}

// Waits for a message of type M; anything else is an error.
template <typename M>
[[nodiscard]] Result<std::pair<M, ScopedFd>> Expect(const Channel& channel) {
    Mail mail = HUSK_TRY(ReceiveMail(channel));
    if (mail.PeerGone()) return Fail("the other role is gone");
    const auto message = mail.message.As<M>();
    if (!message) return Fail("the other role sent something unexpected");
    return std::pair(*message, std::move(mail.fd));
}

}  // namespace husk
