"""The Markdown pages of the checkout: their fenced blocks and their inline code, with the line where each stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = (
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/guides/*.md")),
    *sorted(ROOT.glob("docs/why/*.md")),
    *sorted(ROOT.glob("changes/*.md")),
)
"""The pages that people write; docs/reference is generated."""
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


class Block(msgspec.Struct, frozen=True):
    """A fenced block: its language, its text, and the line of its first text."""

    language: str
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a page in order."""
    found: list[Block] = []
    language, start, lines = None, 0, []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif language is None:
            language, start, lines = line[3:].strip(), number + 1, []
        else:
            found.append(Block(language, "\n".join(lines), start))
            language = None
    assert language is None, f"{path}: a fence is never closed"
    return found


def inline(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the inline code of a page outside its fenced blocks, with line numbers."""
    fenced = False
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        fenced ^= line.startswith("```")
        if not fenced:
            yield from ((number, code) for code in INLINE.findall(line))
