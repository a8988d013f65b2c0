"""What a house check reads and what it says: files of this checkout, findings with file and line."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finding:
    """One broken house rule; prints as `file:line: what`, which editors can jump to."""

    path: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.says}"


@dataclass(frozen=True)
class Source:
    """One file: its path from the root with forward slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, walked once for all rules."""
        return list(ast.walk(self.tree))

    @property
    def suffix(self) -> str:
        """The ending of the file's name, with its dot."""
        return Path(self.path).suffix

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem

    def within(self, *places: str) -> bool:
        """True when the file stands below one of these folders."""
        return self.path.startswith(tuple(f"{place}/" for place in places))

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines of the text, counted from one."""
        return enumerate(self.text.splitlines(), start=1)


TEXTS = {
    ".py",
    ".md",
    ".toml",
    ".csv",
    ".json",
    ".lock",
    ".ts",
    ".js",
    ".svelte",
    ".css",
    ".html",
    ".jinja",
    ".sh",
    ".bpmn",
    "",
}


def load_paths() -> list[str]:
    """Every file that git knows or would add; what .gitignore names is no part of the project."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def load_sources(paths: list[str]) -> list[Source]:
    """The text files among these paths, read."""
    return [Source(name, (ROOT / name).read_text(encoding="utf-8")) for name in paths if Path(name).suffix in TEXTS]
