"""Plays the ETSI test suite of NGSI-LD against a hub of its own: `make conformance SUITE=DIR`.

DIR is a clone of the suite and stays as it is. A copy in artefacts/conformance gets contexts that are served here, an
environment of its own (SUITE_VENV names one that stands already), and loses the files that the suite's first commit
did not have: those are the base that is counted. `--all` plays the rest too, without counting it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tools.conformance import result, suite
from tools.conformance.contexts import serving
from tools.conformance.lane import Lane
from tools.say import ROOT, Trouble, line

WORK = ROOT / "artefacts" / "conformance"
EXPECTED = ROOT / "tests" / "conformance" / "expected.toml"
KEPT = ROOT / "tests" / "conformance" / "result.json"
GROUPS = {
    "CommonBehaviours": "CommonBehaviours",
    "Consumption": "ContextInformation/Consumption",
    "Provision": "ContextInformation/Provision",
    "Subscription": "ContextInformation/Subscription",
    "ContextSource": "ContextSource",
    "jsonldContext": "jsonldContext",
}
"""Groups that are counted, and their folders below TP/NGSI-LD."""
ADVISORY = {
    "EntityMap": "ContextInformation/EntityMap",
    "Snapshot": "ContextInformation/Snapshot",
    "DistributedOperations": "DistributedOperations",
}
LANES = (("Subscription", "CommonBehaviours", "jsonldContext"), ("Consumption", "Provision", "ContextSource"))
"""Groups that are played one after another beside the other lane, long ones apart."""
PASS_MIN = 0.95
HOW = "git clone https://github.com/marek-mraz/ngsi-ld-test-suite DIR, then: make conformance SUITE=DIR"


def run(words: Sequence[str]) -> int:
    """Play the groups (all, or those that are named) and judge; 1 below PASS_MIN or with an unlisted failure."""
    flags, names = {word for word in words if word.startswith("-")}, [word for word in words if word[0] != "-"]
    groups = {**GROUPS, **(ADVISORY if "--all" in flags else {})}
    for name in names:
        if name not in groups:
            raise Trouble(f"there is no group {name!r}", f"use some of: {', '.join(groups)}")
    given = os.environ.get("SUITE")
    if not given:
        raise Trouble("no suite is named", HOW)
    clone = Path(given).expanduser().resolve()
    if not (clone / "TP" / "NGSI-LD").is_dir():
        raise Trouble(f"{clone} is no clone of the suite", HOW)
    base = suite.base_files(clone)
    line(f"suite {clone}, base of {len(base)} files" if base else f"suite {clone} has no history: every file is base")
    robot = suite.environment(WORK, clone)
    with serving(clone / "resources" / "jsonld-contexts") as contexts_url:
        copy = suite.copy(WORK / "suite", clone, contexts_url, None if "--all" in flags else base)
        chosen = [name for name in groups if not names or name in names]
        played = _play(copy, robot, {name: groups[name] for name in chosen}, contexts_url)
    for name, cases in played.items():
        for case in cases:
            case.base = name in GROUPS and (base is None or case.file in base)
    verdict = result.judge(played, result.expected(EXPECTED))
    line("\n" + verdict.table())
    for text in verdict.remarks():
        line(text)
    if not names:
        result.keep(KEPT, verdict, suite.commit(clone), datetime.now(UTC).date().isoformat())
        line(f"kept in {KEPT.relative_to(ROOT)}; `make docs` writes docs/reference/conformance.md")
    return 0 if verdict.share >= PASS_MIN and not verdict.unlisted else 1


def _play(copy: Path, robot: Path, groups: dict[str, str], contexts_url: str) -> dict[str, list[result.Case]]:
    order = [[name for name in lane if name in groups] for lane in LANES]
    order[-1] += [name for name in groups if not any(name in lane for lane in LANES)]
    lanes = [
        Lane(WORK / f"lane-{number}", copy, robot, contexts_url, {name: groups[name] for name in names})
        for number, names in enumerate(order)
        if names
    ]
    faults: list[Exception] = []

    def play(lane: Lane) -> None:
        try:
            lane.play()
        except (Trouble, OSError, ValueError) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=play, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        for lane in lanes:
            lane.stop()
        raise
    if faults:
        raise faults[0]
    found: dict[str, list[result.Case]] = {}
    for name in groups:
        lane = next(lane for lane in lanes if name in lane.groups)
        found[name] = result.read(lane.output(name), copy)
    return found
