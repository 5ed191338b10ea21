// A virtio-console driver without an operating system, in 32-bit protected mode, that takes MULTIPORT. It says on the
// serial port what the device tells it ("port 1 is agent", "window 80x24", "port 1: client", "port 1: nobody"), opens
// port 1 and sends back there what comes, until a piece begins with "Q": then it powers off. With "break" on its
// command line it makes a head available twice instead, and prints "needs reset" when Status says so.
#include "driver.h"

namespace {

constexpr u32 kConsoleDevice = 3;
constexpr u16 kQueueSize = 8;
constexpr u32 kBuffer = 4096;

// §5.3.6.2
enum Event : u16 {
    kDeviceReady = 0,
    kPortAdd = 1,
    kPortReady = 3,
    kConsolePort = 4,
    kResize = 5,
    kPortOpen = 6,
    kPortName = 7,
};
struct Control {
    u32 port;
    u16 event, value;
    union {
        struct {
            u16 cols, rows;
        } size;
        char name[64];
    };
};
constexpr u32 kControlHeader = 8;

// One queue, its buffers used in their order.
struct Queue {
    alignas(16) Descriptor descriptors[kQueueSize];
    alignas(4) volatile struct {
        u16 flags, index, ring[kQueueSize], event;
    } available;
    alignas(4) volatile struct {
        u16 flags, index;
        struct {
            u32 id, length;
        } ring[kQueueSize];
        u16 event;
    } used;
    u8 buffers[kQueueSize][kBuffer];
    u16 number, taken;

    void Start(u16 index) {
        number = index;
        Write(kQueueSel, index);
        Write(kQueueSizeAt, kQueueSize);
        Write(kQueueDesc, AddressOf(descriptors));
        Write(kQueueDriver, AddressOf(&available));
        Write(kQueueDevice, AddressOf(&used));
        Write(kQueueReady, 1);
    }
    void Offer(u16 slot, u32 length, u16 flags) {
        descriptors[slot] = {AddressOf(buffers[slot]), length, flags, 0};
        available.ring[available.index % kQueueSize] = slot;
        asm volatile("" ::: "memory");
        available.index = static_cast<u16>(available.index + 1);
    }
    void OfferRoom() {
        for (u16 slot = 0; slot < kQueueSize; ++slot) Offer(slot, kBuffer, 2);
    }
    void Ring() { Write(kQueueNotify, number); }
    // The next buffer that came back, or none.
    bool Take(u16& slot, u32& length) {
        if (used.index == taken) return false;
        slot = static_cast<u16>(used.ring[taken % kQueueSize].id);
        length = used.ring[taken % kQueueSize].length;
        ++taken;
        return true;
    }
    // Sends what is in a buffer, and waits until it was taken.
    void Send(u16 slot, u32 length) {
        Offer(slot, length, 0);
        Ring();
        u32 none;
        while (!Take(slot, none)) asm volatile("pause" ::: "memory");
    }
};

Queue console_in, console_out, control_in, control_out, port_in, port_out;

void Tell(u32 port, Event event, u16 value) {
    Control& control = *reinterpret_cast<Control*>(control_out.buffers[0]);
    control.port = port;
    control.event = event;
    control.value = value;
    control_out.Send(0, kControlHeader);
}

void Hear(const Control& control, u32 length) {
    if (control.event == kPortAdd) return Tell(control.port, kPortReady, 1);
    if (control.event == kResize) {
        Print("window ");
        PrintNumber(control.size.cols);
        Print("x");
        PrintNumber(control.size.rows);
        return Print("\n");
    }
    Print("port ");
    PrintNumber(control.port);
    if (control.event == kConsolePort) Print(" is the console");
    if (control.event == kPortOpen) Print(control.value != 0 ? ": client" : ": nobody");
    if (control.event == kPortName) {
        Print(" is ");
        for (u32 at = 0; at + kControlHeader < length; ++at) PrintCharacter(control.name[at]);
    }
    Print("\n");
    if (control.event == kPortName && control.port == 1) Tell(1, kPortOpen, 1);
}

void Start() {
    Write(kStatus, 0);
    Write(kStatus, 1);
    Write(kStatus, 3);
    Write(kDriverFeaturesSel, 0);
    Write(kDriverFeatures, 3);  // SIZE, MULTIPORT
    Write(kDriverFeaturesSel, 1);
    Write(kDriverFeatures, 1);  // VERSION_1
    Write(kStatus, 11);
    if (Read(kStatus) != 11) Print("features refused\n");
    u16 number = 0;
    Queue* const queues[] = {&console_in, &console_out, &control_in, &control_out, &port_in, &port_out};
    for (Queue* queue : queues) {
        queue->Start(number++);
    }
    Write(kStatus, 15);
    control_in.OfferRoom();
    control_in.Ring();
    port_in.OfferRoom();
    port_in.Ring();
}

[[noreturn]] void Break() {
    control_out.Offer(0, kControlHeader, 0);
    control_out.available.index = static_cast<u16>(control_out.available.index + kQueueSize + 1);
    control_out.Ring();
    while ((Read(kStatus) & kNeedsReset) == 0) asm volatile("pause" ::: "memory");
    Print("needs reset\n");
    PowerOff();
}

[[noreturn]] void Serve() {
    Tell(0xffffffff, kDeviceReady, 1);
    while (true) {
        u16 slot = 0;
        u32 length = 0;
        if (control_in.Take(slot, length)) {
            Hear(*reinterpret_cast<Control*>(control_in.buffers[slot]), length);
            control_in.Offer(slot, kBuffer, 2);
            control_in.Ring();
        }
        if (port_in.Take(slot, length)) {
            for (u32 at = 0; at < length; ++at) port_out.buffers[0][at] = port_in.buffers[slot][at];
            port_in.Offer(slot, kBuffer, 2);
            port_in.Ring();
            port_out.Send(0, length);
            if (port_out.buffers[0][0] == 'Q') PowerOff();
        }
        asm volatile("pause" ::: "memory");
    }
}

}  // namespace

extern "C" [[noreturn]] void GuestMain(u32 start_info) {
    ReadCommandLine(start_info);
    if (!FindDevice(kConsoleDevice)) PowerOff();
    Start();
    if (Is("break")) Break();
    Serve();
}
