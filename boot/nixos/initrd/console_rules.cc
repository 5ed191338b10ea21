// Rules about consoles: this machine has a serial port, ttyS0, and a virtio console, hvc0; no screen.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "boot/nixos/initrd/command_line.h"
#include "boot/nixos/initrd/finding_rules.h"
#include "boot/nixos/initrd/printable.h"

namespace husk {
namespace {

constexpr std::array<std::string_view, 1> kSerial = {"console=ttyS0"};
constexpr std::array<std::string_view, 2> kBoth = {"console=ttyS0", "console=hvc0"};

// The devices that the command line names as consoles, without their options.
std::vector<std::string_view> Consoles(std::string_view line) {
    std::vector<std::string_view> consoles = CommandLineValues(line, "console");
    for (std::string_view& console : consoles) console = console.substr(0, console.find(','));
    return consoles;
}

bool IsOurs(std::string_view console) { return console == "ttyS0" || console == "hvc0"; }

void CheckOnlyHvc(const Subject& subject, FindingList& findings) {
    if (FindDriver(subject, "virtio_console", "VIRTIO_CONSOLE") == Driver::kBuiltIn) return;
    if (subject.initrd.nixos && subject.initrd.stage1 == Stage1::kScript) {
        findings.WillNotBoot(
            "the only console is hvc0, whose driver is a module: NixOS's stage 1 is a shell script here, which hangs "
            "in silence when its console is not there yet. " +
            HowToAddParameters(subject, kBoth));
        return;
    }
    findings.MaySurprise("the only console is hvc0, whose driver is a module: nothing is shown before it is loaded. " +
                         HowToAddParameters(subject, kBoth));
}

}  // namespace

std::string HowToAddParameters(const Subject& subject, std::span<const std::string_view> words) {
    std::string text = subject.initrd.nixos ? "In its configuration: boot.kernelParams = [ " : "On its command line:";
    for (const std::string_view word : words) {
        text += subject.initrd.nixos ? "\"" + std::string(word) + "\" " : " " + std::string(word);
    }
    return subject.initrd.nixos ? text + "];" : text;
}

void CheckConsole(const Subject& subject, FindingList& findings) {
    const std::vector<std::string_view> consoles = Consoles(subject.entry.command_line);
    const auto named = [&consoles](std::string_view console) {
        return std::ranges::find(consoles, console) != consoles.end();
    };
    const auto& config = subject.kernel.config;
    if ((consoles.empty() || named("ttyS0")) && config &&
        config->Get("SERIAL_8250_CONSOLE") != KernelOption::kBuiltIn) {
        findings.MaySurprise(
            "the kernel was built without CONFIG_SERIAL_8250_CONSOLE=y: as a console, ttyS0 stays silent");
    }
    if (consoles.empty()) {
        findings.MaySurprise(
            "the command line names no console, so a login prompt is to be expected only because husk adds "
            "console=ttyS0. " +
            HowToAddParameters(subject, kSerial));
        return;
    }
    if (std::ranges::none_of(consoles, IsOurs)) {
        findings.MaySurprise("the only console is " + Printable(consoles.back(), 32) +
                             ", which this machine does not have: nothing will be seen, and no login prompt comes. " +
                             HowToAddParameters(subject, kSerial));
        return;
    }
    if (!IsOurs(consoles.back())) {
        findings.MaySurprise("the last console on the command line is " + Printable(consoles.back(), 32) +
                             ", which this machine does not have: what stage 1 says and asks goes there. Let "
                             "console=ttyS0 be the last");
        return;
    }
    if (!named("ttyS0")) CheckOnlyHvc(subject, findings);
}

}  // namespace husk
