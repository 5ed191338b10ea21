# microvmRunner: husk as one more file of microvm.nix's lib/runners. It takes what those take and gives what they give.
# What husk has no device for is refused when the VM is evaluated, so that nobody misses it at run time.
{
  pkgs,
  husk,
  microvmConfig,
  linuxTarget ? "bzImage",
  ...
}:

let
  inherit (pkgs) lib;
  inherit (microvmConfig)
    hostName
    kernel
    kernelParams
    mem
    storeDisk
    storeOnDisk
    vcpu
    volumes
    ;

  # Options that a release of microvm.nix does not have are as good as unset.
  option = path: unset: lib.attrByPath path unset microvmConfig;
  isSet = path: unset: option path unset != unset;
  refusals =
    lib.concatMap (
      { type, id, ... }:
      lib.optional (type != "tap" && type != "user") "its networks are taps and passt: the interface ${id} is of type ${type}"
    ) interfaces
    ++ lib.optional (isSet [ "forwardPorts" ] [ ]) "it forwards no ports: empty microvm.forwardPorts"
    ++ lib.optional (isSet [ "shares" ] [ ]) "it shares no folders with the guest: empty microvm.shares, which puts the store onto a disk"
    ++ lib.optional (isSet [ "devices" ] [ ]) "it passes no devices through: empty microvm.devices"
    ++ lib.optional (isSet [ "vsock" "cid" ] null) "it has no vsock: unset microvm.vsock.cid"
    ++ lib.optional (isSet [ "graphics" "enable" ] false) "it has no display: unset microvm.graphics.enable"
    ++ lib.optional (isSet [ "cpu" ] null) "it emulates no processor: unset microvm.cpu"
    ++ lib.optional (isSet [ "user" ] null) "it does not change its user: start it as that user and unset microvm.user"
    ++ lib.optional (isSet [ "balloon" ] false) "it has no memory balloon: unset microvm.balloon"
    ++ lib.optional (isSet [ "balloonMem" ] 0) "it has no memory balloon: unset microvm.balloonMem"
    ++ lib.optional (isSet [ "initialBalloonMem" ] 0) "it has no memory balloon: unset microvm.initialBalloonMem"
    ++ lib.optional (isSet [ "hotplugMem" ] 0) "it plugs no memory in: unset microvm.hotplugMem"
    ++ lib.optional (isSet [ "hotpluggedMem" ] 0) "it plugs no memory in: unset microvm.hotpluggedMem"
    ++ lib.optional (isSet [ "credentialFiles" ] { }) "it hands no credentials over: empty microvm.credentialFiles"
    ++ lib.optional (isSet [ "extraArgsScript" ] null) "its arguments are known when it is built: unset microvm.extraArgsScript"
    ++ lib.concatMap (
      { image, ... }@volume:
      lib.optional ((volume.imageType or "raw") != "raw") "it reads raw images only: the volume ${image} is ${volume.imageType}"
    ) volumes;

  # The store has to be the first disk: a squashfs is mounted as /dev/vda.
  disks =
    lib.optional storeOnDisk {
      path = "${storeDisk}";
      readOnly = true;
    }
    ++ map (
      { image, ... }@volume:
      {
        path = image;
        readOnly = volume.readOnly or false;
        serial = volume.serial or null;
        direct = volume.direct or false;
      }
    ) volumes;

  # Taps are microvm.nix' own to make. "user" is a network without privileges, which passt is here.
  interfaces = option [ "interfaces" ] [ ];
  networks = map (
    { type, id, mac, ... }:
    { inherit mac; } // (if type == "tap" then { tap = id; } else { passt = true; })
  ) interfaces;

  namesConsole = lib.any (lib.hasPrefix "console=") kernelParams;
  arguments = import ./command.nix { inherit lib; } {
    name = hostName;
    kernel = "${kernel.out or kernel}/${linuxTarget}";
    initrd = "${microvmConfig.initrdPath}";
    cmdline = lib.concatStringsSep " " (lib.optional (!namesConsole) "console=ttyS0" ++ kernelParams);
    cpus = vcpu;
    memory = "${toString mem}M";
    hugepages = option [ "hugepageMem" ] false;
    inherit disks networks;
  };

  # A process by its number and the time of its start (the 22nd field of stat, the 20th behind the name, which may hold
  # blanks): another process that got the number later is not taken for it.
  pidFile = lib.escapeShellArg "${hostName}.husk.pid";
  startTime = ''husk_stat() { local stat; stat=$(< "/proc/$1/stat") && stat=(''${stat##*) }) && echo "$1 ''${stat[19]}"; }'';
in
{
  command =
    if refusals != [ ] then
      throw "husk cannot run ${hostName}: ${lib.concatStringsSep "; " refusals}"
    else
      lib.escapeShellArgs ([ "${husk}/bin/husk" ] ++ arguments);

  # microvm-run becomes husk by exec, so its number is husk's.
  preStart = ''
    ${microvmConfig.preStart or ""}
    ${startTime}
    husk_stat "$$" > ${pidFile}
  '';

  canShutdown = true;
  # SIGTERM presses the power button. Waits for the end of the VM, as systemd's ExecStop has to; once, as a second
  # SIGTERM would end the VM at once.
  shutdownCommand = ''
    ${startTime}
    read -r pid started < ${pidFile} || exit 1
    running() { [ "$(husk_stat "$pid" 2>/dev/null)" = "$pid $started" ]; }
    if running; then kill -TERM "$pid" || exit 1; fi
    while running; do ${pkgs.coreutils}/bin/sleep 0.2; done
  '';

  supportsNotifySocket = false;
}
