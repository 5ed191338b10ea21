# The command line of one VM: what `husk run` is told, as a list of arguments that nobody has quoted yet. Everything here
# that starts a VM (the runner, the host module) goes through this function, so that all of it checks alike.
{ lib }:

let
  inherit (lib) optional;

  # A NixOS configuration stands for its toplevel; a path, a string or a package for itself.
  folderOf = nixos: if nixos ? config.system.build.toplevel then nixos.config.system.build.toplevel else nixos;

  # Paths keep to where they are on the host: "${./root.raw}" would copy the disk into the store.
  text = value: if builtins.isPath value then toString value else "${value}";
in

{
  name,
  nixos ? null,
  specialisation ? null,
  ignoreSecrets ? false,
  bootDisk ? false,
  generation ? null,
  once ? false,
  iso ? null,
  kernel ? null,
  initrd ? null,
  cmdline ? "",
  cpus ? 1,
  memory ? "512M",
  hugepages ? false,
  disks ? [ ],
  networks ? [ ],
  ports ? [ ],
  console ? "stdio",
  logConsole ? null,
  onReboot ? "restart",
  extraArgs ? [ ],
}:

let
  refuse = reason: throw "husk: VM \"${name}\": ${reason}";

  sources =
    optional (nixos != null) "nixos"
    ++ optional bootDisk "bootDisk"
    ++ optional (iso != null) "iso"
    ++ optional (kernel != null) "kernel";

  inherit (import ./device-arguments.nix { inherit lib refuse; })
    diskArgument
    networkArgument
    portArgument
    logArgument
    ;

  # Name and value in one argument: a value that starts with a dash stays a value.
  value = option: given: optional (given != null) "--${option}=${text given}";

  complaint =
    if builtins.match "[A-Za-z0-9_.-]{1,63}" name == null then
      "a name is 1 to 63 letters, digits, \"-\", \"_\" and \".\""
    else if sources == [ ] then
      "nothing to boot: set nixos, bootDisk, iso or kernel"
    else if builtins.length sources > 1 then
      "${lib.concatStringsSep " and " sources} each say what to boot: set one of them"
    else if bootDisk && disks == [ ] then
      "bootDisk boots the first of disks, and there is none"
    else if initrd != null && kernel == null then
      "initrd goes with kernel only"
    else if generation != null && !bootDisk && iso == null then
      "generation goes with bootDisk or iso only"
    else if once && generation == null then
      "once goes with generation only"
    else if specialisation != null && kernel != null then
      "specialisation does not go with kernel"
    else if builtins.length disks + (if iso != null then 1 else 0) > 8 then
      "a VM has at most 8 disks, the ISO among them"
    else if builtins.length networks > 4 then
      "a VM has at most 4 networks"
    else if builtins.length ports > 4 then
      "a VM has at most 4 ports"
    else
      null;
in
if complaint != null then
  refuse complaint
else
  [
    "run"
    "--name=${name}"
  ]
  ++ value "nixos" (if nixos == null then null else folderOf nixos)
  ++ value "kernel" kernel
  ++ value "initrd" initrd
  ++ value "iso" iso
  ++ map diskArgument disks
  ++ map networkArgument networks
  ++ map portArgument ports
  ++ optional bootDisk "--boot=disk"
  ++ value "specialisation" specialisation
  ++ value "generation" (if builtins.isInt generation then toString generation else generation)
  ++ optional once "--once"
  ++ optional ignoreSecrets "--ignore-secrets"
  ++ optional (cmdline != "") "--cmdline=${cmdline}"
  ++ [
    "--cpus=${toString cpus}"
    "--memory=${memory}"
  ]
  ++ optional hugepages "--hugepages"
  ++ [
    "--console=${console}"
    "--on-reboot=${onReboot}"
  ]
  ++ optional (logConsole != null) (logArgument logConsole)
  ++ extraArgs
