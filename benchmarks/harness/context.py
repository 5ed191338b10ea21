"""What a suite is given: where the build is, how much time it may take, a scratch folder, the native guest."""

import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
NATIVE_GUEST = "HUSK_NATIVE_GUEST"


class NotMeasured(Exception):
    """This machine lacks what the suite needs: said in the report, never passed over."""


class Failure(Exception):
    """A measurement went wrong."""


class Context:
    """`tier`: "quick", "full", or "once" (one short turn: for comparisons of builds, and to see that a suite works)."""

    def __init__(self, build, tier, scratch):
        self.build = pathlib.Path(build).resolve()
        self.tier = tier
        self.scratch = pathlib.Path(scratch)

    @property
    def husk(self):
        return self.build / "husk"

    def pick(self, once, quick, full):
        return {"once": once, "quick": quick, "full": full}[self.tier]

    def native_guest(self):
        """The folder of a kernel that this machine's KVM runs natively (bzImage, vmlinux)."""
        folder = os.environ.get(NATIVE_GUEST)
        if not folder:
            raise NotMeasured(f"{NATIVE_GUEST} does not name the folder of a guest that runs natively on this KVM")
        return pathlib.Path(folder)

    def need_kvm(self):
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise NotMeasured("/dev/kvm is missing or closed to you")

    def run(self, command, timeout=600):
        """Standard output; whatever fails is a Failure that says what was run."""
        words = [str(word) for word in command]
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failure(f"{' '.join(words)}: {error}") from error
        if done.returncode != 0:
            raise Failure(f"{' '.join(words)}: status {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout
