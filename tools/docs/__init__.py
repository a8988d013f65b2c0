"""Writes docs/reference from code and data, so that a page cannot say what the hub does not do."""

from pathlib import Path

from tools.docs import benches, commands, conformance, drawings, errors, packs, records, routes, settings
from tools.docs.markdown import table
from tools.say import ROOT

REFERENCE = ROOT / "docs" / "reference"
GENERATED = "Written by `make docs` from code and data; change those, not this page."


def pages(root: Path = ROOT) -> dict[str, str]:
    """Path below docs/reference → text, for every page; reads the checkout at `root` and writes nothing."""
    found = [
        ("commands.md", "Commands", commands.page()),
        ("errors.md", "Error codes", errors.page(root / "src")),
        ("settings.md", "Settings", settings.page(root)),
        ("http.md", "HTTP routes", routes.page(root / "src/quanyu/faces")),
        ("records.md", "Records and tables", records.page()),
        ("bpmn.md", "BPMN 2.0", drawings.page(root / "tests/engines/control_flow.json")),
        ("benchmarks.md", "Benchmarks", benches.page(root / "bench")),
        ("conformance.md", "Conformance", conformance.page(root / "tests/conformance")),
        *((f"packs/{measure}.md", title, text) for measure, title, text in packs.pages(root / "src/quanyu/domains")),
    ]
    listed = table(("Page", "File"), [(f"[{title}]({name})", name) for name, title, _ in found])
    texts = {name: f"# {title}\n\n{GENERATED}\n\n{text.strip()}\n" for name, title, text in found}
    return {"README.md": f"# Reference\n\n{GENERATED}\n\n{listed}\n", **texts}


def stored() -> dict[str, str]:
    """The pages as they are committed."""
    kept = REFERENCE.rglob("*.md")
    return {path.relative_to(REFERENCE).as_posix(): path.read_text(encoding="utf-8") for path in kept}


def write() -> list[str]:
    """Brings docs/reference up to date and returns the names of the pages that changed."""
    before, after = stored(), pages()
    for name in before.keys() - after.keys():
        (REFERENCE / name).unlink()
    changed = [name for name, text in after.items() if before.get(name) != text]
    for name in changed:
        (REFERENCE / name).parent.mkdir(parents=True, exist_ok=True)
        (REFERENCE / name).write_text(after[name], encoding="utf-8")
    return sorted({*changed, *(before.keys() - after.keys())})
