// What the drivers in C++ share: 32-bit code without an operating system. The registers of one virtio device, the
// serial port, the words of the command line.
#pragma once

using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned;
using u64 = unsigned long long;

constexpr u32 kRegisters = 0xd0000000;
constexpr u32 kDevices = 16;

// Virtio 1.2 §4.2.2.
enum Register : u32 {
    kMagic = 0x000,
    kDeviceId = 0x008,
    kDriverFeatures = 0x020,
    kDriverFeaturesSel = 0x024,
    kQueueSel = 0x030,
    kQueueSizeAt = 0x038,
    kQueueReady = 0x044,
    kQueueNotify = 0x050,
    kStatus = 0x070,
    kQueueDesc = 0x080,
    kQueueDriver = 0x090,
    kQueueDevice = 0x0a0,
    kConfigGeneration = 0x0fc,
    kConfig = 0x100,
};
constexpr u32 kNeedsReset = 0x40;

struct Descriptor {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
};
inline u32 device;  // where its registers are

inline u32 Read(u32 at) { return *reinterpret_cast<volatile u32*>(device + at); }
inline void Write(u32 at, u32 value) { *reinterpret_cast<volatile u32*>(device + at) = value; }
inline u32 AddressOf(const volatile void* pointer) { return reinterpret_cast<u32>(pointer); }

// Makes the first device of this kind `device`.
inline bool FindDevice(u32 id) {
    for (u32 index = 0; index < kDevices; ++index) {
        device = kRegisters + index * 0x1000;
        if (Read(kMagic) == 0x74726976 && Read(kDeviceId) == id) return true;
    }
    return false;
}

inline void Out(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
inline u8 In(u16 port) {
    u8 value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

inline void Print(const char* text) {
    for (; *text != 0; ++text) {
        while ((In(0x3fd) & 0x20) == 0) {
        }
        Out(0x3f8, static_cast<u8>(*text));
    }
}
inline void PrintNumber(u32 number) {
    char digits[11] = {};
    char* at = digits + 10;
    do *--at = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    Print(at);
}

[[noreturn]] inline void PowerOff() {
    while (true) Out(0x600, 0x34);
}

// The words of the command line.
inline const char* word;
inline bool Is(const char* name) {
    const char* at = word;
    for (; *name != 0 && *at == *name; ++at, ++name) {
    }
    if (*name != 0 || (*at != 0 && *at != ' ')) return false;
    word = *at == 0 ? at : at + 1;
    return true;
}
inline u32 Number() {
    u32 number = 0;
    for (; *word >= '0' && *word <= '9'; ++word) number = number * 10 + static_cast<u32>(*word - '0');
    if (*word == ' ') ++word;
    return number;
}

// Xen's start_info: the command line's address at offset 24.
inline void ReadCommandLine(u32 start_info) {
    word = reinterpret_cast<const char*>(*reinterpret_cast<u32*>(start_info + 24));
}
