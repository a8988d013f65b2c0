"""Every pack has the one shape: files, titles in both languages, sourced parameters, nothing that traces people."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest
from msgspec.structs import replace

from quanyu.assembly.opening import load_declared
from quanyu.assembly.packs import load_city, load_packs
from quanyu.engines.indicators.formula import Plan
from quanyu.engines.rules.compile import compile_rule
from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.pack import MODULES, TEXTS, Pack, lint, read_pack
from quanyu.kernel.status import STATUSES
from quanyu.kernel.time import calendar_days, hours

PACKS = load_packs()
NEEDED = {"__init__.py", "pack.toml", "params.toml", "golden.toml"}
ALLOWED = {"__init__.py", *TEXTS, *(f"{name}.py" for name in MODULES), "tables", "templates", "flows"}


def folder(pack: Pack) -> Traversable:
    measure, _, name = pack.id.partition("/")
    return files("quanyu.domains") / measure / name


def written(pack: Pack) -> set[str]:
    return {each.name for each in folder(pack).iterdir() if each.name != "__pycache__"}


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_a_folder_holds_what_a_pack_holds(pack: Pack) -> None:
    names = written(pack)
    assert names >= NEEDED
    assert names <= ALLOWED
    assert names & {f"{name}.py" for name in MODULES}
    assert pack.doc


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_everything_people_see_is_said_in_both_languages(pack: Pack) -> None:
    titles = [pack.title]
    titles += [rule.title for rule in pack.rules]
    titles += [each.title for each in pack.indicators]
    titles += [flow.title for flow in pack.flows]
    titles += [step.title for flow in pack.flows for step in flow.steps]
    titles += [{"zh": row.zh, "en": row.en} for row in pack.types]
    titles += [{"zh": row.zh, "en": row.en} for row in pack.parameters]
    assert all(title["zh"].strip() and title["en"].strip() for title in titles)
    measures = {measure.name for each in pack.indicators for measure in each.measures}
    assert measures == set(pack.strings["zh"].get("measure", {})) == set(pack.strings["en"].get("measure", {}))


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_fact_of_the_world_has_source_and_status(pack: Pack) -> None:
    assert all(row.source and row.status in STATUSES for row in pack.parameters)
    rows = [row for table in pack.tables.values() for row in table]
    assert all(row["source"] and row["status"] in STATUSES for row in rows)
    assert len(pack.parameters) > 0


def test_owners_and_units_of_flows_stand_in_the_city() -> None:
    units = {unit["id"] for unit in load_city("beijing").units}
    named = {pack.owner for pack in PACKS} | {each.owner for pack in PACKS for each in pack.indicators}
    flows = [flow for pack in PACKS for flow in pack.flows]
    named |= {unit for flow in flows for unit in (*flow.roles.values(), flow.escalate) if unit}
    leads = {row["lead"] for pack in PACKS for row in pack.tables.get("subclasses", ()) if row["lead"] != "district"}
    assert named | leads <= units


def test_at_most_twelve_vital_signs_each_with_band_and_owner() -> None:
    vitals = [each for pack in PACKS for each in pack.indicators if each.vital is not None]
    assert 8 <= len(vitals) <= 12
    assert all(each.band != (None, None) and each.owner for each in vitals)
    assert lint(PACKS) == []


def small_pack(texts: dict[str, str] | None = None, **declared: object) -> Pack:
    manifest = (
        'id = "green/small"\nmeasure = "green"\nsystems = ["6.1"]\nowner = "x"\ntitle = { zh = "小", en = "Small" }\n'
    )
    module = type("module", (), declared)
    return read_pack("green/small", {"pack.toml": manifest} | (texts or {}), {}, [module], "Small.")


@indicator(
    measures=[Measure(name="logins", over="cases", fold="count", window=calendar_days(7))],
    zh="活跃度",
    en="Activity",
    unit="C62",
    owner="city.command",
    every=hours(1),
    direction="higher",
)
def activity(logins: float) -> float:
    """How often people signed in."""
    return logins


@indicator(
    measures=[Measure(name="cases_checked", over="cases", fold="count", window=calendar_days(7))],
    zh="打卡次数",
    en="Visits",
    unit="C62",
    owner="city.command",
    every=hours(1),
    direction="higher",
)
def visits(cases_checked: float) -> float:
    """How often people punched in."""
    return cases_checked


def test_indicators_on_traces_of_work_are_refused() -> None:
    faults = lint([small_pack(activity=activity, visits=visits)])
    assert [fault for fault in faults if "activity is built on traces" in fault]
    assert [fault for fault in faults if "visits is built on traces" in fault]


def test_a_harmless_name_hides_no_trace_behind_its_title() -> None:
    @indicator(measures=[Measure("seen", "cases", "count", calendar_days(7), where="kind == 'x'")], zh="成效", en="Effect",
               unit="C62", owner="city.command", every=hours(1), direction="higher")  # fmt: skip
    def effect(seen: float) -> float:
        return seen

    told = {f"strings.{language}.toml": f'[measure]\nseen = "{text}"\n' for language, text in
            (("zh", "现场照片张数"), ("en", "Seen"))}  # fmt: skip
    faults = lint([small_pack(told, effect=effect)])
    assert "green/small: indicator effect is built on traces of work (照片)" in faults


def test_a_report_that_would_go_nowhere_is_found() -> None:
    grid = next(pack for pack in PACKS if pack.id == "governance/grid")
    lost = replace(
        grid, id="governance/lost", flows=(), parameters=(), tables={"subclasses": grid.tables["subclasses"]}
    )
    faults = lint([grid, lost])
    assert "governance/lost: reports open the flow 'grid_case', which the pack does not declare" in faults
    assert "governance/lost: reports are read from the table 'classes', which the pack does not have" in faults
    assert "governance/lost: what may be reported has the code 'c0101' in governance/grid too" in faults


def test_words_in_one_language_and_flows_of_nobody_are_found() -> None:
    rule = next(rule for pack in PACKS for rule in pack.rules)
    faults = lint([small_pack({"strings.zh.toml": '[a]\nb = "词"\n'}, rule=rule)])
    assert any("text a.b is given in one language only" in fault for fault in faults)
    assert any("which no pack declares" in fault for fault in faults)
    assert any("in neither types.csv nor reads" in fault for fault in faults)


def test_a_table_gives_each_subclass_its_own_limit() -> None:
    grid = next(pack for pack in PACKS if pack.id == "governance/grid")
    own = {row.id: row for row in grid.parameters if row.id.startswith("grid_handle_limit_")}
    assert len(own) == len(grid.tables["subclasses"]) >= 40
    assert own["grid_handle_limit_c0101"].value == "2 hours"
    assert {row.status for row in own.values()} == {"unverified"}


def test_parameters_of_the_packs_do_not_collide() -> None:
    ids = {(row.id, row.jurisdiction, row.valid_from) for pack in PACKS for row in pack.parameters}
    assert len(ids) == sum(len(pack.parameters) for pack in PACKS)


def test_every_rule_and_indicator_can_be_compiled_as_the_hub_does_when_it_opens() -> None:
    parameters = load_declared("beijing", False).parameters
    rules = [compile_rule(rule, parameters).rule.name for pack in PACKS for rule in pack.rules]
    plans = [Plan(each, parameters).indicator.name for pack in PACKS for each in pack.indicators]
    assert len(rules) == len(set(rules)) > 0
    assert len(plans) == len(set(plans)) > 0
