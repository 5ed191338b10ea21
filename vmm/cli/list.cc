#include "vmm/cli/list.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "vmm/base/log.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/source_inspection.h"

namespace husk {
namespace {

constexpr std::size_t kColumns = 7;
using Row = std::array<std::string, kColumns>;

// "6.6.32" of a version that says so, or the package's name in the kernel's path, or the file's.
std::string KernelName(const MenuEntry& entry) {
    const std::string_view version = entry.version.View();
    constexpr std::string_view kSays = "Linux Kernel ";
    if (const auto at = version.find(kSays); at != std::string_view::npos) {
        const std::string_view rest = version.substr(at + kSays.size());
        return std::string(rest.substr(0, rest.find_first_of(", ")));
    }
    std::string_view path = entry.kernel.View();
    if (const auto at = path.find("-linux-"); at != std::string_view::npos) {
        path.remove_prefix(at + 7);
        return std::string(path.substr(0, path.find_first_of("/-")));
    }
    return std::string(path.substr(path.rfind('/') + 1));
}

Row RowOf(const MenuEntry& entry) {
    const std::string generation = entry.has_generation ? std::to_string(entry.generation) : "-";
    const auto text = [](std::string_view view) { return view.empty() ? std::string("-") : std::string(view); };
    return {entry.is_default ? "*"
            : entry.bad      ? "!"
                             : "",
            text(entry.id.View()),
            generation,
            text(entry.specialisation.View()),
            text(entry.label.length > 0 ? entry.label.View() : entry.title.View()),
            text(KernelName(entry)),
            text(entry.date.View())};
}

// Bytes that are not the middle of a UTF-8 character.
std::size_t Width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

void PrintTable(const SourceReport& report) {
    std::vector<Row> rows{{"", "ENTRY", "GENERATION", "SPECIALISATION", "LABEL", "KERNEL", "DATE"}};
    for (const MenuEntry& entry : report.entries) rows.push_back(RowOf(entry));
    std::array<std::size_t, kColumns> widths{};
    for (const Row& row : rows) {
        for (std::size_t column = 0; column < kColumns; ++column)
            widths[column] = std::max(widths[column], Width(row[column]));
    }
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t column = 0; column < kColumns; ++column) {
            line += row[column];
            if (column + 1 < kColumns) line.append(widths[column] - Width(row[column]) + (column == 0 ? 1 : 2), ' ');
        }
        std::puts(line.c_str());
    }
    const bool any_bad = std::ranges::any_of(report.entries, &MenuEntry::bad);
    std::puts(any_bad ? "* boots by default; ! failed all its tries (boot counting)" : "* boots by default");
}

nlohmann::json JsonOf(const MenuEntry& entry) {
    nlohmann::json object{{"entry", entry.id.View()},
                          {"title", entry.title.View()},
                          {"version", entry.version.View()},
                          {"specialisation", entry.specialisation.View()},
                          {"label", entry.label.View()},
                          {"kernel", KernelName(entry)},
                          {"kernel_path", entry.kernel.View()},
                          {"date", entry.date.View()},
                          {"default", entry.is_default != 0},
                          {"bad", entry.bad != 0},
                          {"wants_initrd_secrets", entry.has_secrets != 0}};
    object["generation"] = entry.has_generation ? nlohmann::json(entry.generation) : nlohmann::json(nullptr);
    return object;
}

void PrintJson(const SourceReport& report) {
    nlohmann::json document{{"entries", nlohmann::json::array()}, {"notes", report.notes}};
    for (const MenuEntry& entry : report.entries) document["entries"].push_back(JsonOf(entry));
    std::puts(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

}  // namespace

int RunList(const ListCommand& command) {
    const auto report = ListSource(command.source);
    if (!report) {
        Log(LogLevel::kError, report.error().Message());
        return static_cast<int>(StatusOf(report.error().Kind()));
    }
    if (command.json) {
        PrintJson(*report);
        return 0;
    }
    PrintTable(*report);
    for (const std::string& note : report->notes) std::printf("note: %s\n", note.c_str());
    return 0;
}

}  // namespace husk
