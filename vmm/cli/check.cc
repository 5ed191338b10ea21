#include "vmm/cli/check.h"

#include <algorithm>
#include <cstdio>

#include "vmm/base/log.h"
#include "vmm/machine/exit_status.h"
#include "vmm/machine/source_inspection.h"

namespace husk {

int RunCheck(const CheckCommand& command) {
    const auto report = CheckSource({command.source, command.entry, command.specialisation, command.disks});
    if (!report) {
        Log(LogLevel::kError, report.error().Message());
        return static_cast<int>(StatusOf(report.error().Kind()));
    }
    const std::string subject = command.source + ", " + report->entry;
    for (const CheckFinding& finding : report->findings) {
        const std::string text(finding.text.View());
        std::printf("%s: %s\n", finding.will_not_boot ? "will not boot" : "may surprise", text.c_str());
    }
    for (const std::string& note : report->notes) std::printf("note: %s\n", note.c_str());
    if (std::ranges::any_of(report->findings, &CheckFinding::will_not_boot)) {
        std::printf("%s: will not boot as it is\n", subject.c_str());
        return static_cast<int>(ExitStatus::kBootSourceUnusable);
    }
    std::printf("%s: nothing that keeps it from booting was found\n", subject.c_str());
    return 0;
}

}  // namespace husk
