"""Services over HTTP: the catalogue, how much there is, and what the steps of a process cost, as far as one may see."""

from __future__ import annotations

from quanyu.assembly.packs import load_city, load_packs
from quanyu.assembly.servicing import services_of
from tests.faces.city import Knock

PATH = "/api/v1/services"


def test_services_are_found_by_life_stage_and_words(standing: Knock) -> None:
    assert [each["id"] for each in standing.json("GET", PATH, "duty")["services"]] == ["inspect", "named_only"]
    assert [each["id"] for each in standing.json("GET", f"{PATH}?stage=firm_exit", "duty")["services"]] == [
        "named_only"
    ]
    assert standing.json("GET", f"{PATH}?life=person", "duty")["services"] == []
    assert len(standing.json("GET", f"{PATH}?text=INSP", "duty")["services"]) == 2
    assert standing.json("GET", f"{PATH}/inspect", "duty")["flow"] == "inspect_source"


def test_volume_and_process_count_what_one_may_see(knock: Knock) -> None:
    made = knock.json("POST", "/api/v1/cases", "duty", json={"flow": "inspect_source", "text": "扬尘"})
    knock.json("POST", f"/api/v1/cases/{made['id']}/actions", "duty", json={"action": "accept"})
    assert knock.json("GET", f"{PATH}/volume", "duty")["flows"] == {"inspect_source": {"open": 1, "month": 1}}
    found = knock.json("GET", f"{PATH}/inspect/process", "duty")
    assert (found["cases"], found["closed"], found["more"]) == (1, 0, False)
    assert [(step["step"], step["begun"], step["done"]) for step in found["steps"]] == [
        ("accept", 1, 1), ("dispatch", 1, 0),
    ]  # fmt: skip
    assert found["steps"][0]["title"]["zh"] == "受理"
    slim = knock.json("GET", f"{PATH}/inspect/process?without=accept", "duty")["without"]
    assert (slim["step"], slim["cases"], slim["let_through"]) == ("accept", 0, 0)
    # A handler sees the cases of the own unit, and these were never sent there.
    assert knock.json("GET", f"{PATH}/inspect/process", "handler")["cases"] == 0


def test_what_cannot_be_answered_is_said(standing: Knock) -> None:
    assert standing.problem(404, "GET", f"{PATH}/nothing", "duty")["code"] == "service.unknown"
    assert standing.problem(404, "GET", f"{PATH}/named_only/process", "duty")["code"] == "service.no_flow"
    found = standing.problem(404, "GET", f"{PATH}/inspect/process?without=dance", "duty")
    assert found["code"] == "process.step"
    assert standing.problem(400, "GET", f"{PATH}/inspect/process?days=0", "duty")["code"].startswith("http.")


def test_the_packs_say_what_may_be_applied_for() -> None:
    made = services_of(load_packs(), load_city("beijing").units)
    services = {each["id"]: each for each in made["services"]}
    assert [len([each for each in made["stages"] if each["life"] == life]) for life in ("firm", "person")] == [6, 10]
    restaurant = services["open_restaurant"]
    assert [part["step"] for part in restaurant["parts"]] == ["food", "sign", "fire", "drain"]
    fetched = [field["name"] for field in restaurant["fields"] if field["held"] and field["origin"] == "need"]
    asked = [field["name"] for field in restaurant["fields"] if field["origin"] == "ask"]
    assert len(fetched) == 9
    assert "person_phone" in asked
    assert not set(fetched) & set(asked)
    assert services["retirement"]["flow"] is None
    assert services["retirement"]["status"] == "unverified"
    assert services["shop_sign"]["unit"]["title"]["en"] == "Outdoor advertising unit"
