"""Registers in a home: only their owner puts, every fetch is written down, erasure reaches them, files lose no row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from quanyu.assembly import Hub
from quanyu.assembly.keeping import check_hub, erase
from quanyu.assembly.operations import run_operation
from quanyu.assembly.papers import reveal_in
from quanyu.assembly.personal import readings
from quanyu.assembly.registers import corrections, subjects_of
from quanyu.engines.registers.view import RegistersView
from quanyu.kernel.errors import Denied, Invalid
from quanyu.kernel.form import compile_form
from quanyu.kernel.journal import Command
from tests.assembly.forms_home import FIRM, WANG, forms_home, hire, put
from tests.kernel.forms_text import ADULT, TODAY


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with forms_home(tmp_path, monkeypatch) as made:
        yield made


def test_only_the_unit_that_keeps_a_register_puts_into_it(hub: Hub) -> None:
    ours = hire(hub, "ann", "registrar", "market.supervision")
    other = hire(hub, "bob", "registrar", "city.data")
    clerk = hire(hub, "cat", "clerk", "market.supervision")
    hub.commit_blocking([put(FIRM, {"firm.name": "老王面馆"})], ours)
    for actor in (other, clerk, "citizen:20260302-1", "person:nobody"):
        for command in (
            put(FIRM, {"firm.name": "别的"}),
            put(FIRM, {"firm.name": "别的"}, "boats"),
            Command("register.correct", FIRM, {"register": "firms", "values": {}, "as_of": "", "reason": "x"}),
            Command("register.forget", FIRM, {"before": 99}),
        ):
            with pytest.raises(Denied) as refused:
                hub.commit_blocking([command], actor)
            assert refused.value.code == "access.denied"
    assert hub.views.registers is not None
    assert hub.views.registers.held(FIRM, ["firm.name"])["firm.name"].value == "老王面馆"


def test_a_fetch_is_for_a_form_and_the_person_sees_it(hub: Hub, tmp_path: Path) -> None:
    hub.commit_blocking([put(WANG, {"person.id": ADULT}, "residents")], "system:test")
    hub.commit_blocking([put(FIRM, {"firm.name": "老王面馆"})], "system:test")
    clerk = hire(hub, "cat", "clerk")
    blank = hub.forms.get("open_shop")
    subjects = subjects_of([WANG, FIRM])
    held = hub.fetches.for_form(blank, subjects, clerk, "saw the licence")
    assert {"person.id", "firm.name"} == held.keys()
    assert [each.name for each in compile_form(blank, {}, held, today=TODAY).prefilled] == ["firm_name", "person_id"]
    [read] = readings(hub, WANG)
    assert read == {
        "at": read["at"], "actor": clerk, "purpose": "办理食品经营许可 · Decide on a food licence",
        "form": "open_shop", "elements": ["person.id"], "proof": "saw the licence",
    }  # fmt: skip
    assert [each["elements"] for each in readings(hub, FIRM)] == [
        ["firm.name", "firm.credit_code", "firm.health_certificate"]
    ]
    # The pages of one sitting are one reading; another proof is another.
    hub.fetches.for_form(blank, subjects, clerk, "saw the licence")
    assert len(readings(hub, WANG)) == 1
    hub.fetches.for_form(blank, subjects, clerk, "saw the passport")
    assert len(readings(hub, WANG)) == 2
    # Whoever is read may read; a stranger may not, and leaves no reading.
    hub.fetches.for_form(blank, {"person": WANG}, WANG, "signed in")
    with pytest.raises(Denied):
        hub.fetches.for_form(blank, subjects, "citizen:20260302-1", "none")
    assert len(readings(hub, WANG)) == 3
    for wrong in ("", "  "):
        with pytest.raises(Invalid) as refused:
            hub.fetches.for_form(blank, subjects, clerk, wrong)
        assert refused.value.code == "personal.purpose"
    assert ADULT.encode() not in (tmp_path / "quanyu.db").read_bytes()


@pytest.mark.parametrize("names", [["wang"], ["dog:1"], ["person:"], [WANG, "person:li"]])
def test_subjects_are_one_person_and_one_firm(names: list[str]) -> None:
    with pytest.raises(Invalid) as refused:
        subjects_of(names)
    assert refused.value.code == "register.subject"


def test_erasing_a_person_destroys_what_is_held_of_them(hub: Hub) -> None:
    hub.commit_blocking([put(WANG, {"person.id": ADULT}, "residents")], "system:test")
    hub.commit_blocking([put(FIRM, {"firm.name": "老王面馆"})], "system:test")
    erase(hub, WANG, "asked", "system:test")
    hub.settled_blocking()
    assert hub.views.registers is not None
    assert hub.views.registers.held(WANG, ["person.id"]) == {}
    assert hub.views.registers.shelf(WANG) == []
    assert hub.views.registers.shelf(FIRM) != []
    report = check_hub(hub)
    assert report.sound, report.faults
    hub.commit_blocking([put(WANG, {"person.id": ADULT}, "residents")], "system:test")
    hub.settled_blocking()
    assert hub.views.registers.held(WANG, ["person.id"])["person.id"].value == ADULT


def test_a_decision_sees_what_is_held_at_its_moment(hub: Hub) -> None:
    command = put(WANG, {"person.id": ADULT}, "residents")
    hub.commit_blocking([command, put(FIRM, {"firm.name": "老王面馆"})], "system:test")

    def look() -> tuple[object, object]:
        view = RegistersView(hub.writer.state.get, partial(reveal_in, hub.writer.state))
        return view.held(WANG, ["person.id"]).get("person.id"), view.held(FIRM, ["firm.name"])["firm.name"].value

    assert hub.views.registers is not None
    held = hub.views.registers.held(WANG, ["person.id"])["person.id"]
    assert hub.errand(look) == (held, "老王面馆")
    erase(hub, WANG, "asked", "system:test")
    assert hub.errand(look) == (None, "老王面馆")


def test_a_file_of_a_register_sets_bad_rows_aside_by_line(hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(
        "register,subject,as_of,firm.name,firm.credit_code\n"
        f"firms,{FIRM},2026-02-28,老王面馆,91350100M000100Y43\n"
        "firms,firm:nothing,2026-02-28,无,\n"
        f"firms,{FIRM},2025-01-01,旧名,\n"
        f"boats,{FIRM},2026-02-28,船,\n"
        f"firms,{FIRM},2026-02-28,老王面馆\n"
        f"firms,{FIRM},2026-03-01,新王面馆,\n"
    )
    told = run_operation(hub, "import", {"kind": "register", "files": [str(file)], "mode": "history"}, lambda *_: None)
    assert (told["rows"], told["rejected"], told["entities"]) == (6, 4, 2)
    lines = Path(told["reject_file"]).read_text().splitlines()[1:]
    assert sorted(line.split(",")[1] for line in lines) == ["3", "4", "5", "6"]
    assert hub.views.registers is not None
    held = hub.views.registers.held(FIRM, ["firm.name", "firm.credit_code"])
    assert (held["firm.name"].value, held["firm.name"].source) == ("新王面馆", "firms.csv")
    assert held["firm.credit_code"].value == "91350100M000100Y43"


def test_a_correction_and_the_step_of_its_case_are_one(hub: Hub) -> None:
    ours = hire(hub, "ann", "registrar", "market.supervision")
    hub.commit_blocking([put(FIRM, {"firm.name": "老王面馆"})], ours)
    correction = {"register": "firms", "values": {"firm.name": "老汪面馆"}, "as_of": "2026-02-28", "reason": "misprint"}
    with pytest.raises(Invalid) as refused:
        corrections(FIRM, correction, {"action": "close"})
    assert refused.value.code == "register.case"
    lost = {**correction, "case": "urn:ngsi-ld:Case:20260302-99"}
    with pytest.raises(Exception, match=r"20260302-99|may not"):
        hub.commit_blocking(corrections(FIRM, lost, {"action": "close"}), ours)
    assert hub.views.registers is not None
    assert hub.views.registers.held(FIRM, ["firm.name"])["firm.name"].value == "老王面馆"
    hub.commit_blocking(corrections(FIRM, correction), ours)
    assert hub.views.registers.held(FIRM, ["firm.name"])["firm.name"].value == "老汪面馆"
