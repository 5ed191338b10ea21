# The package that microvm.nix's host module and `microvm` start VMs from: bin/microvm-run, bin/microvm-shutdown.
{
  pkgs,
  husk,
  microvmConfig,
  toplevel,
}:

let
  inherit (pkgs) lib;
  inherit (microvmConfig) hostName;
  runner = import ./microvm-runner.nix { inherit pkgs husk microvmConfig; };

  # Volumes with autoCreate are made at the first start: under another name first, so that one whose making was cut
  # short is made again.
  tools = with pkgs; {
    ext2 = [ e2fsprogs "-L" ];
    ext3 = [ e2fsprogs "-L" ];
    ext4 = [ e2fsprogs "-L" ];
    xfs = [ xfsprogs "-L" ];
    btrfs = [ btrfs-progs "-L" ];
    vfat = [ dosfstools "-n" ];
  };
  createVolume =
    { image, ... }@volume:
    let
      type = volume.fsType or "ext4";
      tool = tools.${type} or (throw "husk cannot make the volume ${image}: ${type} is none of ${toString (builtins.attrNames tools)}");
      path = lib.escapeShellArg image;
      part = lib.escapeShellArg "${image}.part";
      label = lib.optionals ((volume.label or null) != null) [
        (builtins.elemAt tool 1)
        volume.label
      ];
      mkfs = [ "mkfs.${type}" ] ++ label ++ (volume.mkfsExtraArgs or [ ]) ++ [ "${image}.part" ];
    in
    lib.optionalString (volume.autoCreate or true) ''
      if [ ! -e ${path} ]; then
        rm -f ${part}
        truncate -s ${toString volume.size}M ${part}
        PATH=${lib.makeBinPath [ (builtins.head tool) ]}:$PATH ${lib.escapeShellArgs mkfs}
        mv ${part} ${path}
      fi
    '';

  scripts = (microvmConfig.binScripts or { }) // {
    microvm-run = ''
      set -euo pipefail
      PATH=${lib.makeBinPath [ pkgs.coreutils ]}:$PATH
      ${runner.preStart}
      ${lib.concatMapStrings createVolume microvmConfig.volumes}
      exec ${runner.command}
    '';
    microvm-shutdown = runner.shutdownCommand;
  };
in
pkgs.runCommand "microvm-husk-${hostName}"
  {
    meta.mainProgram = "microvm-run";
    passthru = {
      inherit (runner) canShutdown supportsNotifySocket;
      hypervisor = "husk";
      tapMultiQueue = false;
    };
  }
  ''
    mkdir -p $out/bin $out/share/microvm
    ${lib.concatStrings (
      lib.mapAttrsToList (name: lines: ''
        ln -s ${pkgs.writeShellScript "microvm-${hostName}-${name}" lines} $out/bin/${name}
      '') scripts
    )}
    ${lib.optionalString (microvmConfig.systemSymlink or false) "ln -s ${toplevel} $out/share/microvm/system"}
  ''
