// NixosFolder: a NixOS system as a folder of the host has it, and which of its files says what it boots. The launcher
// opens files by name here and reads none: what is in them is the reader's.
//
//     a toplevel           boot.json (bootspec); older ones: kernel-params, beside kernel, initrd and init
//     netboot and kexec    netboot.ipxe or kexec-boot, beside bzImage (or kernel) and initrd: the store is in the
//     initrd
#pragma once

#include <string>
#include <string_view>

#include "vmm/base/result.h"
#include "vmm/base/scoped_fd.h"
#include "vmm/roles/reader_messages.h"

namespace husk {

struct HostFile {
    ScopedFd fd;
    std::uint64_t bytes = 0;
};

// A regular file that is not empty, read-only. `what`: "kernel". Kind kBootSource.
[[nodiscard]] Result<HostFile> OpenHostFile(const std::string& what, const std::string& path);

class NixosFolder {
 public:
    // `specialisation`: empty, or one that the folder may have a folder for. Kind kBootSource.
    [[nodiscard]] static Result<NixosFolder> Open(const std::string& path, const std::string& specialisation);

    // The file that the reader is to read, and what it is told about it.
    [[nodiscard]] int Fd() const { return file_.fd.Get(); }
    void Fill(ReaderConfig& request) const;
    // The file's path, for sentences.
    [[nodiscard]] const std::string& Description() const { return description_; }

    // Opens the file at a path that the reader found. A store that was copied with its folder (/mnt/nix/store/...) is
    // looked at before the host's own. Whoever wrote the folder may name any file of the host, which the guest would
    // then have in its memory: only those in a store, or in the folder, links resolved, are opened.
    [[nodiscard]] Result<HostFile> OpenFile(const std::string& what, std::string_view found) const;

 private:
    NixosFolder() = default;
    [[nodiscard]] std::string PathOf(std::string_view found) const;
    [[nodiscard]] bool MayGoToTheGuest(std::string_view resolved) const;

    std::string folder_;  // absolute, without links
    std::string root_;    // in front of /nix/store, when the folder is in a copied one; else empty
    HostFile file_;
    std::string description_;
    SourceForm form_ = SourceForm::kBootspec;
    bool own_specialisation_ = false;  // the folder is the specialisation's: nothing is left to choose
};

}  // namespace husk
