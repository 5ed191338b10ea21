// Tiny kernel images for tests: valid unless a test bends a field. Both formats' headers, with a few bytes in
// the place of code.
#pragma once

#include <asm/bootparam.h>
#include <elf.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "vmm/base/bytes.h"

namespace husk::testing {

using Bytes = std::vector<std::byte>;

inline void PutAt(Bytes& file, std::size_t offset, std::span<const std::byte> bytes) {
    if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
    std::ranges::copy(bytes, file.begin() + static_cast<std::ptrdiff_t>(offset));
}

// A bzImage of one setup sector and 1 KiB of "code", 0xc0 in every byte.
struct BzImageFile {
    ::setup_header header = Header();
    Bytes code = Bytes(1024, std::byte{0xc0});

    [[nodiscard]] static ::setup_header Header() {
        ::setup_header header{};
        header.setup_sects = 1;
        header.syssize = 1024 / 16;
        header.boot_flag = 0xaa55;
        header.jump = 0x6aeb;  // over a header that ends at 0x26c
        header.header = 0x5372'6448;
        header.version = 0x020f;
        header.loadflags = LOADED_HIGH;
        header.initrd_addr_max = 0x7fff'ffff;
        header.kernel_alignment = 0x20'0000;
        header.relocatable_kernel = 1;
        header.xloadflags = XLF_KERNEL_64;
        header.cmdline_size = 2047;
        header.pref_address = 0x100'0000;
        header.init_size = 0x10'0000;
        return header;
    }

    [[nodiscard]] std::size_t CodeOffset() const { return (1U + header.setup_sects) * std::size_t{512}; }
    [[nodiscard]] Bytes Build() const {
        Bytes file;
        PutAt(file, 0x1f1, BytesOf(header));
        PutAt(file, CodeOffset(), code);
        return file;
    }
};

// A note with its fields as the alignment demands.
[[nodiscard]] inline Bytes MakeNote(std::string_view name, std::uint32_t type, std::span<const std::byte> descriptor,
                                    std::size_t alignment = 4) {
    const auto align = [alignment](std::size_t n) { return (n + alignment - 1) / alignment * alignment; };
    const Elf64_Nhdr header{.n_namesz = static_cast<std::uint32_t>(name.size()),
                            .n_descsz = static_cast<std::uint32_t>(descriptor.size()),
                            .n_type = type};
    Bytes note;
    PutAt(note, 0, BytesOf(header));
    PutAt(note, sizeof header, std::as_bytes(std::span(name)));
    PutAt(note, align(note.size()), descriptor);
    note.resize(align(note.size()));
    return note;
}

[[nodiscard]] inline Bytes MakePvhNote(std::uint64_t entry, std::size_t alignment = 4) {
    return MakeNote(std::string_view("Xen\0", 4), 18, BytesOf(entry), alignment);
}

// An ELF kernel: headers, then the content of every part in order, each at a multiple of 16.
struct ElfFile {
    struct Part {
        Elf64_Phdr program{};
        Bytes content;
    };

    Elf64_Ehdr header = Header();
    std::vector<Part> parts;

    // One segment of 64 bytes (0xc0) and 4 KiB of memory at 16 MiB, and the note that enters it.
    [[nodiscard]] static ElfFile Valid() {
        ElfFile file;
        file.Load(0x100'0000, Bytes(64, std::byte{0xc0}), 0x1000);
        file.Notes(MakePvhNote(0x100'0010));
        return file;
    }

    [[nodiscard]] static Elf64_Ehdr Header() {
        Elf64_Ehdr header{};
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_ident[EI_VERSION] = EV_CURRENT;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_version = EV_CURRENT;
        header.e_phoff = sizeof header;
        header.e_ehsize = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        return header;
    }

    void Load(std::uint64_t address, Bytes content, std::uint64_t memory_length) {
        parts.push_back({{.p_type = PT_LOAD,
                          .p_flags = PF_R | PF_W | PF_X,
                          .p_offset = 0,
                          .p_vaddr = address,
                          .p_paddr = address,
                          .p_filesz = content.size(),
                          .p_memsz = memory_length,
                          .p_align = 16},
                         std::move(content)});
    }
    void Notes(Bytes content, std::uint64_t alignment = 4) {
        parts.push_back({{.p_type = PT_NOTE,
                          .p_flags = PF_R,
                          .p_offset = 0,
                          .p_vaddr = 0,
                          .p_paddr = 0,
                          .p_filesz = content.size(),
                          .p_memsz = content.size(),
                          .p_align = alignment},
                         std::move(content)});
    }

    // Offsets that are 0 and the count of program headers are filled in.
    [[nodiscard]] Bytes Build() const {
        Elf64_Ehdr filled = header;
        if (filled.e_phnum == 0) filled.e_phnum = static_cast<std::uint16_t>(parts.size());
        Bytes file;
        PutAt(file, 0, BytesOf(filled));
        std::size_t content_at = sizeof filled + parts.size() * sizeof(Elf64_Phdr);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            content_at = (content_at + 15) / 16 * 16;
            Elf64_Phdr program = parts[i].program;
            if (program.p_offset == 0) program.p_offset = content_at;
            PutAt(file, sizeof filled + i * sizeof program, BytesOf(program));
            PutAt(file, content_at, parts[i].content);
            content_at = file.size();
        }
        return file;
    }
};

}  // namespace husk::testing
