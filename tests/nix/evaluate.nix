# What the tests look at: husk's expressions, evaluated against the stubs. `husk` is the package to put into command
# lines; `json` is what a test gives them, so that it stands beside what the test expects.
{
  husk ? "/stub/husk",
  json ? "{}",
}:

let
  sources = ../../boot/nixos/nix;
  lib = import ./stubs/lib.nix;
  pkgs = import ./stubs/pkgs.nix { inherit lib husk; };
  given = builtins.fromJSON json;

  evaluate =
    modules:
    (lib.evalModules {
      modules = modules ++ [ { config = given; } ];
      specialArgs = {
        inherit pkgs;
        utils = { inherit (lib) escapeSystemdExecArgs; };
      };
    }).config;

  # As a flake is called: `self` is what it gives.
  nixpkgs.legacyPackages.x86_64-linux = pkgs;
  flake = (import (sources + "/flake.nix")).outputs {
    self = flake;
    inherit nixpkgs;
  };

  microvmConfig = {
    hostName = "tiny";
    interfaces = [ ];
    shares = [ ];
    devices = [ ];
    volumes = [ ];
    kernel = "/stub/kernel";
    initrdPath = "/stub/initrd";
    kernelParams = [ "init=/nix/store/x/init" ];
    storeDisk = "/stub/store.erofs";
    storeOnDisk = true;
    vcpu = 2;
    mem = 768;
  };
in
{
  # The text of the program.
  runner = (flake.lib.mkRunner ({ inherit pkgs; } // given)).text;
  runnerOfConfiguration = (flake.lib.mkRunner {
    inherit pkgs;
    name = "web";
    nixos.config.system.build.toplevel = "/nix/store/x-nixos-system";
  }).text;

  # What nixpkgs itself says of these, at its own priorities.
  guest = evaluate [
    flake.nixosModules.guest
    { boot.initrd.availableKernelModules = [ "ahci" ]; }
  ];
  hardened = evaluate [
    flake.nixosModules.guest
    flake.nixosModules.hardened-guest
    { boot.kernel.sysctl."kernel.kptr_restrict" = lib.mkDefault 1; }
  ];
  host = evaluate [ flake.nixosModules.host ];
  vmOptions = builtins.attrNames (import (sources + "/vm-options.nix") { inherit lib; });
  commandArguments = builtins.attrNames (builtins.functionArgs (import (sources + "/command.nix") { inherit lib; }));

  microvmRunner = flake.lib.microvmRunner {
    inherit pkgs;
    linuxTarget = "bzImage";
    microvmConfig = microvmConfig // given;
  };
  microvmRunnerNames = builtins.attrNames (flake.lib.microvmRunner { inherit pkgs microvmConfig; });
  microvm =
    let
      module = evaluate [
        flake.nixosModules.microvm
        {
          options.microvm.declaredRunner = lib.mkOption {
            type = lib.types.package;
            default = pkgs.e2fsprogs;
          };
          config = {
            microvm = removeAttrs microvmConfig [ "hostName" ];
            networking.hostName = "tiny";
            system.build.toplevel = "/stub/toplevel";
          };
        }
      ];
    in
    {
      inherit (module.microvm.declaredRunner) script attributes;
    };
  # The scripts that the package above links, whole: they are run.
  microvmScripts = import (sources + "/microvm-package.nix") {
    pkgs = pkgs // {
      runCommand = _: _: script: script;
      writeShellScript = name: text: "\n=== ${name}\n${text}\n===\n";
    };
    inherit (flake.packages.x86_64-linux) husk;
    microvmConfig = microvmConfig // given;
    toplevel = "/stub/toplevel";
  };

  package =
    let
      inherit (flake.packages.x86_64-linux.husk) attributes;
    in
    removeAttrs attributes [ "src" ]
    // {
      source = toString attributes.src.src;
      keepsBuildFolder = attributes.src.filter "/x/build" "directory";
      keepsBuildFile = attributes.src.filter "/x/.ci/build" "regular";
      keepsFolder = attributes.src.filter "/x/boot" "directory";
    };
  flake = {
    lib = builtins.attrNames flake.lib;
    modules = builtins.attrNames flake.nixosModules;
    packages = builtins.attrNames flake.packages.x86_64-linux;
    overlay = (flake.overlays.default pkgs { }).husk.name;
    inputs = (import (sources + "/flake.nix")).inputs;
  };
}
