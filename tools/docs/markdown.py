"""The few pieces of Markdown that reference pages are made of."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; columns in which every row is empty are left out, and no rows make no table."""
    texts = [[cell(value) for value in row] for row in rows]
    kept = [number for number in range(len(head)) if any(row[number] for row in texts)]
    if not kept:
        return ""
    lines = [
        [head[number] for number in kept],
        ["---"] * len(kept),
        *([row[number] for number in kept] for row in texts),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    """A value in one line, with what would end the cell escaped."""
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return " ".join(text.replace("|", "\\|").split())


def section(level: int, title: str, *parts: str) -> str:
    """A heading with its parts; nothing at all when every part is empty."""
    filled = [part.strip() for part in parts if part.strip()]
    return "\n\n".join([f"{'#' * level} {title}", *filled]) + "\n\n" if filled else ""


def sentence(text: str | None) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())
