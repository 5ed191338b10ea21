// What the reader reports, each a packet on its pipe, and what it is told to do. The launcher checks what it uses: a
// reader may have been taken over by the image it read.
//
//     launcher -> reader    Manifest, Confinement, ReaderConfig, AttachedVolume...
//     reader -> launcher    MenuEntry..., MenuNote...; with a plan ChosenEntry and BootPieces...; with a check
//                           CheckFinding...; of disks AttachedVolume...; at the end ReaderDone, or Failed. A forbidden
//                           system call: Violation
#pragma once

#include "boot/nixos/menus/boot_menu.h"
#include "vmm/roles/messages.h"

namespace husk {

// What the descriptor of a reader is.
enum class SourceForm : std::uint32_t {
    kImage,         // a disk or an ISO: the reader tells which
    kBootspec,      // boot.json of a NixOS system
    kKernelParams,  // kernel-params of a NixOS system without boot.json
    kNetbootIpxe,   // netboot.ipxe of a netboot output
    kKexecBoot,     // kexec-boot of a kexec output
    kVolumes,       // a disk, of which only the names of its file systems are wanted
    kFiles,         // a kernel, beside it an initrd or none: to be checked
};

struct ReaderConfig {
    static constexpr MessageType kType = MessageType::kReaderConfig;
    SourceForm form = SourceForm::kImage;
    std::uint64_t bytes = 0;         // of the source
    bool plan = false;               // choose an entry, and say where its files are
    bool check = false;              // choose an entry, and say what of it will not work
    std::uint32_t volumes = 0;       // AttachedVolume messages that follow: on other disks, for a check
    std::uint64_t initrd_bytes = 0;  // kFiles: of the initrd; 0: there is none
    FixedText<boot_limits::kId> entry;
    FixedText<boot_limits::kText> specialisation;
    // Of forms that are files of a folder.
    FixedText<boot_limits::kPath> folder;     // where the host has it
    bool has_initrd = false;                  // kKernelParams: the folder has one
    bool has_secrets = false;                 // kKernelParams, kFiles: a program would append secrets
    FixedText<kMaxCommandLine> command_line;  // kFiles
};

struct MenuEntry {
    static constexpr MessageType kType = MessageType::kMenuEntry;
    std::uint64_t generation = 0;
    // 0 or 1: what a role sends may be any byte, and then is no bool.
    std::uint8_t has_generation = 0;
    std::uint8_t is_default = 0;
    std::uint8_t bad = 0;
    std::uint8_t has_secrets = 0;
    FixedText<boot_limits::kId> id;
    FixedText<boot_limits::kText> title;
    FixedText<boot_limits::kText> version;
    FixedText<boot_limits::kText> specialisation;
    FixedText<boot_limits::kText> label;
    FixedText<boot_limits::kText> date;
    FixedText<boot_limits::kPath> kernel;
};

struct MenuNote {
    static constexpr MessageType kType = MessageType::kMenuNote;
    FixedText<1000> text;
};

// Of the entries sent before, this one boots. Its command line, and where the source is no image, its files on the
// host.
struct ChosenEntry {
    static constexpr MessageType kType = MessageType::kChosenEntry;
    std::uint32_t index = 0;
    std::uint32_t initrds = 0;
    std::uint8_t is_iso = 0;  // 0 or 1
    FixedText<kMaxCommandLine> command_line;
    FixedText<boot_limits::kPath> initrd;  // the first one; empty: none
};

// A file system of a disk.
struct AttachedVolume {
    static constexpr MessageType kType = MessageType::kAttachedVolume;
    FixedText<31> type;
    FixedText<boot_limits::kText> label;
    FixedText<63> uuid;
};

struct CheckFinding {
    static constexpr MessageType kType = MessageType::kCheckFinding;
    std::uint8_t will_not_boot = 0;  // 0 or 1
    FixedText<1500> text;
};

struct ReaderDone {
    static constexpr MessageType kType = MessageType::kReaderDone;
};

}  // namespace husk
