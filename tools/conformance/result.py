"""What came of a run: cases out of Robot Framework's output, compared with the failures that are expected."""

from __future__ import annotations

import json
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.say import Trouble


@dataclass
class Case:
    """One case: its file below the suite, its name, whether it passed, and what was said when it failed."""

    file: str
    name: str
    passed: bool
    said: str = ""
    base: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """File name without its ending, and name: what the list of expected failures says."""
        return Path(self.file).stem, self.name


@dataclass
class Verdict:
    """Groups with their cases, and how they differ from what was expected; `share` of the base that passed."""

    groups: Mapping[str, Sequence[Case]]
    expected: Mapping[tuple[str, str], str]
    unlisted: list[Case] = field(default_factory=list)
    recovered: list[Case] = field(default_factory=list)
    extra_failed: list[Case] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Share of the base cases that passed, 0 when none was played."""
        base = [case for case in self._cases() if case.base]
        return sum(case.passed for case in base) / len(base) if base else 0.0

    def _cases(self) -> Iterator[Case]:
        for cases in self.groups.values():
            yield from cases

    def rows(self) -> list[tuple[str, int, int]]:
        """Return (group, passed, total) of the base."""
        found = []
        for name, cases in self.groups.items():
            base = [case for case in cases if case.base]
            if base:
                found.append((name, sum(case.passed for case in base), len(base)))
        return found

    def table(self) -> str:
        """Return the table for a terminal."""
        rows = [*self.rows()]
        rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
        width = max(len(row[0]) for row in rows)
        return "\n".join(
            f"{name:<{width}}  {passed:>4} / {total:<4}  {passed / total if total else 0:7.1%}"
            for name, passed, total in rows
        )

    def remarks(self) -> list[str]:
        """Return what somebody has to look at."""
        found = [f"FAILS, not expected: {case.file}: {case.name}\n    {_short(case.said)}" for case in self.unlisted]
        found += [f"passes, but is listed as failing: {case.file}: {case.name}" for case in self.recovered]
        found += [f"fails (advisory): {case.file}: {case.name}" for case in self.extra_failed]
        return found


def _short(said: str) -> str:
    return " ".join(said.split())[:300]


def read(output: Path, root: Path) -> list[Case]:
    """Return the cases of an output.xml; file names are below `root`."""
    if not output.exists():
        return []
    try:
        tree = ElementTree.parse(output)  # noqa: S314 (written by the program that was just run here)
    except ElementTree.ParseError as fault:
        raise Trouble(f"{output} cannot be read: {fault}", "run it again; it was cut off") from fault
    top = tree.getroot().find("suite")
    return [] if top is None else list(_walk(top, root))


def _walk(suite: ElementTree.Element, root: Path) -> Iterator[Case]:
    source = Path(suite.get("source", ""))
    file = source.relative_to(root).as_posix() if source.is_relative_to(root) else source.name
    for test in suite.findall("test"):
        status = test.find("status")
        passed = status is not None and status.get("status") == "PASS"
        yield Case(file, test.get("name", ""), passed, (status.text or "").strip() if status is not None else "")
    for child in suite.findall("suite"):
        yield from _walk(child, root)


def expected(path: Path) -> dict[tuple[str, str], str]:
    """Return the failures that are expected, (file, case) → the reason from the specification."""
    if not path.exists():
        return {}
    found: dict[tuple[str, str], str] = {}
    for row in tomllib.loads(path.read_text(encoding="utf-8")).get("case", ()):
        missing = {"file", "name", "reason"} - row.keys()
        if missing or not row["reason"].strip():
            raise Trouble(f"{path.name}: an entry lacks {', '.join(sorted(missing)) or 'its reason'}", "complete it")
        found[row["file"], row["name"]] = row["reason"]
    return found


def judge(groups: Mapping[str, Sequence[Case]], expected_: Mapping[tuple[str, str], str]) -> Verdict:
    """Compare what came with what was expected; cases beyond the base are remarked and not judged."""
    verdict = Verdict(groups, expected_)
    for cases in groups.values():
        for case in cases:
            if not case.base:
                if not case.passed:
                    verdict.extra_failed.append(case)
            elif case.passed and case.key in expected_:
                verdict.recovered.append(case)
            elif not case.passed and case.key not in expected_:
                verdict.unlisted.append(case)
    return verdict


def keep(path: Path, verdict: Verdict, commit: str, date: str) -> None:
    """Write the figures of a whole run where the reference reads them."""
    rows = [{"group": name, "passed": passed, "total": total} for name, passed, total in verdict.rows()]
    document = {"date": date, "suite": commit, "groups": rows}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
