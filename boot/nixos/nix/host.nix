# VMs as services of a NixOS host: services.husk.vms.NAME becomes husk-NAME.service, with a user and a folder of its own.
#   systemctl stop husk-NAME     presses the guest's power button and waits
#   systemctl reload husk-NAME   shows the guest new sizes of its disks
#   socat -,raw,echo=0,escape=0x1d unix-connect:/run/husk-NAME/console     its console, for root; Ctrl-] leaves
{
  config,
  lib,
  pkgs,
  utils,
  ...
}:

let
  inherit (lib) mkOption types;
  cfg = config.services.husk;

  commandLine = import ./command.nix { inherit lib; };
  ownUser = name: "husk-${name}";
  userOf = name: vm: if vm.user != null then vm.user else ownUser name;
  withOwnUser = lib.filterAttrs (_: vm: vm.user == null) cfg.vms;

  # The options that say how the service runs are not husk's.
  arguments =
    vmName: vm:
    commandLine (
      removeAttrs vm [
        "autoStart"
        "restartIfChanged"
        "user"
        "stopTimeout"
      ]
      // {
        name = vmName;
        networks = map (network: removeAttrs network [ "createTap" ]) vm.networks;
        ports = map (
          { name, path }:
          {
            inherit name;
            path = if path != null then path else "/run/${ownUser vmName}/port-${name}";
          }
        ) vm.ports;
        console = "unix=${if vm.console != null then vm.console else "/run/${ownUser vmName}/console"}";
      }
    );

  # Disks that are devices, for the cgroup's list. As everywhere in a unit, "%" stands for itself when it is doubled.
  deviceOf =
    { path, readOnly, ... }:
    let
      quoted = builtins.replaceStrings [ "%" ] [ "%%" ] (builtins.toJSON path);
    in
    lib.optional (lib.hasPrefix "/dev/" path) "${quoted} ${if readOnly then "r" else "rw"}";

  # Taps are made by NixOS, before the VM starts, for the user who opens them: husk makes none without privileges.
  taps = vm: builtins.filter ({ tap, ... }: tap != null) vm.networks;
  tapInterfaces =
    name: vm:
    map (
      { tap, ... }:
      lib.nameValuePair tap {
        virtual = true;
        virtualType = "tap";
        virtualOwner = userOf name vm;
        useDHCP = lib.mkDefault false;
      }
    ) (builtins.filter ({ createTap, ... }: createTap) (taps vm));

  isoDisk =
    vm:
    lib.optional (vm.iso != null) {
      path = vm.iso;
      readOnly = true;
    };

  service = name: vm: {
    description = "husk VM ${name}";
    wantedBy = lib.optional vm.autoStart "multi-user.target";
    after = [ "local-fs.target" ] ++ lib.optional (vm.networks != [ ]) "network.target";
    path = lib.optional (lib.any ({ passt, ... }: passt == true) vm.networks) pkgs.passt;
    inherit (vm) restartIfChanged;
    environment.XDG_RUNTIME_DIR = "/run/${ownUser name}";

    serviceConfig = {
      Type = "exec";
      ExecStart = utils.escapeSystemdExecArgs ([ "${cfg.package}/bin/husk" ] ++ arguments name vm);
      # Disks are looked at again: the guest sees one that was made larger.
      ExecReload = "${pkgs.coreutils}/bin/kill -USR1 $MAINPID";
      User = userOf name vm;
      SupplementaryGroups = [ "kvm" ];
      UMask = "0077";
      StateDirectory = "husk/${name}";
      StateDirectoryMode = "0700";
      WorkingDirectory = "/var/lib/husk/${name}";
      # What disks have to be labelled back to is remembered here, for the start after husk was killed.
      RuntimeDirectory = ownUser name;
      RuntimeDirectoryMode = "0700";
      RuntimeDirectoryPreserve = "yes";

      # SIGTERM to the launcher presses the power button. Its roles are none of systemd's business; what is left when the
      # time is up gets SIGKILL.
      KillMode = "mixed";
      TimeoutStopSec = vm.stopTimeout;

      # A guest that powered off stays off. Wrong usage, a refused confinement layer and an unusable boot source do not
      # get better by themselves, and what made a role break its rules (7) shall not have a second try.
      Restart = "on-failure";
      RestartSec = "5s";
      RestartPreventExitStatus = "2 5 6 7";
      SuccessExitStatus = lib.optional (vm.onReboot == "exit") 3;

      # husk confines its roles itself, and needs what some of systemd's settings take away:
      #  - NoNewPrivileges would forbid the roles' transition into their SELinux domain. Many settings imply it for a
      #    service with a User=: SystemCallFilter, SystemCallArchitectures, SystemCallLog, RestrictAddressFamilies,
      #    RestrictNamespaces, RestrictRealtime, RestrictSUIDSGID, LockPersonality, MemoryDenyWriteExecute, DynamicUser,
      #    PrivateDevices, ProtectClock, ProtectHostname, ProtectKernelLogs, ProtectKernelModules, ProtectKernelTunables.
      #  - RestrictNamespaces would also forbid their namespaces.
      #  - PrivateUsers takes the groups that /dev/kvm and block devices are opened by.
      #  - ProtectSystem=strict makes disk images read-only wherever they are; "full" leaves /var, /srv and the like.
      # What remains is about paths, devices and capabilities, which the launcher does without.
      CapabilityBoundingSet = "";
      ProtectSystem = "full";
      ProtectControlGroups = true;
      PrivateTmp = true;
      DevicePolicy = "closed";
      DeviceAllow = [ "/dev/kvm rw" ] ++ lib.optional (taps vm != [ ]) "/dev/net/tun rw" ++ lib.concatMap deviceOf (isoDisk vm ++ vm.disks);
    };
  };
in
{
  options.services.husk = {
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = lib.literalMD "husk from this source";
      description = "The husk that runs the VMs.";
    };
    vms = mkOption {
      type = types.attrsOf (types.submodule { options = import ./vm-options.nix { inherit lib; }; });
      default = { };
      description = "The VMs, by name.";
    };
  };

  config = lib.mkIf (cfg.vms != { }) {
    assertions =
      lib.mapAttrsToList (name: vm: {
        assertion = lib.all ({ queues, createTap, ... }: queues == null || queues == 1 || !createTap) (taps vm);
        message = "services.husk.vms.${name}: networking.interfaces makes taps with one queue only. Make the tap yourself, with multi_queue, and set createTap = false.";
      }) cfg.vms
      ++ lib.mapAttrsToList (name: _: {
        assertion = builtins.match "[a-z0-9][a-z0-9_-]{0,25}" name != null;
        message = "services.husk.vms.${name}: its user would be ${ownUser name}, and names of users are at most 31 lower-case letters, digits, \"-\" and \"_\". Choose another name for the VM, or set user.";
      }) withOwnUser;

    environment.systemPackages = [ cfg.package ];
    networking.interfaces = builtins.listToAttrs (builtins.concatLists (lib.mapAttrsToList tapInterfaces cfg.vms));
    systemd.services = lib.mapAttrs' (name: vm: lib.nameValuePair "husk-${name}" (service name vm)) cfg.vms;

    users.users = lib.mapAttrs' (
      name: _:
      lib.nameValuePair (ownUser name) {
        isSystemUser = true;
        group = ownUser name;
        description = "husk VM ${name}";
      }
    ) withOwnUser;
    users.groups = lib.mapAttrs' (name: _: lib.nameValuePair (ownUser name) { }) withOwnUser;
  };
}
