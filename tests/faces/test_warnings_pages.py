"""Warnings as citizens meet them: on the first page, on a page of their own, and never an exercise."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quanyu.assembly.hub import Hub
from quanyu.kernel.errors import Conflict, Missing
from quanyu.kernel.journal import Command
from quanyu.kernel.time import format_instant
from quanyu.kernel.warning import Draft, Target, Texts
from tests.engines.warning_desk import a_draft
from tests.faces.hall import HOUR, MORNING, Browser, browsing, city_hall

SIZE_MAX = 30 * 1024


def person(hub: Hub, id: str, role: str) -> str:
    commands = [
        Command("person.put", f"person:{id}", {"name": id}),
        Command("role.grant", f"person:{id}", {"role": role}),
    ]
    with suppress(Conflict):
        hub.commit_blocking(commands, "system:test")
    return f"person:{id}"


def issued(hub: Hub, draft: Draft) -> dict[str, Any]:
    """Draft, submit, approve, publish."""
    author, second = person(hub, "a", "warning_author"), person(hub, "b", "warning_approver")
    desk = hub.warnings

    async def walk() -> dict[str, Any]:
        made = await desk.draft(draft, author)
        await desk.step(made["id"], "submit", 1, "", author)
        await desk.step(made["id"], "approve", 1, "", second)
        return await desk.publish(made["id"], 1, author)

    return asyncio.run(walk())


def rain(**fields: Any) -> Draft:
    return a_draft(starts=MORNING, expires=MORNING + 6 * HOUR, **fields)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with city_hall(tmp_path / "home") as made:
        for id, mode in (("speakers", "actual"), ("drill", "exercise")):
            body = {"mode": mode, "kind": "loudspeaker", "zh": id, "en": id}
            made.commit_blocking([Command("warning_channel.put", id, body)], "system:test")
        yield made


@pytest.fixture
def browser(hub: Hub) -> Iterator[Browser]:
    with browsing(hub) as made:
        yield made


def test_a_warning_in_force_stands_first_in_plain_words(hub: Hub, browser: Browser) -> None:
    assert "目前没有生效的预警" in browser.get("/around").text
    made = issued(hub, rain())
    page = browser.get("/around")
    assert page.text.index("海淀区暴雨橙色预警") < page.text.index("空气")
    assert "尽量不要外出" in page.text
    assert len(page.html.encode()) < SIZE_MAX
    one = browser.get(f"/around/warnings/{made['key']}?type=large&lang=en")
    for said in (
        "Orange rainstorm warning for Haidian",
        "What to do",
        "Emergency duty office",
        made["identifier"],
        "level 2",
    ):
        assert said in one.text
    assert 'class="large"' in one.html
    assert one.inline == []
    assert len(one.html.encode()) < SIZE_MAX


def test_what_is_over_says_so_and_leads_on(hub: Hub, browser: Browser) -> None:
    one = issued(hub, rain())
    two = issued(hub, rain(kind="Update", replaces=one["id"], colour="red"))
    page = browser.get(f"/around/warnings/{one['key']}")
    assert "本预警已更新,不再有效" in page.text
    assert f"/around/warnings/{two['key']}" in page.html
    issued(hub, rain(kind="Cancel", replaces=two["id"]))
    assert "本预警已解除" in browser.get(f"/around/warnings/{two['key']}").text
    assert "目前没有生效的预警" in browser.get("/around").text


def test_an_exercise_is_on_no_public_page(hub: Hub, browser: Browser) -> None:
    drill = issued(hub, rain(status="Exercise", exercise="演练", channels=("drill",)))
    browser.get(f"/around/warnings/{drill['key']}", 404)
    assert drill["identifier"] not in browser.get("/around").text
    browser.get("/around/warnings/none", 404)


def test_what_an_author_writes_is_no_markup(hub: Hub, browser: Browser) -> None:
    said = {language: Texts("<b>x</b>", "n", "<script>m</script>", "p", "v") for language in ("zh", "en")}
    made = issued(hub, rain(texts=said))
    page = browser.get(f"/around/warnings/{made['key']}")
    assert "<script>m" not in page.html
    assert "&lt;b&gt;x" in page.html


def test_an_unpublished_warning_has_no_message(hub: Hub) -> None:
    author = person(hub, "a", "warning_author")
    made = asyncio.run(hub.warnings.draft(rain(), author))
    with pytest.raises(Missing) as caught:
        hub.warnings.views.cap(hub.warnings.get(made["id"]))
    assert caught.value.code == "warning.unpublished"
    assert hub.warnings.find(made["id"])["starts_at"] == MORNING
    assert format_instant(MORNING, "Asia/Shanghai") == "2026-03-02T08:00:00+08:00"
    assert hub.warnings.template(Draft(event="rainstorm")) is None
    assert msgspec.to_builtins(rain())["event"] == "rainstorm"


def test_whether_a_warning_holds_at_a_place_goes_by_district_grid_and_shape(hub: Hub) -> None:
    inside, outside = {"lon": 116.35, "lat": 39.95}, {"lon": 117.0, "lat": 40.5}
    warning = hub.warnings.get(issued(hub, rain())["id"])
    for place, near in ((inside, True), (outside, False), ({"district": "110105"}, False), ({}, False)):
        assert hub.warnings.holds_at(warning, place) is near
    coded = rain(target=Target(zh="朝阳区", en="Chaoyang", districts=("110105",), grids=("g1",)))
    warning = hub.warnings.get(issued(hub, coded)["id"])
    for place, near in (({"district": "110105"}, True), ({"grid": "g1"}, True), ({"district": "110108"}, False)):
        assert hub.warnings.holds_at(warning, place) is near


def test_where_terminals_stand_and_what_was_heard_of_each(hub: Hub) -> None:
    """Those that failed or said nothing come first; one without a place is counted, not drawn."""
    terminals = [{"id": f"t{n}", "lon": 116.35, "lat": 39.95} for n in range(3)] + [{"id": "lost"}]
    hub.commit_blocking([Command("warning_terminal.put", "speakers", {"terminals": terminals})], "system:test")
    made = issued(hub, rain())
    desk = hub.warnings
    asyncio.run(desk.receipts(made["id"], "speakers", ["t0", "t2"], ["acknowledged", "failed"], "system:test"))
    found = desk.views.places(desk.get(made["id"]), 10)
    assert [(each["number"], each["state"]) for each in found["items"]] == [
        (2, "failed"),
        (1, "silent"),
        (0, "acknowledged"),
    ]
    assert (found["items"][0]["lon"], found["items"][0]["lat"]) == (116.35, 39.95)
    assert (found["placeless"], found["left_off"]) == (1, 0)
    some = desk.views.places(desk.get(made["id"]), 1)
    assert (len(some["items"]), some["left_off"]) == (1, 2)
