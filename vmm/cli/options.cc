#include "vmm/cli/options.h"

#include "devices/virtio/console/console_config.h"
#include "vmm/cli/comma_list.h"
#include "vmm/cli/command_syntax.h"

namespace husk {
namespace {

constexpr const char* kStatuses =
    "Exit status: 0 the guest powered off, 1 host failure, 2 wrong usage, 3 the guest asked for a\n"
    "reboot under --on-reboot exit, 4 the guest crashed, 5 a confinement layer was refused,\n"
    "6 the boot source cannot be used, 7 a role was killed for a forbidden system call,\n"
    "128+N the VM was ended by signal N (or Ctrl-] k: 137) before the guest powered off.\n\n"
    "On a terminal, Ctrl-] is husk's: q presses the power button, s switches between the serial port and\n"
    "hvc0, k ends the VM, h helps.";

constexpr const char* kAttachNotes =
    "On a terminal, Ctrl-] detaches; the VM runs on. With pipes every byte is the guest's, and the end of\n"
    "standard input leaves the output running until the VM closes its console. One client at a time is\n"
    "attached; the next one waits.\n\n"
    "Exit status: 0 detached, or the VM closed its console, 1 there is no console, 2 wrong usage, 128+N\n"
    "ended by signal N.";

// What is filled in before it is checked.
struct RawConfinement {
    std::vector<std::string> require;  // lists with commas
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
    std::string console_log;
    std::vector<std::string> ports;
    std::string uart = "on";
    std::string on_reboot = "restart";
    std::string log_level = "info";
    RawConfinement confinement;
};

// The same for run, which does it, and for doctor, which says what it would do.
void DescribeConfinement(CommandSyntax& command, RawConfinement& raw, ConfinementConfig& config) {
    command.Add("--require", "LAYER,...", &raw.require,
                "refuse to run without these confinement layers, even where the host lacks them");
    command.Add("--without", "LAYER,...", &raw.without,
                "do without these confinement layers, even where the host has them");
    command.Add("--selinux", "auto|required|off", &raw.selinux,
                "SELinux: auto (required where it is active), required or off (as --without selinux)");
    command.Add("--selinux-type", "TYPE", &config.selinux.type, "run the guest in this SELinux domain");
    command.Add("--selinux-label", "CONTEXT", &config.selinux.label,
                "run the guest in this SELinux context, as it is: no categories are chosen");
}

void Describe(CommandSyntax& run, RawRun& raw) {
    MachineConfig& machine = raw.command.machine;
    run.Add("--kernel", "FILE", &machine.kernel, "boot this kernel: a bzImage, or an ELF vmlinux with a PVH entry");
    run.Add("--initrd", "FILE", &machine.initrd, "its initial RAM disk");
    run.Add("--nixos", "DIR", &raw.nixos,
            "boot a NixOS system: the result of building its toplevel, or a netboot output");
    run.Add("--boot", "disk", &raw.boot, "disk: boot what the first --disk has installed");
    run.Add("--iso", "FILE", &raw.iso, "boot this ISO, which becomes the first disk, read-only");
    run.Add("--generation", "N|ENTRY", &machine.source.entry,
            "of a disk: boot this generation, or the entry of this name, instead of the default");
    run.Add("--specialisation", "NAME", &machine.source.specialisation, "boot this specialisation of the system");
    run.AddFlag("--once", machine.source.once, "take --generation for the first boot only, then the default");
    run.AddFlag("--ignore-secrets", machine.source.ignore_secrets,
                "boot a system without the secrets it wants appended to its initrd");
    run.AddText("--cmdline", "TEXT", &machine.command_line,
                "the kernel's command line, passed on as it is; where the boot source has one, behind that");
    run.Add("--cpus", "N", &raw.cpus, "virtual CPUs");
    run.Add("--memory", "SIZE", &raw.memory, "guest memory, like 512M or 2G");
    run.AddFlag("--hugepages", machine.huge_pages, "take guest memory from the host's pool of 2 MiB pages");
    run.Add("--disk", "FILE[,ro][,OPTION=VALUE...]", &raw.disks,
            "a disk: a raw image or a block device; may be given several times (vda, vdb, ...)");
    run.Add("--net", "tap=NAME|fd=N|passt[=SOCKET]|none[,mac=M][,mtu=N][,queues=N]", &raw.nets,
            "a network card on a tap, on a tap that is open already, on passt (no privileges needed), or on "
            "nothing; may be given several times");
    run.Add("--console", "WHERE", &raw.console, "where the console is: stdio, pty, unix=PATH, file=PATH[,raw] or none");
    run.Add("--log-console", "FILE[,max=SIZE][,raw]", &raw.console_log,
            "keep what the console shows in FILE, too: the newest 16M (or max=SIZE) of it, without escape "
            "sequences unless raw");
    run.Add("--port", "name=NAME,unix=PATH", &raw.ports,
            "a port of the guest's virtio console, /dev/virtio-ports/NAME, at a unix socket; up to 4 times");
    run.Add("--uart", "on|off", &raw.uart, "the serial port ttyS0: on or off");
    run.AddFlag("--virtio-trap", machine.virtio_trap,
                "let every read of a virtio register end in husk (slower; to compare)");
    run.Add("--on-reboot", "restart|exit", &raw.on_reboot, "when the guest reboots: restart it, or exit with status 3");
    run.Add("--name", "NAME", &machine.name, "the VM's name, shown in process titles");
    run.Add("--stats", "FILE", &machine.stats, "write counters and a timeline to FILE, as JSON");
    DescribeConfinement(run, raw.confinement, machine.confinement);
    run.Add("--log-level", "LEVEL", &raw.log_level, "debug, info, warning, error or off");
    run.Add("--kvm", "PATH", &machine.kvm_device, "the KVM device");
    run.SetNotes(kStatuses);
}

void DescribeSource(CommandSyntax& command, std::string& source) {
    command.AddWord("source", "SOURCE", source, "a folder with a NixOS system, a disk image or an ISO");
}

Result<bool> OneOf(const std::string& option, const std::string& value, const char* yes, const char* no) {
    if (value == yes) return true;
    if (value == no) return false;
    return Fail(ErrorKind::kUsage, option + " takes " + yes + " or " + no + ", not \"" + value + "\"");
}

std::string KnownLayers() {
    std::string known;
    for (const Layer each : kAllLayers) known.append(known.empty() ? "" : ", ").append(LayerName(each));
    return known;
}

Result<LayerSet> ParseLayers(const std::string& option, const std::vector<std::string>& lists) {
    LayerSet layers;
    for (const std::string& list : lists) {
        for (const std::string& name : SplitAtCommas(list)) {
            const auto layer = LayerFromName(name);
            if (!layer) {
                return Fail(ErrorKind::kUsage,
                            option + ": \"" + name + "\" is no confinement layer; they are: " + KnownLayers());
            }
            layers.Add(*layer);
        }
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

// What each of them cannot say by itself.
Result<> CheckPorts(const MachineConfig& machine) {
    if (machine.ports.size() > console_config::kMaxNamedPorts) return Usage("--port may be given 4 times at most");
    for (auto port = machine.ports.begin(); port != machine.ports.end(); ++port) {
        if (machine.console.kind == ConsoleTarget::Kind::kUnix && port->path == machine.console.path)
            return Usage("--port " + port->name + ": the console is at " + port->path + " already");
        for (auto other = machine.ports.begin(); other != port; ++other) {
            if (other->name == port->name) return Usage("--port: there are two ports of the name " + port->name);
            if (other->path == port->path)
                return Usage("--port: ports " + other->name + " and " + port->name + " are both at " + port->path);
        }
    }
    return {};
}

Result<RunCommand> Finish(RawRun raw) {
    MachineConfig& machine = raw.command.machine;
    machine.vcpus = HUSK_TRY(ParseCpus(raw.cpus));
    machine.memory_bytes = HUSK_TRY_IN("--memory", ParseSize(raw.memory));
    machine.console = HUSK_TRY(ParseConsole(raw.console));
    if (!raw.console_log.empty()) machine.console_log = HUSK_TRY(ParseConsoleLog(raw.console_log));
    for (const std::string& port : raw.ports) machine.ports.push_back(HUSK_TRY(ParsePort(port)));
    HUSK_TRY(CheckPorts(machine));
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
    CommandSyntax husk("husk", "husk: a micro-VMM, the thin shell around one guest kernel");
    bool version = false;
    husk.AddFinal("--version", version, "print husk's version and exit");
    RawRun raw;
    CommandSyntax& run = husk.AddCommand("run", "boot a guest and stay until it ends");
    Describe(run, raw);
    DoctorCommand doctor;
    CommandSyntax& check = husk.AddCommand("doctor", "say what this host offers and what is missing");
    check.Add("--kvm", "PATH", &doctor.kvm_device, "the KVM device");
    check.AddFlag("--seccomp", doctor.print_tables,
                  "instead: print what each thread of a running VM may ask of the kernel, and why");
    RawConfinement doctor_confinement;
    DescribeConfinement(check, doctor_confinement, doctor.confinement);
    AttachCommand attached;
    CommandSyntax& attacher = husk.AddCommand("console", "be at the console of a running VM (--console unix=PATH)");
    attacher.AddWord("path", "PATH", attached.path, "the console's socket");
    attacher.SetNotes(kAttachNotes);
    ListCommand list;
    CommandSyntax& lister = husk.AddCommand("list", "say what a NixOS system, a disk image or an ISO has to boot");
    DescribeSource(lister, list.source);
    lister.AddFlag("--json", list.json, "as JSON");
    CheckCommand checked;
    CommandSyntax& checker =
        husk.AddCommand("check", "say what of a NixOS system, a disk image or an ISO will not work, and how to fix it");
    DescribeSource(checker, checked.source);
    checker.Add("--generation", "N|ENTRY", &checked.entry,
                "of a disk: this generation or entry instead of the default");
    checker.Add("--specialisation", "NAME", &checked.specialisation, "this specialisation of the system");
    checker.Add("--disk", "FILE", &checked.disks, "a disk that will be attached beside it; may be given several times");
    CommandSyntax& image = husk.AddCommand("image", "make disk images");
    ImageStoreCommand store;
    CommandSyntax& storer = image.AddCommand("store", "the closure of a NixOS system as a read-only disk of its store");
    storer.AddWord("dir", "DIR", store.folder, "the system: the result of building its toplevel");
    storer.AddWord("out", "OUT", store.out, "the image to make: erofs when it ends in .erofs, else squashfs");
    storer.Add("--closure", "FILE", &store.closure,
               "a file with the store paths, a line each, instead of asking nix-store");
    const auto parsed = husk.Parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(argc > 0 ? 1 : 0));
    const auto refuse = [&](const Error& error) {
        const std::string hint = " (" + husk.Reached().Name() + " --help says more)";
        return Fail(error.Kind(), error.Message() + (error.Kind() == ErrorKind::kUsage ? hint : ""));
    };
    if (!parsed) return refuse(parsed.error());
    const CommandSyntax* const chosen = *parsed;
    if (version) return PrintCommand{"husk " HUSK_VERSION "\n"};
    if (chosen->HelpAsked()) return PrintCommand{chosen->Help()};
    if (chosen == &check) {
        const auto settled = FinishConfinement(doctor_confinement, doctor.confinement);
        if (!settled) return refuse(settled.error());
        return doctor;
    }
    if (chosen == &attacher) return attached;
    if (chosen == &lister) return list;
    if (chosen == &storer) return store;
    if (chosen == &checker) return checked;
    auto finished = Finish(std::move(raw));
    if (!finished) return refuse(finished.error());
    return *std::move(finished);
}

}  // namespace husk
