# What one VM of services.husk.vms can be told. The names are those of command.nix, where the combinations are checked.
{ lib }:

let
  inherit (lib) mkOption types;

  optional =
    type: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit description;
    };

  flag =
    default: description:
    mkOption {
      type = types.bool;
      inherit default description;
    };

  inherit (import ./device-options.nix { inherit lib optional flag; })
    disk
    network
    port
    consoleLog
    ;
in
{
  # What to boot: one of nixos, bootDisk, iso and kernel.
  nixos = optional types.raw "A NixOS system: a configuration, its toplevel, or a folder with a netboot or kexec output.";
  specialisation = optional types.str "The specialisation to boot.";
  ignoreSecrets = flag false "Whether to boot a system that wants secrets in its initrd without them.";
  bootDisk = flag false "Whether to boot what is installed on the first disk.";
  generation = optional (types.either types.int types.str) "The generation or entry to boot instead of the default.";
  once = flag false "Whether generation counts for the first boot only.";
  iso = optional types.str "An ISO to boot. It becomes the first disk.";
  kernel = optional types.str "A kernel to boot: a bzImage, or an ELF vmlinux.";
  initrd = optional types.str "The initial RAM disk that goes with kernel.";
  cmdline = mkOption {
    type = types.str;
    default = "";
    description = "The kernel's command line; where the boot source has one, what to add to it.";
  };

  cpus = mkOption {
    type = types.ints.between 1 64;
    default = 1;
    description = "Virtual CPUs.";
  };
  memory = mkOption {
    type = types.strMatching "[1-9][0-9]*[KMG]?";
    default = "512M";
    example = "2G";
    description = "Guest memory.";
  };
  hugepages = flag false "Whether to take guest memory from the host's pool of 2 MiB pages.";
  disks = mkOption {
    type = types.listOf disk;
    default = [ ];
    example = [
      "root.raw"
      {
        path = "/dev/vg/data";
        serial = "data";
      }
    ];
    description = "Disks, in the order in which the guest finds them: vda, vdb, ...";
  };
  networks = mkOption {
    type = types.listOf network;
    default = [ ];
    example = [
      { passt = true; }
      {
        tap = "vm-a";
        mac = "52:54:00:09:00:02";
        ip = [ "10.9.0.2" ];
        isolated = true;
        peers = [ "52:54:00:09:00:03" ];
      }
    ];
    description = "Network cards. A guest may send only as itself, and over passt only to the public internet, unless told otherwise.";
  };
  ports = mkOption {
    type = types.listOf port;
    default = [ ];
    example = [ "agent" ];
    description = "Ports for guest agents, by their names in the guest; each is a unix socket on the host, which root can connect to.";
  };
  console = optional types.str "A unix socket for the console, which root can connect to. Default: /run/husk-NAME/console.";
  logConsole = optional consoleLog "A file that keeps what the console shows, too.";
  onReboot = mkOption {
    type = types.enum [
      "restart"
      "exit"
    ];
    default = "restart";
    description = "Whether a reboot of the guest starts it anew, or ends the service.";
  };
  extraArgs = mkOption {
    type = types.listOf types.str;
    default = [ ];
    example = [ "--require=selinux" ];
    description = "More arguments for husk run.";
  };

  # How the service runs.
  autoStart = flag true "Whether the VM starts with the host.";
  restartIfChanged = flag false "Whether nixos-rebuild switch restarts the VM when its definition has changed.";
  user = optional types.str "The user that husk runs as. Default: one of the VM's own, husk-NAME, which the module creates.";
  stopTimeout = mkOption {
    type = types.str;
    default = "2min";
    description = "How long the guest has for shutting down after its power button was pressed; then it is killed.";
  };
}
