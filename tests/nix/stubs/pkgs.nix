# Packages that are only names. What would build something keeps what it was given, for the tests to look at.
{ lib, husk }:

let
  package = name: attributes: attributes // {
    type = "derivation";
    inherit name;
    outPath = attributes.outPath or "/stub/${name}";
  };
  named = names: builtins.listToAttrs (map (name: lib.nameValuePair name (package name { })) names);

  pkgs =
    named [
      "btrfs-progs"
      "cli11"
      "cmake"
      "dosfstools"
      "e2fsprogs"
      "fmt"
      "gbenchmark"
      "gtest"
      "libseccomp"
      "libselinux"
      "ninja"
      "nlohmann_json"
      "passt"
      "patchelf"
      "pkg-config"
      "python3"
      "spdlog"
      "xfsprogs"
      "xz"
      "zlib"
      "zstd"
    ]
    // {
      inherit lib;
      # The programs of the machine that the tests run on.
      coreutils = package "coreutils" { outPath = "/usr"; };

      # Only husk is built by this.
      stdenv.mkDerivation = attributes: package attributes.pname { inherit attributes; outPath = husk; };
      writeShellScript = name: text: package name { inherit text; };
      writeShellScriptBin = name: text: package name { inherit text; };
      runCommand = name: attributes: script: package name { inherit attributes script; };
      callPackage =
        file: arguments:
        let
          function = import file;
          wanted = builtins.functionArgs function;
        in
        function (builtins.intersectAttrs wanted pkgs // arguments);
    };
in
pkgs
