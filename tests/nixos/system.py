"""A NixOS system, its "toplevel": /nix/store/<hash>-nixos-system-…, with all that it refers to, in a store."""

import dataclasses
import json

from build_initrd import build_initrd, secrets
from debian import Sysroot, copy_file
from initrd import Initrd, template
from modules import STAGE_2, VIRTIO_AVAILABLE, VIRTIO_FORCED, Kernel
from store import Store
from system_path import etc, system_path

CODE_NAME = "Uakari"


@dataclasses.dataclass(frozen=True)
class System:
    """A configuration of NixOS, as far as it matters here."""
    label: str = "24.05.20260101.0000001"
    initrd: Initrd = Initrd()
    params: tuple[str, ...] = ("loglevel=4",)
    specialisations: tuple[tuple[str, "System"], ...] = ()
    initrd_secrets: tuple[tuple[str, str], ...] = ()  # file and contents
    mounts: tuple[str, ...] = ("/dev/disk/by-label/BOOT /boot vfat nofail 0 0",)  # of stage 2
    installs: tuple[tuple[str, "System"], ...] = ()  # what nixos-install has to choose from, of an installer's medium
    autologin: bool = False  # on every console
    bootspec: bool = True  # older systems have no boot.json


class Builder:
    def __init__(self, store: Store, kernel: Kernel, sysroot: Sysroot):
        self.store, self.kernel, self.sysroot = store, kernel, sysroot
        self.busybox = store.folder("busybox-static")
        copy_file(sysroot.program("busybox"), store.here(self.busybox) / "bin/busybox")
        for name in ("sh", "mkdir", "ln", "chmod", "cp", "touch", "mount", "readlink", "cat", "mv", "rm", "tr", "sed",
                     "head", "cut", "sha256sum", "printf", "dirname", "basename", "sync", "echo", "grep", "env"):
            store.link(f"{self.busybox}/bin/{name}", "busybox")
        self.shell = f"{self.busybox}/bin/sh"
        self.linux = store.folder(f"linux-{kernel.version}", kernel.release)
        copy_file(kernel.image, store.here(self.linux) / "bzImage")
        self.modules = store.folder(f"linux-{kernel.version}-modules", kernel.release)
        kernel.copy_modules(store.here(self.modules), [*VIRTIO_AVAILABLE, *VIRTIO_FORCED, *STAGE_2])
        self.install_boot = store.script("install-boot", template("install-boot.sh", shell=self.shell, coreutils=self.busybox))
        self.path, scripts = system_path(self.store, self.sysroot, self.shell, self.busybox, self.install_boot)
        self.scripts = {self.install_boot, *scripts}
        self.closures: dict[str, set[str]] = {}  # the entries of the store that a system consists of

    def _initrd(self, system: System) -> str:
        """The same initrd for all systems that ask for the same, and for the same secrets to be appended."""
        contents = repr(system.initrd) + "".join(name for name, _ in system.initrd_secrets) + self.kernel.release
        path = self.store.path(f"initrd-linux-{self.kernel.version}", contents)
        if not self.store.here(path).exists():
            self.store.here(path).mkdir()
            (self.store.here(path) / "initrd").write_bytes(build_initrd(system.initrd, self.kernel, self.sysroot))
        return f"{path}/initrd"

    def _secrets_archive(self, system: System) -> str:
        return self.store.path("initrd-secrets.cpio.zst", repr(system.initrd_secrets))

    def _secrets_script(self, system: System) -> str:
        """append-initrd-secrets FILE [ROOT]: here the archive is ready, since busybox cannot make one owned by root."""
        archive = self._secrets_archive(system)
        self.store.here(archive).write_bytes(secrets(dict(system.initrd_secrets)))
        return f'#!{self.shell}\n# append-initrd-secrets FILE [ROOT]\ncat "${{2-}}{archive}" >>"$1"\n'

    def toplevel(self, system: System) -> str:
        """Builds the system, its specialisations first, and returns its path."""
        store = self.store
        special = {name: self.toplevel(other) for name, other in system.specialisations}
        path = store.path(f"nixos-system-nixos-{system.label}", repr(system) + self.kernel.release)
        if path in self.closures:
            return path
        initrd = self._initrd(system)
        store.link(f"{path}/kernel", f"{self.linux}/bzImage")
        store.link(f"{path}/initrd", initrd)
        store.link(f"{path}/kernel-modules", self.modules)
        store.link(f"{path}/sw", self.path)
        store.link(f"{path}/systemd", f"{self.path}/usr")
        etc_path = etc(store, system.label, CODE_NAME, system.mounts, system.autologin)
        store.link(f"{path}/etc", f"{etc_path}/etc")
        store.write(f"{path}/kernel-params", " ".join(system.params))
        store.write(f"{path}/nixos-version", system.label)
        store.write(f"{path}/system", "x86_64-linux")
        store.write(f"{path}/init-interface-version", "2")
        values = {"shell": self.shell, "coreutils": self.busybox, "systemConfig": path, "systemPath": self.path}
        store.write(f"{path}/init", template("stage-2-init.sh", **values), 0o755)
        store.write(f"{path}/prepare-root", template("prepare-root.sh", **values), 0o755)
        if system.initrd_secrets:
            store.write(f"{path}/append-initrd-secrets", self._secrets_script(system), 0o755)
        (store.here(path) / "specialisation").mkdir()
        for name, other in special.items():
            store.link(f"{path}/specialisation/{name}", other)
        if system.bootspec:
            specs = {name: self._bootspec(other, special[name], {}) for name, other in system.specialisations}
            store.write(f"{path}/boot.json", json.dumps(self._bootspec(system, path, specs), indent=2) + "\n")
        closure = {path, etc_path, initrd.removesuffix("/initrd"), self.linux, self.modules, self.busybox, *self.scripts, self.path}
        if system.initrd_secrets:
            closure.add(self._secrets_archive(system))
        installs = {name: self.toplevel(other) for name, other in system.installs}
        for name, other in installs.items():
            store.link(f"{path}/installs/{name}", other)
        for other in (*special.values(), *installs.values()):
            closure |= self.closures[other]
        store.write(f"{path}/closure", "".join(f"{entry}\n" for entry in sorted(closure)))
        self.closures[path] = closure
        return path

    def _bootspec(self, system: System, path: str, specialisations: dict) -> dict:
        """RFC 125, version 1, with an extension as NixOS writes one."""
        spec = {"init": f"{path}/init", "initrd": self._initrd(system), "kernel": f"{self.linux}/bzImage",
                "kernelParams": list(system.params), "label": f"NixOS {CODE_NAME} {system.label} (Linux {self.kernel.version})",
                "system": "x86_64-linux", "toplevel": path}
        if system.initrd_secrets:
            spec["initrdSecrets"] = f"{path}/append-initrd-secrets"
        return {"org.nixos.bootspec.v1": spec, "org.nixos.specialisation.v1": specialisations,
                "org.nixos.systemd-boot": {"sortKey": "nixos"}}
