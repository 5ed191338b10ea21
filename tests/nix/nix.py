"""Evaluating husk's Nix expressions: nix-instantiate without a store, a daemon or a network, as any user."""

import functools
import json
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parent.parent / "boot" / "nixos" / "nix"

# Nobody's configuration counts, and nothing is written: the store exists in memory only.
OPTIONS = ["--readonly-mode", "--store", "dummy://"]


@functools.cache
def _home():
    return tempfile.TemporaryDirectory(prefix="husk-nix-")


def _run(*arguments):
    home = _home().name
    environment = {"PATH": os.environ["PATH"], "HOME": home, "NIX_CONF_DIR": home, "NIX_STATE_DIR": f"{home}/state",
                   "NIX_LOG_DIR": f"{home}/log", "NIX_PATH": "", "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(["nix-instantiate", *OPTIONS, *arguments], env=environment, text=True, timeout=60,
                              capture_output=True)
    except FileNotFoundError:
        raise SystemExit("nix-instantiate is missing: install nix-bin (.ci/install does)") from None


def parse_error(path):
    """What is wrong with the file's syntax; empty: nothing."""
    done = _run("--parse", str(path))
    return "" if done.returncode == 0 else done.stderr or "unknown"


def _evaluate(attribute, given, husk):
    return _run("--eval", "--strict", "--json", str(HERE / "evaluate.nix"), "-A", attribute, "--argstr", "json",
                json.dumps(given), "--argstr", "husk", husk)


def value(attribute, given=None, husk="/stub/husk"):
    """The attribute of evaluate.nix; `given` is its JSON."""
    done = _evaluate(attribute, given or {}, husk)
    if done.returncode != 0:
        raise AssertionError(f"{attribute} does not evaluate:\n{done.stderr}")
    return json.loads(done.stdout)


def refusal(attribute, given):
    """The error that evaluating the attribute ends with."""
    done = _evaluate(attribute, given, "/stub/husk")
    if done.returncode == 0:
        raise AssertionError(f"{attribute} evaluates, to {done.stdout}")
    return done.stderr
