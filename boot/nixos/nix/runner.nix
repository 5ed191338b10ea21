# mkRunner: a package with one program, bin/husk-NAME, that starts a VM in the terminal it is called from.
#
#   mkRunner { inherit pkgs; name = "web"; nixos = self.nixosConfigurations.web; disks = [ "root.raw" ]; }
#
# The attributes beside pkgs and husk are those of command.nix. Arguments of the program follow the ones written here.
# Paths of disks that are strings are looked up when it runs, in the folder it is called from.
{ pkgs, husk, ... }@arguments:

let
  inherit (pkgs) lib;
  vm = removeAttrs arguments [
    "pkgs"
    "husk"
  ];
  command = [ "${husk}/bin/husk" ] ++ import ./command.nix { inherit lib; } vm;
in
pkgs.writeShellScriptBin "husk-${vm.name}" ''
  exec ${lib.escapeShellArgs command} "$@"
''
