// TableReader: follows the pointers of an ACPI image the way a guest does, from the RSDP on. For tests;
// offsets are those of the specification, on purpose not those of the structures in boot/acpi. Throws when
// something is out of bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "boot/acpi/acpi_tables.h"
#include "vmm/base/bytes.h"

namespace husk {

class Table {
 public:
    explicit Table(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}

    template <typename T>
    [[nodiscard]] T At(std::size_t offset) const {
        return LoadAt<T>(bytes_, offset).value();
    }
    [[nodiscard]] std::string Text(std::size_t offset, std::size_t size) const {
        std::string text;
        for (std::size_t i = 0; i < size; ++i) text += At<char>(offset + i);
        return text;
    }
    [[nodiscard]] std::string Signature() const { return Text(0, 4); }
    [[nodiscard]] std::span<const std::byte> Bytes() const { return bytes_; }
    [[nodiscard]] std::span<const std::byte> Body() const { return Bytes().subspan(36); }

    // The low byte of the sum over the first `size` bytes: zero in a valid table.
    [[nodiscard]] unsigned Sum(std::size_t size) const {
        unsigned sum = 0;
        for (std::size_t i = 0; i < size; ++i) sum += At<std::uint8_t>(i);
        return sum & 0xff;
    }
    [[nodiscard]] unsigned Sum() const { return Sum(bytes_.size()); }

 private:
    std::vector<std::byte> bytes_;
};

class TableReader {
 public:
    explicit TableReader(const AcpiTables& tables) : tables_(tables), rsdp_(Bytes(tables.rsdp.Value(), 36)) {
        const Table& xsdt = Add(rsdp_.At<std::uint64_t>(24));
        for (std::size_t entry = 36; entry < xsdt.Bytes().size(); entry += 8) Add(xsdt.At<std::uint64_t>(entry));
        Add(Get("FACP").At<std::uint64_t>(140));
    }

    [[nodiscard]] const Table& Rsdp() const { return rsdp_; }
    [[nodiscard]] const Table& Get(const std::string& signature) const { return found_.at(signature); }
    // All but the RSDP, by signature.
    [[nodiscard]] const std::map<std::string, Table>& All() const { return found_; }

 private:
    [[nodiscard]] std::span<const std::byte> Bytes(std::uint64_t address, std::size_t size) const {
        const std::span<const std::byte> image(tables_.image);
        const std::uint64_t offset = address - tables_.rsdp.Value();
        if (offset > image.size() || size > image.size() - offset) throw std::out_of_range("not in the image");
        return image.subspan(offset, size);
    }

    const Table& Add(std::uint64_t address) {
        const auto length = LoadAt<std::uint32_t>(Bytes(address, 36), 4).value();
        const Table table(Bytes(address, length));
        return found_.emplace(table.Signature(), table).first->second;
    }

    const AcpiTables& tables_;
    Table rsdp_;
    std::map<std::string, Table> found_;
};

}  // namespace husk
