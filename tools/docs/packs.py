"""The pages of packs, one per measure: values, types, tables and declarations, read from the folders themselves."""

import ast
import csv
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.docs.markdown import section, sentence, table

MEASURES = {
    "commons": "共性基础 Common base",
    "economy": "数字经济 Digital economy",
    "space": "产城融合 Industry and city",
    "governance": "精准治理 Governance",
    "services": "公共服务 Public services",
    "green": "宜居环境 Liveable environment",
    "safety": "安全韧性 Safety and resilience",
    "infrastructure": "基础设施 Infrastructure",
    "data": "数据要素 Data",
    "norms": "制度创新 Institutions",
    "operations": "运营运维 Operations",
    "regions": "协同发展 Regions",
}
DECLARING = ("rules", "indicators", "flows", "decisions", "sources", "simulation")
VALUE = ("value", "unit", "valid_from", "valid_to", "jurisdiction", "source", "status")
FOLDERS = ("tables", "templates", "flows")
STATUS = {"unverified": "**unverified**"}


def pages(domains: Path) -> Iterator[tuple[str, str, str]]:
    """(folder, title, text) for each measure that has a pack, in the order of the guideline."""
    for number, (measure, words) in enumerate(MEASURES.items(), start=1):
        packs = sorted(path.parent for path in (domains / measure).glob("*/pack.toml"))
        if packs:
            text = "".join(pack(folder) for folder in packs)
            yield measure, f"{number} {words}", f"{docstring(domains / measure)}\n\n{text}"


def pack(folder: Path) -> str:
    """One pack: what it is for, then everything it declares."""
    manifest = load_toml(folder / "pack.toml")
    zh, en = title(manifest)
    about = [("Folder", f"`{folder.parent.name}/{folder.name}`")]
    about += [(name.capitalize(), value) for name, value in manifest.items() if is_plain(value) and "title" not in name]
    return section(
        2,
        " ".join(filter(None, (zh, en))) or folder.name,
        docstring(folder),
        table(("", ""), about),
        section(
            3, "Values", unverified(folder), table(("Name", "Title", *VALUE), values(load_toml(folder / "params.toml")))
        ),
        section(3, "Types", sheet(folder / "types.csv")),
        section(3, "Declared", table(("Kind", "Name", "Title", "Meaning"), declared(folder))),
        *forms(load_toml(folder / "forms.toml")),
        section(3, "Files", table(("File", "Rows", "Columns"), files(folder))),
    )


def forms(book: Mapping[str, Any]) -> Iterator[str]:
    """What a forms.toml declares: elements, registers with who keeps them by which law, and what each form asks."""
    yield section(3, "Elements", table(("Element", "Title", "Kind", "Check", "Unit", "Personal"), (
        (f"`{row['id']}`", both(row), row["kind"], row.get("check"), row.get("unit"), row.get("personal", "none"))
        for row in book.get("element", ()))))  # fmt: skip
    yield section(3, "Registers", table(("Register", "Title", "Of", "Kept by", "Legal basis", "Status", "Holds"), (
        (f"`{row['id']}`", both(row), row["of"], row["owner"], row["basis"], STATUS.get(row["status"], row["status"]),
         ", ".join(f"`{id}`" for id in row["holds"]))
        for row in book.get("register", ()))))  # fmt: skip
    yield section(3, "Forms", table(("Form", "Title", "Fetched", "Asked", "Materials", "Compared"), (
        (f"`{row['id']}`", both(row),
         ", ".join(f"`{need if isinstance(need, str) else need['element']}`" for need in row.get("needs", ())),
         ", ".join(f"`{each.get('name') or each.get('element')}`" for each in row.get("ask", ())),
         ", ".join(f"`{each['name']}`" for each in row.get("material", ())),
         ", ".join(f"`{each['name']}`" for each in row.get("compare", ())))
        for row in book.get("form", ()))))  # fmt: skip


def both(row: Mapping[str, Any]) -> str:
    """The titles of a row, Chinese first."""
    return " ".join(filter(None, title(row)))


