// A virtio-blk driver without an operating system, in 32-bit protected mode. Its command line says what it does with
// the first disk, as words one after another:
//   write      writes a pattern to sectors 0 to 7 and flushes
//   check      reads them back: "pattern ok" or "pattern bad"
//   status N   reads sector N and prints the status byte: "status S"
//   resets N   N times: starts the device, asks for a read and resets the device without waiting; then "resets done"
//   forever    reads sector 0 again and again, printing "." for each hundred
//   break      makes head 0 available twice at once; prints "needs reset" when Status says so
// and powers off.
#include "driver.h"

namespace {

constexpr u32 kBlockDevice = 2;
constexpr u16 kQueueSize = 8;

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
struct Header {
    u32 type, reserved;
    u64 sector;
};

alignas(16) Descriptor descriptors[kQueueSize];
alignas(4) volatile Available available;
alignas(4) volatile Used used;
Header header;
u8 data[4096];
volatile u8 status;

void Start() {
    Write(kStatus, 0);
    Write(kStatus, 1);
    Write(kStatus, 3);
    Write(kDriverFeaturesSel, 0);
    Write(kDriverFeatures, 1 << 9);  // FLUSH
    Write(kDriverFeaturesSel, 1);
    Write(kDriverFeatures, 1);  // VERSION_1
    Write(kStatus, 11);
    if (Read(kStatus) != 11) Print("features refused\n");
    available.index = 0;
    used.index = 0;
    Write(kQueueSel, 0);
    Write(kQueueSizeAt, kQueueSize);
    Write(kQueueDesc, AddressOf(descriptors));
    Write(kQueueDriver, AddressOf(&available));
    Write(kQueueDevice, AddressOf(&used));
    Write(kQueueReady, 1);
    Write(kStatus, 15);
}

constexpr u32 kIn = 0, kOut = 1, kFlush = 4;

void Submit(u32 type, u64 sector, u32 bytes) {
    header = {type, 0, sector};
    status = 0xff;
    const u16 direction = type == kIn ? 2 : 0;
    const u16 last = bytes > 0 ? 2 : 1;
    descriptors[0] = {AddressOf(&header), 16, 1, 1};
    if (bytes > 0) descriptors[1] = {AddressOf(data), bytes, static_cast<u16>(1 | direction), 2};
    descriptors[last] = {AddressOf(&status), 1, 2, 0};
    available.ring[available.index % kQueueSize] = 0;
    asm volatile("" ::: "memory");
    available.index = static_cast<u16>(available.index + 1);
    asm volatile("" ::: "memory");
    Write(kQueueNotify, 0);
}

u8 Request(u32 type, u64 sector, u32 bytes) {
    Submit(type, sector, bytes);
    while (used.index != available.index) asm volatile("pause" ::: "memory");
    return status;
}

u8 Pattern(u32 at) { return static_cast<u8>(at * 7 + (at >> 8)); }

void WritePattern() {
    for (u32 at = 0; at < sizeof data; ++at) data[at] = Pattern(at);
    const u8 written = Request(kOut, 0, sizeof data);
    const u8 flushed = Request(kFlush, 0, 0);
    Print(written == 0 && flushed == 0 ? "written\n" : "not written\n");
}
void CheckPattern() {
    for (u8& byte : data) byte = 0;
    bool same = Request(kIn, 0, sizeof data) == 0;
    for (u32 at = 0; at < sizeof data; ++at) same = same && data[at] == Pattern(at);
    Print(same ? "pattern ok\n" : "pattern bad\n");
}
void Break() {
    Submit(kIn, 0, 512);
    available.index = static_cast<u16>(available.index + kQueueSize + 1);
    Write(kQueueNotify, 0);
    while ((Read(kStatus) & kNeedsReset) == 0) asm volatile("pause" ::: "memory");
    Print("needs reset\n");
    Start();
}
void Resets(u32 count) {
    for (u32 i = 0; i < count; ++i) {
        Start();
        Submit(kIn, 0, sizeof data);
        Write(kStatus, 0);
    }
    Start();
    Print("resets done\n");
}
// The capacity, which changes while a driver looks at it: again until its generation stays (Virtio 1.2 §4.2.2.2).
u32 Capacity() {
    for (;;) {
        const u32 generation = Read(kConfigGeneration);
        const u32 capacity = Read(kConfig);
        if (Read(kConfigGeneration) == generation) return capacity;
    }
}
void AwaitGrowth(u32 from) {
    Print("waiting\n");
    while (Capacity() == from) asm volatile("pause" ::: "memory");
    Print("grown to ");
    PrintNumber(Capacity());
    Print("\n");
}
[[noreturn]] void Forever() {
    while (true) {
        for (u32 i = 0; i < 100; ++i) {
            if (Request(kIn, 0, 512) != 0) Print("!");
        }
        Print(".");
    }
}

}  // namespace

extern "C" [[noreturn]] void GuestMain(u32 start_info) {
    ReadCommandLine(start_info);
    if (!FindDevice(kBlockDevice)) {
        Print("no disk\n");
        PowerOff();
    }
    Start();
    while (*word != 0) {
        if (Is("write")) {
            WritePattern();
        } else if (Is("check")) {
            CheckPattern();
        } else if (Is("status")) {
            const u8 answer = Request(kIn, Number(), 512);
            Print("status ");
            PrintNumber(answer);
            Print("\n");
        } else if (Is("resets")) {
            Resets(Number());
        } else if (Is("grown")) {
            AwaitGrowth(Number());
        } else if (Is("forever")) {
            Forever();
        } else if (Is("break")) {
            Break();
        } else {
            Print("what?\n");
            PowerOff();
        }
    }
    PowerOff();
}
