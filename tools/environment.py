"""The Python environment in .venv: exactly the locked packages, checked by hash, and the project itself in place."""

import importlib.util
import os
import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

from tools.say import ROOT, Outcome, Trouble, line, watch
from tools.stamp import alone, digest, is_fresh, press

PYTHON_HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
NODE_LOCK = ROOT / "requirements-node.lock"
UNREACHABLE = (
    "Failed to establish",
    "Temporary failure",
    "NewConnectionError",
    "Connection refused",
    "timed out",
    "ProxyError",
    "SSLError",
    "NameResolutionError",
)


def prepare(kind: str) -> None:
    """Brings .venv to the runtime or the dev lock; costs milliseconds when it is there already."""
    if VENV.is_symlink() and PYTHON.exists():
        return  # it belongs to another checkout, which keeps it up to date; commands here run with their own src first
    wanted = {name: digest([path], repr(project())) for name, path in LOCKS.items()}
    if _is_prepared(kind, wanted):
        return
    with alone():
        if _is_prepared(kind, wanted):
            return
        if _stamp("dev").exists():  # whoever has the test tools keeps them when the lock changes
            kind = "dev"
        _create()
        install(LOCKS[kind], "the packages to run" if kind == "runtime" else "the packages to run and test")
        place_project()
        for name in ("runtime", "dev") if kind == "dev" else ("runtime",):
            press(_stamp(name), wanted[name])


def install(lock: Path, what: str) -> None:
    """Installs a lock file: wheels only, every one checked against its hash; raises Trouble that says why not."""
    count = lock.read_text(encoding="utf-8").count("==")
    line(f"Installing {what}: {count} from {lock.name}")
    options = ["--disable-pip-version-check", "--no-input", "--no-compile", "--progress-bar", "off", "--retries", "2"]
    checked = ["--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    command = [str(PYTHON), "-m", "pip", "install", *options, *checked]
    outcome = watch(command, f"{count} packages", _Counter(count).brief)
    if outcome.code:
        raise explain_pip(outcome)
    line(f"  done in {outcome.took_s:.1f} s")


def project() -> dict[str, Any]:
    """The [project] table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def place_project() -> None:
    """Makes the sources importable and `quanyu` a command, as an editable install does, without a build."""
    scripts, version = project()["scripts"], project()["version"]
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV), "installed_base": str(VENV)}))
    (site / "quanyu.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    for old in site.glob("quanyu-*.dist-info"):
        shutil.rmtree(old)
    info = site / f"quanyu-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: quanyu\nVersion: {version}\n", encoding="utf-8")
    (info / "INSTALLER").write_text("quanyu-tools\n", encoding="utf-8")
    points = "".join(f"{name} = {target}\n" for name, target in scripts.items())
    (info / "entry_points.txt").write_text(f"[console_scripts]\n{points}", encoding="utf-8")
    for name, target in scripts.items():
        module, function = target.split(":")
        script = VENV / "bin" / name
        script.write_text(
            f"#!{PYTHON}\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n", encoding="utf-8"
        )
        script.chmod(0o755)


def explain_pip(outcome: Outcome) -> Trouble:
    """Says why pip stopped, in the order of how certain the sign is."""
    text = "\n".join(outcome.lines)
    detail = [row for row in outcome.tail() if "ERROR" in row or "error" in row][-4:]
    if "DO NOT MATCH THE HASHES" in text:
        return Trouble(
            "a downloaded package is not the one that was locked (its hash differs)",
            "ask whoever runs your package mirror; do not install it. Maintainers: `make lock` writes the hashes anew",
            detail,
        )
    if "No space left" in text:
        return Trouble(
            "the disk is full", f"free about 1 GB where {VENV} stands and run the same command again", detail
        )
    if any(sign in text for sign in UNREACHABLE):
        return Trouble(
            "the package registry cannot be reached",
            "check the network and the settings PIP_INDEX_URL and HTTPS_PROXY, then run the same command again",
            detail,
        )
    if "No matching distribution" in text or "Could not find a version" in text:
        return Trouble(
            f"a locked package has no ready-built file for Python {PYTHON_HERE} on this machine ({os.uname().machine})",
            "use Python 3.11 on Linux or macOS (make setup PYTHON=python3.11), or a package mirror that carries it",
            detail,
        )
    return Trouble(
        f"pip stopped with code {outcome.code}",
        "read pip's words above; `make clean` starts from nothing",
        outcome.tail(),
    )


def _is_prepared(kind: str, wanted: dict[str, str]) -> bool:
    return PYTHON.exists() and is_fresh(_stamp(kind), wanted[kind])


def _stamp(name: str) -> Path:
    return VENV / f".quanyu-{name}"


def _create() -> None:
    """Makes .venv, unless a working one stands there."""
    if PYTHON.exists() and (VENV / "pyvenv.cfg").exists():
        return
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Trouble(
            f"{sys.executable} cannot make virtual environments",
            f"install its venv module (Debian, as root: apt-get install python{PYTHON_HERE}-venv)",
        )
    if VENV.exists() and not VENV.is_symlink():
        shutil.rmtree(VENV)
    line(f"Creating .venv with Python {sys.version.split()[0]}")
    interpreter = getattr(sys, "_base_executable", sys.executable)
    outcome = watch([interpreter, "-m", "venv", VENV], "creating .venv")
    if outcome.code:
        raise Trouble(".venv cannot be made", "Debian, as root: apt-get install python3-venv", outcome.tail())


class _Counter:
    """Turns pip's lines into "12 of 40, numpy"."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.count = 0

    def brief(self, text: str) -> str | None:
        words = text.split()
        if words[:1] == ["Collecting"]:
            self.count += 1
            return f"{self.count} of {self.total}, {words[1].split('==')[0]}"
        if words[:2] == ["Installing", "collected"]:
            return "unpacking"
        return None
