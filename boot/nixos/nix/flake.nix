# husk for NixOS. README.md beside this file says what each output is for.
{
  description = "husk: a micro-VMM that boots NixOS headless";

  inputs.nixpkgs.url = "flake:nixpkgs";

  outputs =
    { self, nixpkgs }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      inherit (self.packages.${system}) husk;

      # Ours unless the caller brings another husk.
      withHusk = file: arguments: import file ({ inherit husk; } // arguments);
    in
    {
      packages.${system} = {
        husk = pkgs.callPackage ./package.nix { };
        default = husk;
      };
      overlays.default = final: _: { husk = final.callPackage ./package.nix { }; };

      nixosModules = {
        guest = ./guest.nix;
        hardened-guest = ./hardened-guest.nix;
        host =
          { lib, ... }:
          {
            imports = [ ./host.nix ];
            services.husk.package = lib.mkDefault husk;
          };
        microvm =
          { lib, ... }:
          {
            imports = [ ./microvm.nix ];
            microvm.husk.package = lib.mkDefault husk;
          };
      };

      lib = {
        mkRunner = withHusk ./runner.nix;
        microvmRunner = withHusk ./microvm-runner.nix;
      };
    };
}
