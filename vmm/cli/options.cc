#include "vmm/cli/options.h"

#include <CLI/CLI.hpp>

namespace husk {
namespace {

constexpr const char* kStatuses =
    "Exit status: 0 the guest powered off, 1 host failure, 2 wrong usage, 3 the guest asked for a\n"
    "reboot under --on-reboot exit, 4 the guest crashed, 5 a confinement layer was refused,\n"
    "6 the boot source cannot be used, 7 a role was killed for a forbidden system call,\n"
    "128+N the VM was ended by signal N (or Ctrl-] k: 137) before the guest powered off.\n\n"
    "On a terminal, Ctrl-] is husk's: q presses the power button, s switches between the serial port and\n"
    "hvc0, k ends the VM, h helps.";

// What CLI11 fills in before it is checked.
struct RawConfinement {
    std::vector<std::string> require;
    std::vector<std::string> without;
    std::string selinux = "auto";
};

struct RawRun {
    RunCommand command;
    std::string cpus = "1";
    std::string memory = "512M";
    std::vector<std::string> disks;
    std::string console = "stdio";
    std::string uart = "on";
    std::string on_reboot = "restart";
    std::string log_level = "info";
    RawConfinement confinement;
};

// The same for run, which does it, and for doctor, which says what it would do.
void DescribeConfinement(CLI::App& command, RawConfinement& raw, ConfinementConfig& config) {
    command
        .add_option("--require", raw.require,
                    "refuse to run without these confinement layers, even where the host lacks them")
        ->type_name("LAYER,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    command.add_option("--without", raw.without, "do without these confinement layers, even where the host has them")
        ->type_name("LAYER,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option("--selinux", raw.selinux,
                    "SELinux: auto (required where it is active), required or off (as --without selinux)")
        ->type_name("auto|required|off")
        ->capture_default_str();
    command.add_option("--selinux-type", config.selinux.type, "run the guest in this SELinux domain")
        ->type_name("TYPE");
    command
        .add_option("--selinux-label", config.selinux.label,
                    "run the guest in this SELinux context, as it is: no categories are chosen")
        ->type_name("CONTEXT");
}

void Describe(CLI::App& run, RawRun& raw) {
    MachineConfig& machine = raw.command.machine;
    run.add_option("--kernel", machine.kernel, "the guest's kernel: a bzImage, or an ELF vmlinux with a PVH entry")
        ->required()
        ->type_name("FILE");
    run.add_option("--initrd", machine.initrd, "its initial RAM disk")->type_name("FILE");
    run.add_option("--cmdline", machine.command_line, "its command line, passed on as it is")->type_name("TEXT");
    run.add_option("--cpus", raw.cpus, "virtual CPUs")->type_name("N")->capture_default_str();
    run.add_option("--memory", raw.memory, "guest memory, like 512M or 2G")->type_name("SIZE")->capture_default_str();
    run.add_flag("--hugepages", machine.huge_pages, "take guest memory from the host's pool of 2 MiB pages");
    run.add_option("--disk", raw.disks,
                   "a disk: a raw image or a block device; may be given several times (vda, vdb, ...)")
        ->type_name("FILE[,ro][,serial=TEXT]")
        ->allow_extra_args(false);
    run.add_option("--console", raw.console, "where the console is: stdio, pty, unix=PATH, file=PATH or none")
        ->type_name("WHERE")
        ->capture_default_str();
    run.add_option("--uart", raw.uart, "the serial port ttyS0: on or off")->type_name("on|off")->capture_default_str();
    run.add_flag("--virtio-trap", machine.virtio_trap,
                 "let every read of a virtio register end in husk (slower; to compare)");
    run.add_option("--on-reboot", raw.on_reboot, "when the guest reboots: restart it, or exit with status 3")
        ->type_name("restart|exit")
        ->capture_default_str();
    run.add_option("--name", machine.name, "the VM's name, shown in process titles")
        ->type_name("NAME")
        ->capture_default_str();
    run.add_option("--stats", machine.stats, "write counters and a timeline to FILE, as JSON")->type_name("FILE");
    DescribeConfinement(run, raw.confinement, machine.confinement);
    run.add_option("--log-level", raw.log_level, "debug, info, warning, error or off")
        ->type_name("LEVEL")
        ->capture_default_str();
    run.add_option("--kvm", machine.kvm_device, "the KVM device")->type_name("PATH")->capture_default_str();
    run.footer(kStatuses);
}

Result<bool> OneOf(const std::string& option, const std::string& value, const char* yes, const char* no) {
    if (value == yes) return true;
    if (value == no) return false;
    return Fail(ErrorKind::kUsage, option + " takes " + yes + " or " + no + ", not \"" + value + "\"");
}

Result<LayerSet> ParseLayers(const std::string& option, const std::vector<std::string>& names) {
    LayerSet layers;
    for (const std::string& name : names) {
        const auto layer = LayerFromName(name);
        if (!layer) {
            std::string known;
            for (const Layer each : kAllLayers) known.append(known.empty() ? "" : ", ").append(LayerName(each));
            return Fail(ErrorKind::kUsage, option + ": \"" + name + "\" is no confinement layer; they are: " + known);
        }
        layers.Add(*layer);
    }
    return layers;
}

Result<> FinishConfinement(const RawConfinement& raw, ConfinementConfig& config) {
    using Mode = SelinuxRequest::Mode;
    config.required = HUSK_TRY(ParseLayers("--require", raw.require));
    config.without = HUSK_TRY(ParseLayers("--without", raw.without));
    if (raw.selinux == "required") {
        config.selinux.mode = Mode::kRequired;
    } else if (raw.selinux == "off") {
        config.selinux.mode = Mode::kOff;
    } else if (raw.selinux != "auto") {
        return Fail(ErrorKind::kUsage, "--selinux takes auto, required or off, not \"" + raw.selinux + "\"");
    }
    return SettleConfinement(config);
}

Result<RunCommand> Finish(RawRun raw) {
    MachineConfig& machine = raw.command.machine;
    machine.vcpus = HUSK_TRY(ParseCpus(raw.cpus));
    machine.memory_bytes = HUSK_TRY_IN("--memory", ParseSize(raw.memory));
    machine.console = HUSK_TRY(ParseConsole(raw.console));
    HUSK_TRY(FinishConfinement(raw.confinement, machine.confinement));
    for (const std::string& disk : raw.disks) machine.disks.push_back(HUSK_TRY(ParseDisk(disk)));
    machine.uart = HUSK_TRY(OneOf("--uart", raw.uart, "on", "off"));
    machine.on_reboot =
        HUSK_TRY(OneOf("--on-reboot", raw.on_reboot, "restart", "exit")) ? OnReboot::kRestart : OnReboot::kExit;
    const auto level = ParseLogLevel(raw.log_level);
    if (!level)
        return Fail(ErrorKind::kUsage,
                    "--log-level takes debug, info, warning, error or off, not \"" + raw.log_level + "\"");
    raw.command.log_level = *level;
    return raw.command;
}

}  // namespace

Result<Command> ParseCommandLine(int argc, const char* const* argv) {
    CLI::App app("husk: a micro-VMM, the thin shell around one guest kernel", "husk");
    app.set_version_flag("--version", "husk " HUSK_VERSION);
    app.require_subcommand(1);
    RawRun raw;
    CLI::App* const run = app.add_subcommand("run", "boot a guest and stay until it ends");
    Describe(*run, raw);
    DoctorCommand doctor;
    CLI::App* const check = app.add_subcommand("doctor", "say what this host offers and what is missing");
    check->add_option("--kvm", doctor.kvm_device, "the KVM device")->type_name("PATH")->capture_default_str();
    check->add_flag("--seccomp", doctor.print_tables,
                    "instead: print what each thread of a running VM may ask of the kernel, and why");
    RawConfinement doctor_confinement;
    DescribeConfinement(*check, doctor_confinement, doctor.confinement);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        return PrintCommand{app.help()};
    } catch (const CLI::CallForVersion& version) {
        return PrintCommand{std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        return Fail(ErrorKind::kUsage, std::string(error.what()) + " (husk --help says more)");
    }
    if (check->parsed()) {
        HUSK_TRY(FinishConfinement(doctor_confinement, doctor.confinement));
        return doctor;
    }
    return HUSK_TRY(Finish(std::move(raw)));
}

}  // namespace husk
