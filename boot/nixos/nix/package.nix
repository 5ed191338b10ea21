# husk, built by its own CMake: `pkgs.callPackage ./package.nix { }`.
{
  lib,
  stdenv,
  cmake,
  ninja,
  patchelf,
  pkg-config,
  python3,
  cli11,
  fmt,
  gbenchmark,
  gtest,
  libseccomp,
  libselinux,
  nlohmann_json,
  spdlog,
  xz,
  zlib,
  zstd,
}:

stdenv.mkDerivation {
  pname = "husk";
  version = "0.1.0";

  src = lib.cleanSourceWith {
    src = lib.cleanSource ../../..;
    filter = path: type: !(type == "directory" && baseNameOf path == "build");
  };

  strictDeps = true;
  nativeBuildInputs = [
    cmake
    ninja
    patchelf
    pkg-config
    python3
  ];
  # gtest and gbenchmark are looked for by the configuration; what needs them is not built.
  buildInputs = [
    cli11
    fmt
    gbenchmark
    gtest
    libseccomp
    libselinux
    nlohmann_json
    spdlog
    xz
    zlib
    zstd
  ];

  cmakeBuildType = "Release";
  ninjaFlags = [ "husk" ];
  # Warnings are errors for the compilers that husk is tested with; this may be a newer one.
  env.NIX_CFLAGS_COMPILE = "-Wno-error";

  # Not ninja's install, which builds everything first.
  installPhase = ''
    runHook preInstall
    cmake --install .
    runHook postInstall
  '';

  # `husk check` loads these by name when an initrd is compressed by them.
  postFixup = ''
    patchelf --add-rpath ${
      lib.makeLibraryPath [
        xz
        zlib
        zstd
      ]
    } $out/bin/husk
  '';

  meta = {
    description = "A micro-VMM: the thin shell around one guest kernel";
    license = lib.licenses.asl20;
    mainProgram = "husk";
    platforms = [ "x86_64-linux" ];
  };
}
