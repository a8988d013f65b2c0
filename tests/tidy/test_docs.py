"""The reference says what code and data say: it is generated again and compared, and tried on a small pack."""

import json
from pathlib import Path

import pytest

from tools import docs
from tools.docs import commands, errors, markdown, packs, settings
from tools.say import ROOT, Trouble


def test_the_committed_reference_is_what_make_docs_writes() -> None:
    stored, generated = docs.stored(), docs.pages()
    stale = sorted(name for name in stored.keys() | generated.keys() if stored.get(name) != generated.get(name))
    assert not stale, f"run `make docs` and commit: {', '.join(stale)}"


PACK = {
    "__init__.py": '"""Watches the air."""\n',
    "pack.toml": 'id = "air"\nsystems = ["6.1", "6.2"]\nowner = "ecology"\n[title]\nzh = "空气"\nen = "Air"\n',
    "params.toml": (
        '[pm25_day_limit]\nvalue = 75\nunit = "ug/m3"\nvalid_from = 2016-01-01\n'
        'source = "GB 3095-2012"\nstatus = "verified"\n'
        "[[fee]]\nvalue = 1\n[[fee]]\nvalue = 2\n"
    ),
    "types.csv": "# types\ntype,attribute,unit\nAirQualityObserved,pm25,GQ\n",
    "tables/grades.csv": "grade,limit\n1,35\n2,75\n",
    "rules.py": (
        "from quanyu.kernel.declare import rule\nLIMIT = max(1, 2)\n\n"
        '@rule(on="AirQualityObserved.pm25", zh="重颗粒", en="Heavy particles", opens="x")\n'
        'def heavy(pm25: float) -> bool:\n    """Twice the limit.\n\n    More."""\n    return pm25 > 2\n'
    ),
    "flows.py": 'inspect = flow("inspect", zh="检查", en="Inspect")\n',
}


def test_a_pack_becomes_a_page(tmp_path: Path) -> None:
    for name, text in PACK.items():
        (tmp_path / "green/air" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "green/air" / name).write_text(text, encoding="utf-8")
    (tmp_path / "green/__init__.py").write_text('"""Measure 6."""\n', encoding="utf-8")
    ((folder, title, text),) = packs.pages(tmp_path)
    assert (folder, title) == ("green", "6 宜居环境 Liveable environment")
    assert text.startswith("Measure 6.\n\n## 空气 Air\n\nWatches the air.")
    assert "| Systems | 6.1, 6.2 |" in text
    assert "| `pm25_day_limit` | 75 | ug/m3 | 2016-01-01 | GB 3095-2012 | verified |" in text
    assert text.count("| `fee` |") == 2
    assert "| AirQualityObserved | pm25 | GQ |" in text
    assert "| rules | `heavy` | 重颗粒 Heavy particles | Twice the limit. |" in text
    assert "| flows | `inspect` | 检查 Inspect |" in text
    assert "| `tables/grades.csv` | 2 | grade, limit |" in text
    assert "LIMIT" not in text


def test_no_domains_make_no_pages(tmp_path: Path) -> None:
    assert list(packs.pages(tmp_path / "nowhere")) == []
    assert list(packs.pages(tmp_path)) == []


def test_an_error_is_listed_with_its_words_and_remedy() -> None:
    text = 'raise Invalid(f"amount {x!r} is not" " finite", code="money.unreadable", remedy="write 12.50")\n'
    text += 'raise Invalid("x")\n'
    assert list(errors.raised(text)) == [("Invalid", "money.unreadable", "amount … is not finite", "write 12.50")]


def test_a_variable_that_nobody_explained_stops_the_docs(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x = environ['QUANYU_' 'SECRET']\n", encoding="utf-8")
    with pytest.raises(Trouble, match="QUANYU_SECRET is read but not explained"):
        settings.page(tmp_path)


def test_settings_list_only_what_the_code_reads() -> None:
    assert "`QUANYU_PORT`" in settings.page(ROOT)
    assert settings.variables(ROOT / "docs") == set()


FACE = '''
import typer
app = typer.Typer(help="The hub.")
tokens = typer.Typer(help="Tokens.")
app.add_typer(tokens, name="token")

@app.command()
def serve(home: str = typer.Option("./var", envvar="QUANYU_HOME", help="Folder | of the city.")) -> None:
    """Starts the hub."""

@tokens.command("sign-in")
def sign_in(name: str = typer.Argument(help="Who.")) -> None:
    """Prints a link."""
'''


def test_commands_are_read_from_the_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_face.py").write_text(FACE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    text = commands.page("a_face")
    assert "## `quanyu serve`\n\nStarts the hub." in text
    assert "| `--home` | ./var | QUANYU_HOME | Folder \\| of the city. |" in text
    assert "## `quanyu token sign-in`" in text
    assert "Who." in text


def test_cells_stay_in_their_row_and_empty_columns_go() -> None:
    assert markdown.table(("A", "B", "C"), [("x|y", None, "1\n2")]) == "| A | C |\n| --- | --- |\n| x\\|y | 1 2 |"
    assert markdown.table(("A",), []) == ""
    assert json.dumps(markdown.section(2, "T", "")) == '""'
