# A NixOS that runs headless in husk: drivers for its devices in the initrd, both consoles, networkd, and a boot loader
# whose entries `husk run --boot disk` reads. Defaults give way to what a configuration says itself.
{ lib, ... }:

let
  inherit (lib) mkDefault;
in
{
  # As in profiles/qemu-guest.nix, without devices that husk does not have. udev loads the available ones, as ACPI names
  # the virtio-mmio devices. The console's is forced: nothing waits for hvc0, so it must be there when the gettys are chosen.
  boot.initrd.availableKernelModules = [
    "virtio_mmio"
    "virtio_blk"
    "virtio_net"
  ];
  boot.initrd.kernelModules = [ "virtio_console" ];
  boot.initrd.systemd.enable = mkDefault true;

  # The last one becomes /dev/console. hvc0 is the faster one, but its driver is a module: alone it would leave the
  # kernel's own messages, and a stage 1 that opens /dev/console before the module is loaded, without any console.
  boot.kernelParams = [
    "console=ttyS0"
    "console=hvc0"
  ];

  # systemd's generator starts this one too if hvc0 is an active console by then. A drop-in: the unit is its template's.
  systemd.services."serial-getty@hvc0" = {
    overrideStrategy = "asDropin";
    wantedBy = [ "getty.target" ];
  };

  # There is no firmware, so there are no EFI variables; husk reads the entries that systemd-boot would.
  boot.loader.grub.enable = mkDefault false;
  boot.loader.systemd-boot.enable = mkDefault true;
  boot.loader.efi.canTouchEfiVariables = mkDefault false;

  # Without a network device, waiting for one would hold up the boot.
  networking.useNetworkd = mkDefault true;
  systemd.network.wait-online.enable = mkDefault false;
}
