# What the devices of one VM of services.husk.vms can be told: the types of disks, networks, ports and logConsole. The
# names are those of device-arguments.nix, where the combinations are checked.
{
  lib,
  optional,
  flag,
}:

let
  inherit (lib) mkOption types;

  size = types.strMatching "[1-9][0-9]*[KMG]?";
  mac = types.strMatching "[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}";
  ofPath = module: types.coercedTo types.str (path: { inherit path; }) (types.submodule { options = module; });
  list =
    type: description:
    mkOption {
      type = types.listOf type;
      default = [ ];
      inherit description;
    };
in
{
  disk = ofPath {
    path = mkOption {
      type = types.str;
      description = "A raw image, or a block device. Relative paths start in the VM's folder, /var/lib/husk/NAME.";
    };
    readOnly = flag false "Whether the guest cannot write to it.";
    ephemeral = flag false "Whether what the guest writes vanishes when the service stops.";
    serial = optional types.str "What the guest finds as its serial number, 20 characters at most.";
    cache = optional (types.enum [
      "writeback"
      "writethrough"
    ]) "Whether a completed write is on the disk after the guest's next flush (the default), or at once.";
    direct = flag false "Whether to go around the host's page cache.";
    aio = optional (types.enum [
      "auto"
      "threads"
      "io_uring"
    ]) "What waits for the disk.";
    discard = flag true "Whether what the guest discards is given back to the host, where that can be.";
    block = optional (types.enum [
      512
      4096
    ]) "The logical block size, where it shall be larger than the host's.";
    queues = optional (types.ints.between 1 8) "Request queues. Default: one for each virtual CPU, up to 8.";
    iops = optional (types.ints.between 1 1000000000) "So many requests a second at most.";
    bw = optional size "So many bytes a second at most, as in 50M.";
  };

  network = types.submodule {
    options = {
      tap = optional (types.strMatching "[^/:%[:space:]]{1,15}") "The tap that the card is on. Without tap and passt, its link is down.";
      createTap = flag true "Whether the host makes that tap, as networking.interfaces.TAP, for the VM's user. With more than one queue, make it yourself.";
      passt = mkOption {
        type = types.either types.bool types.str;
        default = false;
        description = "Whether the card is on a passt that husk starts; or the socket of one that runs.";
      };
      mac = optional mac "Its address. Default: one made of the VM's name, the same in every run.";
      mtu = optional (types.ints.between 68 65535) "The MTU that the guest is told. Default: the tap's.";
      queues = optional (types.ints.between 1 7) "Pairs of queues, of a tap with as many.";
      rate = optional size "So many bytes a second at most, in each direction.";
      pcap = optional types.str "A file for what passes. Relative paths start in the VM's folder.";
      filter = mkOption {
        type = types.enum [
          "strict"
          "off"
        ];
        default = "strict";
        description = "Whether the guest may send only as itself.";
      };
      ip = list types.str "Addresses and prefixes that the guest may send from. Default: any.";
      isolated = flag false "Whether the guest exchanges frames with its peers only.";
      peers = list mac "The MAC addresses of the peers of an isolated guest.";
      allow = list types.str "Where the guest may send to: addresses, prefixes, host, private, any. Looked at before deny, any last. With nothing denied, it may send there only.";
      deny = list types.str "Where the guest may not send to.";
    };
  };

  port = types.coercedTo types.str (name: { inherit name; }) (
    types.submodule {
      options = {
        name = mkOption {
          type = types.str;
          description = "Its name in the guest: /dev/virtio-ports/NAME.";
        };
        path = optional types.str "Its unix socket. Default: /run/husk-VM/port-NAME.";
      };
    }
  );

  consoleLog = ofPath {
    path = mkOption {
      type = types.str;
      description = "The file. Relative paths start in the VM's folder.";
    };
    max = optional size "How large it may become; then the older half goes. Default: 16M.";
    raw = flag false "Whether to keep escape sequences.";
  };
}
