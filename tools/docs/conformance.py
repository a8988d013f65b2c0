"""The page of conformance: the figures of the last committed run, and why each failure is expected."""

import json
from pathlib import Path
from typing import Any

from tools.conformance.result import expected
from tools.docs.markdown import section, table

INTRO = (
    "`make conformance SUITE=DIR` plays the NGSI-LD test suite of ETSI (a clone in DIR) against a hub of its own. "
    "Counted are the cases of the files that the suite's first commit holds. A run fails below 95 %, or with a failure "
    "that is not explained below."
)


def page(folder: Path) -> str:
    """The page, from `result.json` and `expected.toml` in the folder."""
    kept = folder / "result.json"
    if not kept.exists():
        return f"{INTRO}\n\nNo run is kept yet."
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    rows = [(row["group"], row["passed"], row["total"]) for row in found["groups"]]
    rows.append(("all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    shares = [(name, passed, total, f"{passed / total:.1%}") for name, passed, total in rows]
    head = f"{INTRO}\n\nLast run: {found['date']}, suite at commit `{found['suite']}`.\n\n"
    text = head + table(("Group", "Passed", "Cases", "Share"), shares)
    listed = expected(folder / "expected.toml")
    if not listed:
        return text
    failures = [(f"`{file}`", name, reason) for (file, name), reason in sorted(listed.items())]
    return f"{text}\n\n" + section(2, "Expected failures", table(("File", "Case", "Why"), failures))
