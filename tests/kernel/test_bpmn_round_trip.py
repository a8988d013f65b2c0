"""A flow written as BPMN and read again is the same flow; the file is valid, the same every time, and has a picture."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quanyu.assembly.packs import load_packs
from quanyu.kernel.bpmn import facts, read, read_drawing, write
from quanyu.kernel.bpmn.layout import Box, Layout
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import (
    ENDINGS,
    Arrow,
    Boundary,
    Call,
    Evidence,
    Extension,
    Field,
    Flow,
    FlowClock,
    Gateway,
    Keeping,
    Parameter,
    Permission,
    SamePerson,
    Step,
    Wait,
    dispute,
    fixed,
    flow,
    flow_hash,
    measurement,
    no_action,
    pause,
    photo,
    return_once,
    same_person,
    step,
)
from quanyu.kernel.time import (
    Limit,
    calendar_days,
    calendar_months,
    hours,
    minutes,
    working_days,
)
from tests.kernel.weaving import woven

SHIPPED = {each.name: each for pack in load_packs() for each in pack.flows}
TITLES = st.text(
    st.characters(blacklist_categories=["Cs"], min_codepoint=32, blacklist_characters="\ufffe\uffff"), min_size=1
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
WALL: st.SearchStrategy[Limit] = st.one_of(
    st.builds(minutes, st.integers(1, 10_000)),
    st.builds(hours, st.integers(1, 10_000)),
    st.builds(working_days, st.integers(1, 1_000)),
    st.builds(calendar_days, st.integers(1, 1_000)),
    st.builds(calendar_months, st.integers(1, 100)),
)
LIMITS: st.SearchStrategy[Limit | Parameter] = WALL | st.builds(Parameter, NAMES)
MAYBE = st.none() | LIMITS
CHECKS: list[Any] = []
"""The schema, once it is read."""


def check_schema(content: bytes) -> None:
    """Raises where the file breaks the schema of BPMN 2.0, which SpiffWorkflow carries."""
    theirs = pytest.importorskip("SpiffWorkflow.bpmn.parser.BpmnParser", reason="SpiffWorkflow is not installed")
    if not CHECKS:
        CHECKS.append(theirs.BpmnValidator())
    theirs.BpmnParser(validator=CHECKS[0]).add_bpmn_str(content)


HANGING = (Field("why_urgent", when=("urgent", True)), Field("cover_number", when=("kind", "井盖 & <cover>")))


def mend_pavement() -> Flow:
    """Everything that a flow can say."""
    return flow(
        "mend_pavement",
        case="damage",
        zh="路面修复",
        en="Mend the pavement",
        roles={"lead": "streets.chaoyang", "check": "", "arbiter": "centre"},
        overall=Parameter("pavement_limit"),
        amber=0.5,
        red=0.8,
        escalate="centre",
        escalate_after=working_days(1),
        confirm=hours(24),
        extend=Extension(working_days(5), "chief"),
        begins="hand_in",
        deemed="taken",
        figures=[Parameter("heavy_from")], keeps=Keeping(calendar_months(60), since="seen_on", tells="forgotten"),
        steps=[
            step("accept", by="duty", may=[dispute], fields=[
                Field("urgent", "yes_no", zh="紧急", en="Urgent"),
                Field("seen_on", "date", required=False),
                Field("owner", personal=True),
                Field("kind", "choice", choices=("路面", "井盖 & <cover>"), zh="类别", en="Kind"),
                *HANGING]),
            step("dispatch", by="dispatcher", within=hours(1), to="lead"),
            step("inform", kind="send", tells="reporter"),
            step("repair", by="lead", within=Parameter("repair_limit"), evidence=[photo(2), measurement("depth")],
                 may=[return_once, pause("weather"), pause("permit")], extend=Extension(Parameter("longer")),
                 boundary=[
                     Boundary("late", working_days(2), "chase", interrupting=False),
                     Boundary("taken", hours(72), "take_over"),
                     Boundary("month", calendar_months(1), "take_over", since="seen_on"),
                 ]),
            step("chase", by="dispatcher", kind="manual"),
            step("take_over", by="chief", unless=same_person("repair")),
            step("report", by="check", kind="receive"),
            step("hand_in", by="applicant", form="pavement_permit"),
            step("score", kind="rule", sets={"points": "1 + 2 * 3", "heavy": "points > heavy_from and severity == 'red'"}),
            step("close", by="duty", outcome=[fixed, no_action]),
        ],
        nodes=[
            Gateway("is_urgent", "exclusive", "紧急？", "Urgent?"),
            Gateway("both", "parallel"),
            Gateway("mended", "exclusive"),
            Gateway("all_in", "parallel", "齐了", "All in"),
            Wait("settle", calendar_days(3), None, "沉降", "Let it settle"),
            Wait("season", working_days(3), "seen_on"),
            Gateway("enough", "exclusive"),
        ],
        arrows=[
            ("", "accept"), ("accept", "is_urgent"), ("is_urgent", "both", "urgent"),
            ("is_urgent", "close"), ("both", "dispatch"), ("dispatch", "repair"), ("both", "inform"), ("repair", "mended"),
            ("take_over", "mended"), ("mended", "all_in"), ("inform", "report"), ("report", "all_in"),
            ("all_in", "hand_in"), ("hand_in", "settle"), ("settle", "season"), ("season", "score"), ("score", "enough"),
            ("enough", "accept", "points < 3 and kind != '路面'"), ("enough", "close"), ("close", ""), ("chase", ""),
        ],
        clocks=[FlowClock("answer", working_days(1), None, "accept", "答复", "Answer"),
                FlowClock("season_clock", Parameter("season"), "seen_on", follows=True)],
    )  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_flow_comes_back(name: str) -> None:
    made = SHIPPED[name]
    assert read(write(made)) == made
    assert flow_hash(read(write(made))) == flow_hash(made)


def test_a_flow_that_says_everything_comes_back() -> None:
    made = mend_pavement()
    assert read(write(made)) == made
    drawing = read_drawing(write(made))
    assert not drawing.assumed
    assert not drawing.left_out


def test_a_call_comes_back_and_names_the_process_that_it_calls() -> None:
    made = flow(
        "outer", case="matter", overall=hours(1), steps=[step("close", by="duty", outcome=[fixed])],
        nodes=[Call("part", "mend_pavement", "修复", "Mend")], arrows=[("", "part"), ("part", "close"), ("close", "")],
    )  # fmt: skip
    content = write(made)
    assert read(content) == made
    assert b'calledElement="process-mend_pavement"' in content
    assert b'id="process-mend_pavement"' in write(mend_pavement())


def test_no_word_of_a_flow_is_forgotten() -> None:
    """A part that gets a new word has to learn to say it in the file, too."""
    said = {
        Flow: {"name", "case", "zh", "en", "roles", "steps", "overall", "amber", "red", "escalate", "escalate_after",
               "confirm", "until", "private", "extend", "nodes", "arrows", "clocks", "begins", "deemed",
               "keeps", "figures"},
        Step: {"name", "by", "zh", "en", "within", "to", "may", "evidence", "unless", "outcome", "fails", "fields",
               "kind", "boundary", "sets", "tells", "ends", "extend", "form"},
        Boundary: {"name", "after", "to", "interrupting", "since"},
        Arrow: {"source", "target", "when"},
        Gateway: {"name", "kind", "zh", "en"},
        Wait: {"name", "until", "since", "zh", "en"},
        Call: {"name", "flow", "zh", "en"},
        FlowClock: {"name", "limit", "since", "until", "zh", "en", "follows"},
        Field: {"name", "kind", "required", "counted", "personal", "zh", "en", "choices", "when"},
        Keeping: {"limit", "since", "tells"},
        Evidence: {"kind", "count", "attribute"},
        Permission: {"word", "ground"},
        SamePerson: {"step"},
        Extension: {"by", "role"},
    }  # fmt: skip
    for part, names in said.items():
        assert set(part.__struct_fields__) == names, part


def fields(names: tuple[str, ...]) -> st.SearchStrategy[list[Field]]:
    made = st.builds(
        Field,
        name=st.sampled_from(names),
        kind=st.sampled_from(("text", "number", "date", "choice", "yes_no", "unit", "units", "person", "case")),
        required=st.booleans(),
        counted=st.booleans(),
        zh=st.just("") | TITLES,
        en=st.just("") | TITLES,
        choices=st.lists(st.text("路a <>&\"'\n\t", max_size=5), max_size=3).map(tuple),
    )
    return st.lists(made, max_size=2, unique_by=lambda field: field.name)


@st.composite
def lines(draw: st.DrawFn) -> Flow:
    """A row of steps with facts at random."""
    names = draw(st.lists(NAMES.map(lambda name: f"{name[:20]}_x"), min_size=1, max_size=6, unique=True))
    steps: list[Step] = []
    for place, name in enumerate(names):
        last = place == len(names) - 1
        earlier = [each.name for each in steps]
        to = None if last or not draw(st.booleans()) else draw(st.sampled_from(("lead", "check", "duty")))
        back = draw(st.none() | st.sampled_from(earlier)) if earlier and not to else None
        steps.append(Step(
            name=name,
            by=draw(st.sampled_from(("duty", "dispatcher", "lead", "check"))),
            zh=draw(TITLES),
            en=draw(TITLES),
            within=draw(MAYBE),
            to=to,
            may=tuple(draw(st.lists(st.sampled_from((dispute, pause("weather"), pause("雨 & 雪"))), max_size=2))),
            evidence=tuple(draw(st.lists(st.sampled_from((photo(1), photo(3), measurement("pm25"))), max_size=2))),
            unless=None if back is None or draw(st.booleans()) else SamePerson(back),
            fails=back,
            outcome=tuple(draw(st.lists(st.sampled_from(list(ENDINGS.values())), min_size=1, max_size=4, unique=True)))
            if last else (),
            fields=tuple(draw(fields(("found", "depth", "who_else")))),
            extend=draw(st.none() | st.builds(Extension, LIMITS, st.sampled_from(("chief", "lead")))),
        ))  # fmt: skip
    amber = draw(st.floats(0.01, 0.98))
    escalate = draw(st.none() | NAMES)
    return flow(
        draw(NAMES), case=draw(NAMES), zh=draw(TITLES), en=draw(TITLES), steps=steps, overall=draw(LIMITS),
        roles={"lead": draw(st.sampled_from(("", "unit.a", "朝阳"))), "check": ""}, amber=amber,
        red=draw(st.floats(amber, 1.0, exclude_min=True)), escalate=escalate,
        escalate_after=draw(st.none() | WALL) if escalate else None, confirm=draw(st.none() | WALL),
        extend=draw(st.none() | st.builds(Extension, LIMITS)),
    )  # fmt: skip


@given(lines())
@settings(max_examples=60, deadline=None)
def test_every_row_of_steps_comes_back(made: Flow) -> None:
    assert read(write(made)) == made


@given(st.integers(0, 1 << 32), LIMITS, st.sampled_from(("", "streets.chaoyang")))
@settings(max_examples=80, deadline=None)
def test_every_woven_flow_comes_back_with_its_picture(seed: int, overall: Any, unit: str) -> None:
    made = woven(seed, calls=("other",), timers=True, overall=overall, roles={"lead": unit})
    content = write(made)
    drawing = read_drawing(content)
    assert drawing.flow == made
    assert drawing.layout is not None
    assert write(drawing.flow, drawing.layout) == content


def test_woven_files_are_valid() -> None:
    for seed in range(40):
        check_schema(write(woven(seed, calls=("other",), timers=True)))


@pytest.mark.parametrize("made", [*SHIPPED.values(), mend_pavement()], ids=lambda made: made.name)
def test_files_are_valid_and_the_same_every_time(made: Flow) -> None:
    content = write(made)
    check_schema(content)
    assert write(msgspec.structs.replace(made)) == content


def test_arrows_in_a_plain_row_are_kept_where_they_were_drawn() -> None:
    steps = [step("one", by="duty"), step("two", by="duty", outcome=[fixed])]
    rows = flow("row", case="c", overall=hours(1), steps=steps)
    arrows = flow(
        "row", case="c", overall=hours(1), steps=steps[::-1], arrows=[("", "one"), ("one", "two"), ("two", "")]
    )
    assert read(write(rows)) == rows
    assert read(write(arrows)) == arrows


def test_nothing_overlaps_in_a_picture_and_lanes_tile_the_pool() -> None:
    for made in (mend_pavement(), *SHIPPED.values(), *(woven(seed, timers=True) for seed in range(30))):
        layout = read_drawing(write(made)).layout
        assert layout is not None
        timers = {name for name in layout.boxes if name.startswith("timer-")}
        boxes = [box for name, box in layout.boxes.items() if name not in timers]
        for place, box in enumerate(boxes):
            assert not any(crossing(box, other) for other in boxes[place + 1 :]), made.name
            assert inside(box, layout.pool), made.name
        assert sum(lane.height for lane in layout.lanes.values()) in (0, layout.pool.height)
        assert all(len(way) > 1 for way in layout.ways.values())


def crossing(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not beside and not (one.y + one.height <= other.y or other.y + other.height <= one.y)


def inside(box: Box, pool: Box) -> bool:
    across = pool.x <= box.x and box.x + box.width <= pool.x + pool.width
    return across and pool.y <= box.y and box.y + box.height <= pool.y + pool.height


def test_a_step_stands_in_the_lane_of_its_role() -> None:
    made = SHIPPED["inspect_source"]
    layout = read_drawing(write(made)).layout
    assert layout is not None
    for each in made.steps:
        assert inside(layout.boxes[each.name], layout.lanes[each.by])


def test_a_layout_that_lacks_something_is_drawn_anew() -> None:
    made = mend_pavement()
    layout = read_drawing(write(made)).layout
    assert layout is not None
    torn = Layout(layout.pool, layout.lanes, {name: box for name, box in layout.boxes.items() if name != "close"}, {})
    assert write(made, torn) == write(made)
    moved = msgspec.structs.replace(layout, boxes={**layout.boxes, "close": Box(2000, 900, 100, 80)}, ways={})
    assert read_drawing(write(made, moved)).layout != layout
    assert read(write(made, moved)) == made


def test_a_title_that_xml_cannot_hold_is_refused() -> None:
    made = flow("bell", case="c", zh="铃\x07", overall=hours(1), steps=[step("close", by="duty", outcome=[fixed])])
    with pytest.raises(Invalid) as caught:
        write(made)
    assert caught.value.code == "bpmn.text"


def test_what_is_moved_in_a_drawing_tool_moves_in_the_flow() -> None:
    """Another lane is another role, another duration another limit, a new name a new title."""
    made = mend_pavement()
    text = write(made).decode()
    text = text.replace("PT72H", "PT24H").replace('name="路面修复"', 'name="道路修复"')
    moved = "<bpmn:flowNodeRef>chase</bpmn:flowNodeRef>"
    text = text.replace(f"        {moved}\n", "").replace(
        "<bpmn:flowNodeRef>take_over</bpmn:flowNodeRef>", f"<bpmn:flowNodeRef>take_over</bpmn:flowNodeRef>{moved}"
    )
    found = read(text.encode())
    assert found.get_step("chase").by == "chief"
    assert found.get_step("repair").boundary[1].after == hours(24)
    assert found.zh == "道路修复"


def test_the_words_of_the_extension_are_those_that_the_guide_lists() -> None:
    assert set(facts.WORDS) == {
        "flow", "role", "clock", "figure", "lane", "step", "may", "evidence", "outcome", "field", "sets", "title",
    }  # fmt: skip
