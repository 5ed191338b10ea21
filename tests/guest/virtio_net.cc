// A virtio-net driver without an operating system, in 32-bit protected mode; it is 10.9.0.2. Its command line says what
// it does with the first network card, as words one after another:
//   card       prints its address, link and MTU: "52:54:00:12:34:56 link 1 mtu 1500"
//   answer N   answers ARP requests and pings until it has answered N pings: "answered"
//   spoof      sends one frame from another address than its own, and one from its own: "sent"
//   size N     sends one frame of N bytes: "sent"
//   waitdown   waits until the link goes down: "link down"
//   break      makes a head available that is none; prints "needs reset" when Status says so
//   reboot     resets the machine
// and powers off.
#include "driver.h"

namespace {

constexpr u32 kNetDevice = 1;
constexpr u16 kQueueSize = 8;
constexpr u32 kReceive = 0, kTransmit = 1;
constexpr u32 kBufferBytes = 2048;
constexpr u32 kHeader = 12;

struct Available {
    u16 flags, index, ring[kQueueSize], event;
};
struct Used {
    u16 flags, index;
    struct {
        u32 id, length;
    } ring[kQueueSize];
    u16 event;
};
struct Queue {
    alignas(16) Descriptor descriptors[kQueueSize];
    alignas(4) volatile Available available;
    alignas(4) volatile Used used;
    u16 seen;
};
Queue queues[2];
u8 room[kQueueSize][kBufferBytes];
u8 out[kHeader + 65600];
u8 mac[6];

constexpr u8 kOwnAddress[4] = {10, 9, 0, 2};

void Copy(u8* to, const u8* from, u32 count) {
    for (u32 at = 0; at < count; ++at) to[at] = from[at];
}
bool Same(const u8* a, const u8* b, u32 count) {
    for (u32 at = 0; at < count; ++at) {
        if (a[at] != b[at]) return false;
    }
    return true;
}

u8 Config(u32 at) { return *reinterpret_cast<volatile u8*>(device + kConfig + at); }
u32 Link() { return Config(6); }

void MakeAvailable(u32 queue, u16 head) {
    volatile Available& available = queues[queue].available;
    available.ring[available.index % kQueueSize] = head;
    asm volatile("" ::: "memory");
    available.index = static_cast<u16>(available.index + 1);
    asm volatile("" ::: "memory");
    Write(kQueueNotify, queue);
}

void Start() {
    Write(kStatus, 0);
    Write(kStatus, 1);
    Write(kStatus, 3);
    Write(kDriverFeaturesSel, 0);
    Write(kDriverFeatures, 1 << 5 | 1 << 16);  // MAC, STATUS
    Write(kDriverFeaturesSel, 1);
    Write(kDriverFeatures, 1);  // VERSION_1
    Write(kStatus, 11);
    if (Read(kStatus) != 11) Print("features refused\n");
    for (u32 index = 0; index < 2; ++index) {
        Queue& queue = queues[index];
        queue.available.index = 0;
        queue.used.index = 0;
        queue.seen = 0;
        Write(kQueueSel, index);
        Write(kQueueSizeAt, kQueueSize);
        Write(kQueueDesc, AddressOf(queue.descriptors));
        Write(kQueueDriver, AddressOf(&queue.available));
        Write(kQueueDevice, AddressOf(&queue.used));
        Write(kQueueReady, 1);
    }
    Write(kStatus, 15);
    for (u16 head = 0; head < kQueueSize; ++head) {
        queues[kReceive].descriptors[head] = {AddressOf(room[head]), kBufferBytes, 2, 0};
        MakeAvailable(kReceive, head);
    }
    for (u32 at = 0; at < 6; ++at) mac[at] = Config(at);
}

// The frame at out + kHeader.
void Send(u32 bytes) {
    Queue& queue = queues[kTransmit];
    for (u32 at = 0; at < kHeader; ++at) out[at] = 0;
    queue.descriptors[0] = {AddressOf(out), kHeader + bytes, 0, 0};
    MakeAvailable(kTransmit, 0);
    while (queue.used.index != queue.available.index) asm volatile("pause" ::: "memory");
}

// Turns an ARP request or a ping around. True when it was a ping.
bool Answer(u8* frame, u32 bytes) {
    const bool arp = bytes >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 1;
    const bool ping = bytes >= 42 && frame[12] == 8 && frame[13] == 0 && frame[23] == 1 && frame[34] == 8;
    if (!(arp && Same(frame + 38, kOwnAddress, 4)) && !(ping && Same(frame + 30, kOwnAddress, 4))) return false;
    u8* const answer = out + kHeader;
    Copy(answer, frame, bytes);
    Copy(answer, frame + 6, 6);
    Copy(answer + 6, mac, 6);
    if (arp) {
        answer[21] = 2;
        Copy(answer + 22, mac, 6);
        Copy(answer + 28, kOwnAddress, 4);
        Copy(answer + 32, frame + 22, 10);
    } else {
        Copy(answer + 26, frame + 30, 4);
        Copy(answer + 30, frame + 26, 4);
        answer[34] = 0;
        // RFC 1624: the checksum after type 8 became 0.
        u32 sum = (static_cast<u32>(answer[36]) << 8 | answer[37]) + 0x0800;
        sum += sum >> 16;
        answer[36] = static_cast<u8>(sum >> 8);
        answer[37] = static_cast<u8>(sum);
    }
    Send(bytes);
    return ping;
}

void AnswerPings(u32 count) {
    Queue& queue = queues[kReceive];
    while (count > 0) {
        while (queue.seen == queue.used.index) asm volatile("pause" ::: "memory");
        const volatile auto& used = queue.used.ring[queue.seen % kQueueSize];
        const u16 head = static_cast<u16>(used.id);
        if (Answer(room[head] + kHeader, used.length - kHeader)) --count;
        queue.seen = static_cast<u16>(queue.seen + 1);
        MakeAvailable(kReceive, head);
    }
    Print("answered\n");
}

// A broadcast of an ARP request for 10.9.0.1, from `source`.
void SendFrom(const u8* source, u32 bytes) {
    static const u8 kRequest[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    static const u8 kTarget[] = {10, 9, 0, 1};
    u8* const frame = out + kHeader;
    for (u32 at = 0; at < bytes; ++at) frame[at] = at < 6 ? 0xff : 0;
    Copy(frame + 6, source, 6);
    Copy(frame + 12, kRequest, sizeof kRequest);
    Copy(frame + 22, source, 6);
    Copy(frame + 28, kOwnAddress, 4);
    Copy(frame + 38, kTarget, 4);
    Send(bytes);
}

void Spoof() {
    static const u8 kOther[] = {2, 0, 0, 0, 0, 0x77};
    SendFrom(kOther, 60);
    SendFrom(mac, 60);
    Print("sent\n");
}

void PrintHex(u8 byte) {
    const char text[] = {"0123456789abcdef"[byte / 16], "0123456789abcdef"[byte % 16], 0};
    Print(text);
}
void PrintCard() {
    for (u32 at = 0; at < 6; ++at) {
        if (at > 0) Print(":");
        PrintHex(mac[at]);
    }
    Print(" link ");
    PrintNumber(Link());
    Print(" mtu ");
    PrintNumber(static_cast<u32>(Config(10)) | static_cast<u32>(Config(11)) << 8);
    Print("\n");
}

void Break() {
    queues[kTransmit].available.ring[queues[kTransmit].available.index % kQueueSize] = 999;
    queues[kTransmit].available.index = static_cast<u16>(queues[kTransmit].available.index + 1);
    Write(kQueueNotify, kTransmit);
    while ((Read(kStatus) & kNeedsReset) == 0) asm volatile("pause" ::: "memory");
    Print("needs reset\n");
    Start();
}

}  // namespace

extern "C" [[noreturn]] void GuestMain(u32 start_info) {
    ReadCommandLine(start_info);
    if (!FindDevice(kNetDevice)) {
        Print("no card\n");
        PowerOff();
    }
    Start();
    while (*word != 0) {
        if (Is("card")) {
            PrintCard();
        } else if (Is("answer")) {
            AnswerPings(Number());
        } else if (Is("spoof")) {
            Spoof();
        } else if (Is("size")) {
            SendFrom(mac, Number());
            Print("sent\n");
        } else if (Is("waitdown")) {
            while (Link() != 0) asm volatile("pause" ::: "memory");
            Print("link down\n");
        } else if (Is("break")) {
            Break();
        } else if (Is("reboot")) {
            Print("reboot\n");
            while (true) Out(0x602, 0x42);
        } else {
            Print("what?\n");
            PowerOff();
        }
    }
    PowerOff();
}
