"""The page of settings: every QUANYU_ variable that the code reads, and no other."""

import ast
import re
import tomllib
from pathlib import Path

from tools.docs.markdown import table
from tools.say import ROOT, Trouble

WORDS = ROOT / "tools" / "docs" / "settings.toml"
VARIABLE = re.compile(r"QUANYU_[A-Z][A-Z_]*[A-Z]")
READERS = ("src", "tools", "bench")


def page(root: Path) -> str:
    """One row per variable; raises Trouble for one that the code reads and settings.toml does not explain."""
    words = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    used = variables(root)
    unexplained = sorted(used - words.keys())
    if unexplained:
        raise Trouble(f"{', '.join(unexplained)} is read but not explained", "add it to tools/docs/settings.toml")
    rows = [(f"`{name}`", entry["default"], entry["means"]) for name, entry in words.items() if name in used]
    return "Options of a command go before variables.\n\n" + table(("Variable", "Default", "Meaning"), rows)


def variables(root: Path) -> set[str]:
    """Names in strings of the code that are a variable and nothing else."""
    modules = [path for place in READERS for path in (root / place).rglob("*.py")]
    nodes = [node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in strings if VARIABLE.fullmatch(text)}
