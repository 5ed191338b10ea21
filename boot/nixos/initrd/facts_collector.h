// FactsCollector: turns the entries of an initrd, as they come by, into InitrdFacts.
#pragma once

#include <set>
#include <string>

#include "boot/nixos/initrd/initramfs.h"
#include "boot/nixos/initrd/initrd_facts.h"

namespace husk {

class FactsCollector final : public InitramfsVisitor {
 public:
    void Archive(Compression compression, std::uint64_t offset) override;
    [[nodiscard]] std::size_t Entry(const CpioEntry& entry) override;
    void Body(const CpioEntry& entry, std::span<const std::byte> body) override;

    // Everything has come. To be called once.
    [[nodiscard]] InitrdFacts Finish();

 private:
    void NoteModule(std::string_view path);
    void NoteInit(const CpioEntry& entry, std::span<const std::byte> body);
    void NoteBuiltIn(std::string_view name);
    void NoteMounts(std::vector<InitrdMount> mounts);
    [[nodiscard]] Stage1 KindOfInit() const;

    InitrdFacts facts_;
    std::size_t text_left_ = std::size_t{32} << 20;  // bytes of lists and tables that may still be parsed
    bool init_is_link_ = false;
    std::string init_target_;  // where /init leads
    std::string init_start_;   // the first bytes of the file /init
    bool has_initrd_release_ = false;
    std::set<std::string, std::less<>>
        store_scripts_;  // files of the store that begin with "#!", which /init may link to
};

}  // namespace husk
