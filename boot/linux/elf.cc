#include "boot/linux/elf.h"

#include <elf.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "boot/linux/elf_notes.h"
#include "vmm/base/bytes.h"

namespace husk {
namespace {

constexpr std::uint64_t kCommandLineMax = 2047;   // Linux's COMMAND_LINE_SIZE for x86; PVH has no field for it
constexpr GuestAddress kInitrdLast{0xffff'ffff};  // Linux's PVH entry keeps 32 bits of the first module's address
constexpr std::size_t kMaxProgramHeaders = 64;    // a kernel has about five

constexpr std::array kMagic = {std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}};

Result<> CheckHeader(const Elf64_Ehdr& header) {
    const bool x86_64 = header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
                        header.e_machine == EM_X86_64;
    if (!x86_64) return Fail(ErrorKind::kBootSource, "is an ELF file, but not for x86-64");
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN) {
        return Fail(ErrorKind::kBootSource, "is an ELF file that is no executable, so no kernel");
    }
    if (header.e_phnum == 0) return Fail(ErrorKind::kBootSource, "is an ELF file without a loadable segment");
    if (header.e_phentsize != sizeof(Elf64_Phdr)) {
        return Fail(ErrorKind::kBootSource, "has program headers of impossible size: the ELF file is damaged");
    }
    if (header.e_phnum > kMaxProgramHeaders) {
        return Fail(ErrorKind::kBootSource, "has " + std::to_string(header.e_phnum) +
                                                " program headers, more than any kernel: the ELF file is damaged");
    }
    return {};
}

}  // namespace

bool IsElf(std::span<const std::byte> file) { return LoadAt<std::array<std::byte, 4>>(file, 0) == kMagic; }

Result<KernelPlan> ParseElf(std::span<const std::byte> file) {
    // ELF's class and machine lie within its first 20 bytes; a shorter file still gets the right sentence.
    HUSK_TRY(CheckInFile("ELF file", 0, sizeof(Elf64_Ehdr), file.size()));
    Elf64_Ehdr header;
    std::memcpy(&header, file.data(), sizeof header);
    HUSK_TRY(CheckHeader(header));
    HUSK_TRY(CheckInFile("ELF file", header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr), file.size()));

    KernelPlan plan{.format = KernelFormat::kElfPvh,
                    .segments = {},
                    .entry = {},
                    .cmdline_max = kCommandLineMax,
                    .initrd_last = kInitrdLast,
                    .setup_header = {}};
    std::optional<GuestAddress> entry;
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr program;
        std::memcpy(&program, file.data() + header.e_phoff + i * sizeof program, sizeof program);
        if (program.p_type != PT_LOAD && program.p_type != PT_NOTE) continue;
        HUSK_TRY(CheckInFile("ELF file", program.p_offset, program.p_filesz, file.size()));
        if (program.p_type == PT_NOTE) {
            if (!entry) entry = FindPvhEntry(file.subspan(program.p_offset, program.p_filesz), program.p_align);
        } else if (program.p_memsz != 0 || program.p_filesz != 0) {
            plan.segments.push_back({.file_offset = program.p_offset,
                                     .file_length = program.p_filesz,
                                     .address = GuestAddress(program.p_paddr),
                                     .memory_length = program.p_memsz});
        }
    }
    if (plan.segments.empty()) return Fail(ErrorKind::kBootSource, "is an ELF file without a loadable segment");
    if (!entry) {
        return Fail(
            ErrorKind::kBootSource,
            "is an ELF file without a PVH entry (XEN_ELFNOTE_PHYS32_ENTRY): not a Linux kernel with CONFIG_PVH");
    }
    plan.entry = *entry;
    HUSK_TRY(CheckSegments(plan));
    return plan;
}

}  // namespace husk