def title(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The two titles, from `title = {zh, en}`, from `zh` and `en`, or from `title_zh` and `title_en`."""
    if "zh" in manifest:
        return manifest["zh"], manifest.get("en", "")
    both = manifest.get("title", {})
    if isinstance(both, str):
        return both, ""
    return both.get("zh", manifest.get("title_zh", "")), both.get("en", manifest.get("title_en", ""))


def unverified(folder: Path) -> str:
    """How many of a pack's values, and of the rows of its tables, nobody has compared with their source."""
    stated = [row[-1] for row in values(load_toml(folder / "params.toml"))]
    stated += [row[head.index("status")] for head, row in _rows_with_status(folder)]
    open_ = sum(str(status).strip("*") == "unverified" for status in stated)
    return f"{open_} of {len(stated)} values and table rows are **unverified**." if open_ else ""


def _rows_with_status(folder: Path) -> Iterator[tuple[list[str], list[str]]]:
    for path in sorted((folder / "tables").glob("*.csv")):
        head, *rows = load_csv(path) or [[]]
        if "status" in head:
            yield from ((head, row) for row in rows)


def is_plain(value: object) -> bool:
    """True for what fits into one cell."""
    return isinstance(value, str | int | float) or (
        isinstance(value, list) and all(isinstance(part, str) for part in value)
    )


def values(params: Mapping[str, Any], stem: str = "") -> Iterator[tuple[object, ...]]:
    """A row per dated value; a name may hold one value or a list of values of different dates."""
    for name, entry in params.items():
        for dated in entry if isinstance(entry, list) else [entry]:
            if isinstance(dated, dict) and "value" in dated:
                status = STATUS.get(dated.get("status", ""), dated.get("status"))
                yield (f"`{dated.get('id', stem + name)}`", " ".join(filter(None, title(dated))),
                       *(dated.get(column) for column in VALUE[:-1]), status)  # fmt: skip
            elif isinstance(dated, dict):
                yield from values(dated, f"{stem}{name}.")


def declared(folder: Path) -> Iterator[tuple[object, ...]]:
    """Decorated functions and declared values, read without running them: kind, name, title, first sentence."""
    for kind in DECLARING:
        path = folder / f"{kind}.py"
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list:
                yield kind, f"`{node.name}`", both_titles(node.decorator_list[0]), sentence(ast.get_docstring(node))
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and isinstance(node.targets[0], ast.Name)
            ):
                name = node.targets[0].id
                if not name.startswith("_") and not name.isupper():
                    yield kind, f"`{name}`", both_titles(node.value), ""


def both_titles(call: ast.expr) -> str:
    """The words zh= and en= of a declaration, when they are written out."""
    given = {word.arg: word.value for word in call.keywords} if isinstance(call, ast.Call) else {}
    words = [given.get(language) for language in ("zh", "en")]
    return " ".join(str(word.value) for word in words if isinstance(word, ast.Constant))


def files(folder: Path) -> Iterator[tuple[object, ...]]:
    """Tables, templates and drawn flows: rows and columns for those that are tables."""
    for path in sorted(path for name in FOLDERS for path in (folder / name).glob("*") if path.is_file()):
        head, *rows = load_csv(path) if path.suffix == ".csv" else [[]]
        yield f"`{path.relative_to(folder).as_posix()}`", len(rows) or None, head


def sheet(path: Path) -> str:
    """A CSV file as a table."""
    head, *rows = load_csv(path) or [[]]
    return table(head, (row + [""] * (len(head) - len(row)) for row in rows))


def docstring(folder: Path) -> str:
    """The paragraph that a package says about itself."""
    path = folder / "__init__.py"
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") if path.is_file() else ""


def load_toml(path: Path) -> dict[str, Any]:
    """A TOML file; empty when there is none."""
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def load_csv(path: Path) -> list[list[str]]:
    """The rows of a CSV file without comments (`#`) and empty lines; empty when there is none."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return [row for row in csv.reader(line for line in handle if not line.startswith("#")) if any(row)]
