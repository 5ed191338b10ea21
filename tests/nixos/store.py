"""A /nix/store as it looks from outside: folders with a hash in their names, here of the name and what is said about the contents."""

import hashlib
import pathlib
import shutil

# The alphabet of Nix: no e, o, t and u.
ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"


def base32(text: str) -> str:
    """32 characters that stand for `text`."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:20], "big")
    return "".join(ALPHABET[number >> (5 * i) & 31] for i in range(32))


class Store:
    """The store below `top`, which is / for those who will use it."""

    def __init__(self, top: pathlib.Path):
        self.top = top
        (top / "nix/store").mkdir(parents=True, exist_ok=True)

    def path(self, name: str, contents: str = "") -> str:
        """The path of a new entry, as the guest sees it. `contents` tells entries of the same name apart."""
        return f"/nix/store/{base32(name + contents)}-{name}"

    def here(self, path: str) -> pathlib.Path:
        """Where an absolute path of the guest is on this machine."""
        return self.top / path.lstrip("/")

    def folder(self, name: str, contents: str = "") -> str:
        path = self.path(name, contents)
        self.here(path).mkdir(parents=True, exist_ok=True)
        return path

    def script(self, name: str, text: str) -> str:
        """A file of the store that can be executed."""
        path = self.path(name, text)
        self.write(path, text, 0o755)
        return path

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        file = self.here(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def link(self, path: str, target: str) -> None:
        file = self.here(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(target)

    def copy(self, entry: str, root: pathlib.Path) -> None:
        """An entry into the store below another root."""
        source, target = self.here(entry), root / entry.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy2(source, target)
