"""House rules for everything that is not Python syntax: leftovers, places of one machine, words people see."""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from os.path import normpath
from pathlib import PurePosixPath

from tests.tidy.findings import Finding, Source

LEFTOVERS = {".orig", ".rej", ".bak", ".swp", ".tmp", ".pyc", ".log", ".DS_Store"}
CODE = {".py", ".ts", ".js", ".svelte", ".css", ".sh", ".jinja", ".html"}
# Joined from halves, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b(?=[:( ]|$)")
MACHINE = re.compile(
    r"(?<![\w.:/-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me/\w+|Us" + r"ers/\w+|opt/(?:py" + r"pi|wheels))/"
)
LOCK_PLACES = re.compile(r"https?://|file:|--[a-z]+-(?:url|links|host)|^-", re.MULTILINE)
CHINESE = re.compile(r"[\u3400-\u9fff\uff00-\uffef\u3000-\u303f]")
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")
Key = tuple[str, ...]


def leftovers(paths: Sequence[str]) -> Iterator[Finding]:
    """Files that a tool left behind, and Python files without a word in them."""
    for path in paths:
        name = PurePosixPath(path)
        if name.suffix in LEFTOVERS or name.name in LEFTOVERS or name.name.endswith("~"):
            yield Finding(path, 1, "a leftover: delete it")


def unfinished_words(source: Source) -> Iterator[Finding]:
    """Work that is left belongs in an issue, not in the code."""
    if source.suffix in CODE:
        for number, text in source.lines():
            if UNFINISHED.search(text):
                yield Finding(
                    source.path, number, "a note of unfinished work: finish it, or open an issue and delete it"
                )


def machine_paths(source: Source) -> Iterator[Finding]:
    """A path of one machine works on that machine only."""
    for number, text in source.lines() if MACHINE.search(source.text) else ():
        if MACHINE.search(text):
            yield Finding(source.path, number, "names a folder of one machine")


def lock_places(source: Source) -> Iterator[Finding]:
    """Lock files name versions and hashes; where packages come from is the choice of whoever installs."""
    if source.suffix == ".lock":
        for number, text in source.lines():
            if not text.startswith("#") and LOCK_PLACES.search(text):
                yield Finding(source.path, number, "a lock names a place or an option: run `make lock`")
    elif source.path.endswith("package-lock.json"):
        for number, text in source.lines():
            if '"resolved": "http' in text:
                yield Finding(
                    source.path, number, "the lock names a registry: npm install --omit-lockfile-registry-resolved"
                )


def titles(source: Source) -> Iterator[Finding]:
    """A page opens with its title, and has one."""
    if source.suffix != ".md":
        return
    fenced, found = False, []
    for number, text in source.lines():
        fenced ^= text.startswith("```")
        if text.startswith("# ") and not fenced:
            found.append(number)
    if found[:1] != [1]:
        yield Finding(source.path, 1, "the page does not open with its title (`# …`)")
    for number in found[1:]:
        yield Finding(source.path, number, "a second title: use `##`")


def links(paths: Sequence[str], sources: Sequence[Source]) -> Iterator[Finding]:
    """A link from one page to another file leads there."""
    known = {*paths, *(parent.as_posix() for path in paths for parent in PurePosixPath(path).parents)}
    for source in sources:
        for number, text in source.lines() if source.suffix == ".md" else ():
            for target in LINK.findall(text):
                parts = normpath(PurePosixPath(source.path).parent / target.split("#")[0])
                if parts not in known:
                    yield Finding(source.path, number, f"{target} does not exist")


def literal_words(source: Source) -> Iterator[Finding]:
    """Words that people see come from the catalogues, so that every screen exists in both languages."""
    if source.suffix == ".svelte":
        for number, text in source.lines():
            if CHINESE.search(text):
                yield Finding(
                    source.path, number, "Chinese text in a component: move it to src/i18n/zh.json and en.json"
                )


def catalogues(sources: Sequence[Source]) -> Iterator[Finding]:
    """Both languages say the same things: equal keys in each pack's strings and in the console's."""
    known = {source.path: source for source in sources}
    for source in sources:
        for zh, en in (("strings.zh.toml", "strings.en.toml"), ("i18n/zh.json", "i18n/en.json")):
            for mine, other in ((zh, en), (en, zh)):
                if source.path.endswith("/" + mine):
                    partner = known.get(source.path.removesuffix(mine) + other)
                    theirs = _keys(partner) if partner else set()
                    for key in sorted(_keys(source) - theirs):
                        yield Finding(source.path, _line_of(source, key), f"{'.'.join(key)} is missing in {other}")


def _keys(source: Source) -> set[Key]:
    table = tomllib.loads(source.text) if source.suffix == ".toml" else json.loads(source.text)
    return set(_flatten(table, ()))


def _flatten(table: dict[str, object], stem: Key) -> Iterator[Key]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, (*stem, name))
        else:
            yield (*stem, name)


def _line_of(source: Source, key: Key) -> int:
    word = re.compile(rf'(?<![\w-])"?{re.escape(key[-1])}"?\s*[=:]')
    return next((number for number, text in source.lines() if word.search(text)), 1)
