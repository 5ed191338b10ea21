# For a guest of microvm.nix, beside its own module: husk becomes what starts it. The names of hypervisors are a closed
# list there, so microvm.hypervisor stays as it is and microvm.declaredRunner, which all of microvm.nix goes through, is set.
{
  config,
  lib,
  pkgs,
  ...
}:

{
  options.microvm.husk.package = lib.mkOption {
    type = lib.types.package;
    default = pkgs.callPackage ./package.nix { };
    defaultText = lib.literalMD "husk from this source";
    description = "The husk that runs the VM.";
  };

  config.microvm.declaredRunner = import ./microvm-package.nix {
    inherit pkgs;
    husk = config.microvm.husk.package;
    microvmConfig = config.microvm // {
      inherit (config.networking) hostName;
    };
    inherit (config.system.build) toplevel;
  };
}
