"""The reference says what code and data say: it is generated again and compared, and tried on a small pack."""

import json
from pathlib import Path

import pytest

from tools import docs
from tools.docs import benches, commands, errors, markdown, packs, records, routes, settings
from tools.say import ROOT, Trouble


def test_the_committed_reference_is_what_make_docs_writes() -> None:
    stored, generated = docs.stored(), docs.pages()
    stale = sorted(name for name in stored.keys() | generated.keys() if stored.get(name) != generated.get(name))
    assert not stale, f"run `make docs` and commit: {', '.join(stale)}"


PACK = {
    "__init__.py": '"""Watches the air."""\n',
    "pack.toml": 'id = "air"\nsystems = ["6.1", "6.2"]\nowner = "ecology"\n[title]\nzh = "空气"\nen = "Air"\n',
    "params.toml": (
        '[[parameter]]\nid = "inspect_limit"\nzh = "时限"\nen = "Limit"\nvalue = "1 day"\nstatus = "unverified"\n'
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
    assert "| `pm25_day_limit` |  | 75 | ug/m3 | 2016-01-01 | GB 3095-2012 | verified |" in text
    assert text.count("| `fee` |") == 2
    assert "1 of 4 values and table rows are **unverified**." in text
    assert "| `inspect_limit` | 时限 Limit | 1 day |" in text
    assert text.count("| **unverified** |") == 1
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


def test_an_error_that_a_small_function_makes_is_listed_where_it_is_asked_for(tmp_path: Path) -> None:
    made = 'def refuse(who, why, code, remedy):\n    return Invalid(f"{who.name} {why}.", code=f"bpmn.{code}", remedy=remedy)\n'
    asked = (
        'from words.made import refuse\n\n\ndef check(x):\n    raise refuse(x, "has no end", "end", "Draw one.")\n'
        '    raise refuse(x, "is odd", x.code, "Mend it.")\n'
    )
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "made.py").write_text(made, encoding="utf-8")
    (tmp_path / "words" / "asked.py").write_text(asked, encoding="utf-8")
    page = errors.page(tmp_path)
    assert "| `bpmn.end` | … has no end. | Draw one. |" in page
    assert "odd" not in page


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


def test_every_route_is_listed_with_its_permission(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "__init__.py").write_text('x = [route("/report", a), route("/my", b, "POST")]\n', "utf-8")
    text = routes.page(tmp_path)
    assert "| GET | `/healthz` | `public` | The process answers |" in text
    assert "| POST | `/api/v1/observations` | `observe` | `atomic` | `items`, `columns` | Send observations |" in text
    assert "| GET | `/report` |\n| POST | `/my` |" in text


def test_records_and_tables_come_from_the_engines() -> None:
    text = records.page()
    assert "| `observed` | 1 | telemetry |" in text
    assert "| `person.erased` | 1 | kept |" in text
    assert "| `last` | **n**, **attribute**, value," in text


BENCH = '''
def pair():
    """[a.one], [a.two]: updates a group."""
    for name, goal in (("a.one", 0.5), ("a.two", 0.25)):
        yield result(name, 1.0, "ratio", "higher", "bare loop", "d", goal)

def alone():
    """[b.three]: rows."""
    yield result("b.three", 1.0, "bytes", "lower", "none", f"{1} rows", 5.5)
'''


def test_benches_show_their_goals_and_the_last_run(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(BENCH, "utf-8")
    run = {"name": "a.two", "value": 0.31, "unit": "ratio", "better": "higher", "goal": 0.25, "detail": "9 µs"}
    (tmp_path / "measured.ndjson").write_text(json.dumps(run) + "\n", "utf-8")
    text = benches.page(tmp_path)
    assert "| `a.one` | updates a group | ≥ 0.5 | ratio | bare loop | not yet |  |" in text
    assert "| `a.two` | updates a group | ≥ 0.25 | ratio | bare loop | 0.31 | 9 µs |" in text
    assert "| `b.three` | rows | ≤ 5.5 | bytes | none | not yet |  |" in text


def test_every_bench_that_the_issues_name_has_a_goal() -> None:
    named = {
        "commit.group100", "commit.plain", "commit.shared_sync", "read.point", "read.box", "rules.events",
        "rules.vs_python", "history.append", "history.hourly", "history.bytes_row", "history.bytes_air", "import.air",
        "ngsi.post", "ngsi.vs_fastapi", "ngsi.batch_ms", "ngsi.patch", "ngsi.decode", "ngsi.expand", "ngsi.get",
        "ngsi.query_ms", "ngsi.deep_page", "ngsi.deep_offset_ms", "temporal.agg_ms", "temporal.agg_ratio",
        "sub.idle_cost", "sub.rate", "mqtt.ingest", "cases.actions", "cases.actions_1000", "cases.vs_spiff",
        "cases.worklist_ms", "cases.sweep_s", "cases.bytes",
    }  # fmt: skip
    rows = [line.split(" | ") for line in benches.page(ROOT / "bench").splitlines() if line.startswith("| `")]
    with_goal = {row[0].strip("| `") for row in rows if row[2][:1] in "≥≤" and row[2]}
    assert named <= with_goal


def test_cells_stay_in_their_row_and_empty_columns_go() -> None:
    assert markdown.table(("A", "B", "C"), [("x|y", None, "1\n2")]) == "| A | C |\n| --- | --- |\n| x\\|y | 1 2 |"
    assert markdown.table(("A",), []) == ""
    assert json.dumps(markdown.section(2, "T", "")) == '""'
