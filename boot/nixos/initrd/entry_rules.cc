// Rules about the entry itself: init=, secrets, the command line's length.
#include <algorithm>
#include <string>

#include "boot/nixos/initrd/command_line.h"
#include "boot/nixos/initrd/finding_rules.h"
#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

constexpr std::size_t kCommandLineMax = 2047;                    // bytes: COMMAND_LINE_SIZE of x86, less the NUL
constexpr std::string_view kAppendedConsole = " console=ttyS0";  // by husk, when the entry names no console

void CheckLength(const Subject& subject, FindingList& findings) {
    const std::string& line = subject.entry.command_line;
    const bool appends = CommandLineValues(line, "console").empty();
    const std::size_t length = line.size() + (appends ? kAppendedConsole.size() : 0);
    if (length <= kCommandLineMax) return;
    findings.WillNotBoot("the command line has " + std::to_string(length) + " bytes" +
                         (appends ? " with husk's console=ttyS0" : "") +
                         ", and Linux takes 2047: shorten boot.kernelParams");
}

void CheckInit(const Subject& subject, FindingList& findings) {
    if (!subject.initrd.nixos || !CommandLineValues(subject.entry.command_line, "init").empty()) return;
    findings.WillNotBoot(
        "the command line has no init=, so stage 1 does not know which system to start: add "
        "init=/nix/store/...-nixos-system-.../init, as the system's boot.json says it");
}

void CheckSecrets(const Subject& subject, FindingList& findings) {
    if (subject.entry.initrd_secrets.empty() || subject.initrd.secrets_appended) return;
    const bool known = subject.InitrdKnown();
    findings.Add(known ? Severity::kWillNotBoot : Severity::kMaySurprise,
                 std::string(known ? "the initrd lacks its secrets" : "the initrd may lack its secrets") +
                     ": a boot loader's installation would append them by " +
                     Printable(subject.entry.initrd_secrets, 160) +
                     ", which husk does not run. Boot the installed disk instead (--boot disk), or go without them "
                     "(--ignore-secrets)");
}

}  // namespace

void CheckEntry(const Subject& subject, FindingList& findings) {
    CheckLength(subject, findings);
    CheckInit(subject, findings);
    CheckSecrets(subject, findings);
}

}  // namespace husk
