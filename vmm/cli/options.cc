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
    std::string iso;
    std::string nixos;
    std::string boot;
    std::string cpus = "1";
    std::string memory = "512M";
    std::vector<std::string> disks;
    std::vector<std::string> nets;
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
    run.add_option("--kernel", machine.kernel, "boot this kernel: a bzImage, or an ELF vmlinux with a PVH entry")
        ->type_name("FILE");
    run.add_option("--initrd", machine.initrd, "its initial RAM disk")->type_name("FILE");
    run.add_option("--nixos", raw.nixos,
                   "boot a NixOS system: the result of building its toplevel, or a netboot output")
        ->type_name("DIR");
    run.add_option("--boot", raw.boot, "disk: boot what the first --disk has installed")->type_name("disk");
    run.add_option("--iso", raw.iso, "boot this ISO, which becomes the first disk, read-only")->type_name("FILE");
    run.add_option("--generation", machine.source.entry,
                   "of a disk: boot this generation, or the entry of this name, instead of the default")
        ->type_name("N|ENTRY");
    run.add_option("--specialisation", machine.source.specialisation, "boot this specialisation of the system")
        ->type_name("NAME");
    run.add_flag("--once", machine.source.once, "take --generation for the first boot only, then the default");
    run.add_flag("--ignore-secrets", machine.source.ignore_secrets,
                 "boot a system without the secrets it wants appended to its initrd");
    run.add_option("--cmdline", machine.command_line,
                   "the kernel's command line, passed on as it is; where the boot source has one, behind that")
        ->type_name("TEXT");
    run.add_option("--cpus", raw.cpus, "virtual CPUs")->type_name("N")->capture_default_str();
    run.add_option("--memory", raw.memory, "guest memory, like 512M or 2G")->type_name("SIZE")->capture_default_str();
    run.add_flag("--hugepages", machine.huge_pages, "take guest memory from the host's pool of 2 MiB pages");
    run.add_option("--disk", raw.disks,
                   "a disk: a raw image or a block device; may be given several times (vda, vdb, ...)")
        ->type_name("FILE[,ro][,OPTION=VALUE...]")
        ->allow_extra_args(false);
    run.add_option("--net", raw.nets,
                   "a network card on a tap, on a tap that is open already, on passt (no privileges needed), or on "
                   "nothing; may be given several times")
        ->type_name("tap=NAME|fd=N|passt[=SOCKET]|none[,mac=M][,mtu=N][,queues=N]")
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

void DescribeSource(CLI::App& command, std::string& source) {
    command.add_option("source", source, "a folder with a NixOS system, a disk image or an ISO")
        ->required()
        ->type_name("SOURCE");
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

std::unexpected<Error> Usage(std::string sentence) { return Fail(ErrorKind::kUsage, std::move(sentence)); }

// One boot source, and the options that go with it.
Result<> FinishSource(const RawRun& raw, MachineConfig& machine) {
    using Kind = BootSourceConfig::Kind;
    const int given = !machine.kernel.empty() + !raw.nixos.empty() + !raw.boot.empty() + !raw.iso.empty();
    if (given == 0)
        return Usage("nothing to boot: give --kernel FILE, --nixos DIR, --disk FILE --boot disk, or --iso FILE");
    if (given > 1) return Usage("--kernel, --nixos, --boot and --iso say what to boot: give one of them");
    if (!raw.boot.empty() && raw.boot != "disk") return Usage("--boot takes disk, not \"" + raw.boot + "\"");
    BootSourceConfig& source = machine.source;
    source.path = raw.nixos;
    if (!raw.nixos.empty()) source.kind = Kind::kNixos;
    if (!raw.boot.empty()) source.kind = Kind::kDisk;
    if (!raw.iso.empty()) source.kind = Kind::kIso;
    if (source.kind != Kind::kKernel && machine.initrd) return Usage("--initrd goes with --kernel only");
    if (source.kind == Kind::kDisk && machine.disks.empty())
        return Usage("--boot disk needs a --disk FILE to boot from");
    if (source.kind == Kind::kIso) {
        DiskConfig iso;
        iso.path = raw.iso;
        iso.read_only = true;
        machine.disks.insert(machine.disks.begin(), iso);
    }
    const bool menu = source.kind == Kind::kDisk || source.kind == Kind::kIso;
    if (!menu && !source.entry.empty()) return Usage("--generation goes with --boot disk or --iso only");
    if (source.kind == Kind::kKernel && !source.specialisation.empty())
        return Usage("--specialisation goes with --nixos or --boot disk only");
    if (source.once && source.entry.empty()) return Usage("--once goes with --generation only");
    return {};
}

Result<RunCommand> Finish(RawRun raw) {
    MachineConfig& machine = raw.command.machine;
    machine.vcpus = HUSK_TRY(ParseCpus(raw.cpus));
    machine.memory_bytes = HUSK_TRY_IN("--memory", ParseSize(raw.memory));
    machine.console = HUSK_TRY(ParseConsole(raw.console));
    HUSK_TRY(FinishConfinement(raw.confinement, machine.confinement));
    for (const std::string& disk : raw.disks) machine.disks.push_back(HUSK_TRY(ParseDisk(disk)));
    for (const std::string& net : raw.nets) machine.networks.push_back(HUSK_TRY(ParseNet(net)));
    HUSK_TRY(FinishSource(raw, machine));
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
    ListCommand list;
    CLI::App* const lister = app.add_subcommand("list", "say what a NixOS system, a disk image or an ISO has to boot");
    DescribeSource(*lister, list.source);
    lister->add_flag("--json", list.json, "as JSON");
    CheckCommand checked;
    CLI::App* const checker = app.add_subcommand(
        "check", "say what of a NixOS system, a disk image or an ISO will not work, and how to fix it");
    DescribeSource(*checker, checked.source);
    checker->add_option("--generation", checked.entry, "of a disk: this generation or entry instead of the default")
        ->type_name("N|ENTRY");
    checker->add_option("--specialisation", checked.specialisation, "this specialisation of the system")
        ->type_name("NAME");
    checker->add_option("--disk", checked.disks, "a disk that will be attached beside it; may be given several times")
        ->type_name("FILE")
        ->allow_extra_args(false);
    CLI::App* const image = app.add_subcommand("image", "make disk images");
    image->require_subcommand(1);
    ImageStoreCommand store;
    CLI::App* const storer =
        image->add_subcommand("store", "the closure of a NixOS system as a read-only disk of its store");
    storer->add_option("dir", store.folder, "the system: the result of building its toplevel")
        ->required()
        ->type_name("DIR");
    storer->add_option("out", store.out, "the image to make: erofs when it ends in .erofs, else squashfs")
        ->required()
        ->type_name("OUT");
    storer
        ->add_option("--closure", store.closure,
                     "a file with the store paths, a line each, instead of asking nix-store")
        ->type_name("FILE");
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
    if (lister->parsed()) return list;
    if (storer->parsed()) return store;
    if (checker->parsed()) return checked;
    return HUSK_TRY(Finish(std::move(raw)));
}

}  // namespace husk
