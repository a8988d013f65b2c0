"""The dossier of a case: complete for officers, without persons for everybody, and comparable with the journal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quanyu.assembly.seals import checksum, differences, read_dossier
from quanyu.kernel.errors import Invalid
from tests.faces.city import Knock

REPORT = {
    "flow": "inspect_source",
    "text": "工地扬尘,请打 138 0000 1234 <b>",
    "place": {"district": "110105", "address": "建国路 12 号", "lon": 116.46, "lat": 39.91},
    "reporter": {"name": "李四", "phone": "13900001111"},
}


@pytest.fixture
def case(knock: Knock) -> str:
    """A case that was accepted with a note that names somebody."""
    id: str = knock.json("POST", "/api/v1/cases", "duty", json=REPORT)["id"]
    knock.json("POST", f"/api/v1/cases/{id}/actions", "duty", json={"action": "accept", "note": "已与<i>王五</i>联系"})
    return id


def dossier(knock: Knock, id: str, who: str = "duty", **query: str) -> Any:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return knock.json("GET", f"/api/v1/cases/{id}/dossier?format=json&{asked}", who)


def test_the_full_dossier_holds_what_was_done_and_seals_that_fit_the_journal(
    knock: Knock, case: str, tmp_path: Path
) -> None:
    made = dossier(knock, case)
    assert [entry["action"] for entry in made["case"]["actions"]] == ["open", "accept"]
    assert made["case"]["actions"][1]["note"] == "已与<i>王五</i>联系"
    assert made["exported_by"]["id"] == "person:duty"
    assert [each["seq"] for each in made["seals"]["records"]] == [entry["seq"] for entry in made["case"]["actions"]]
    assert differences(knock.hub.store, made["seals"]) == []
    file = tmp_path / "dossier.json"
    file.write_bytes(knock("GET", f"/api/v1/cases/{case}/dossier?format=json", "duty").content)
    assert checksum(read_dossier(file)) == made["checksum"]
    text = msgspec.json.encode(made).decode()
    for secret in ("李四", "13900001111"):
        assert secret not in text


def test_the_public_version_names_no_person_and_no_exact_place(knock: Knock, case: str) -> None:
    made = dossier(knock, case, version="public")
    text = json.dumps(made, ensure_ascii=False)
    for hidden in ("王五", "李四", "person:", "138 0000 1234", "116.46", "建国路", "姓名"):
        assert hidden not in text, hidden
    assert made["case"]["place"] == {"district": "110105"}
    assert [entry["title"]["zh"] for entry in made["case"]["actions"]] == ["登记", "受理"]
    assert made["case"]["actions"][1]["unit"] == "centre"
    assert differences(knock.hub.store, made["seals"]) == []
    found = knock.json("POST", "/api/v1/cases", "duty", json=REPORT | {"channel": "console"})["id"]
    assert dossier(knock, found, version="public")["version"] == "public"


@pytest.mark.parametrize(("language", "word"), [("zh", "时限如何计算"), ("en", "How the limits were counted")])
def test_the_page_prints_in_both_languages_and_escapes_what_people_wrote(
    knock: Knock, case: str, language: str, word: str
) -> None:
    for version in ("full", "public"):
        answer = knock("GET", f"/api/v1/cases/{case}/dossier?version={version}&lang={language}", "duty")
        assert answer.headers["content-type"].startswith("text/html")
        assert word in answer.text
        assert "<b>" not in answer.text
        assert "<i>" not in answer.text
        assert "<script" not in answer.text
        assert "+08:00" in answer.text


def test_who_may_not_see_the_case_gets_no_dossier(knock: Knock, case: str) -> None:
    path = f"/api/v1/cases/{case}/dossier"
    knock.problem(401, "GET", path)
    knock.problem(403, "GET", path, "nobody")
    knock.problem(404, "GET", path, "street")
    knock.problem(404, "GET", "/api/v1/cases/urn:ngsi-ld:Case:20200101-1/dossier", "duty")


def test_what_a_rule_found_has_no_public_version(knock: Knock) -> None:
    from quanyu.kernel.journal import Command

    body = {"flow": "inspect_source", "text": "传感器", "channel": "rule"}
    receipt = knock.hub.commit_blocking([Command("case.open", "", body)], "system:test")
    path = f"/api/v1/cases/{receipt.outcomes[0].subject}/dossier?version=public"
    assert knock.problem(403, "GET", path, "duty")["code"] == "dossier.not_public"


def test_a_changed_dossier_and_a_changed_journal_are_both_found(knock: Knock, case: str, tmp_path: Path) -> None:
    made = dossier(knock, case)
    file = tmp_path / "dossier.json"
    made["case"]["actions"][1]["note"] = "别的话"
    file.write_bytes(msgspec.json.encode(made))
    with pytest.raises(Invalid) as refused:
        read_dossier(file)
    assert refused.value.code == "dossier.checksum"
    seals = made["seals"]
    other = {**seals, "records": [seals["records"][0] | {"digest": "00" * 32}, seals["records"][1] | {"seq": 99_999}]}
    assert [fault.partition(" (")[0] for fault in differences(knock.hub.store, other)] == [
        f"record {seals['records'][0]['seq']}",
        "record 99999",
    ]
    elsewhere = {**seals, "head": {"seq": seals["head"]["seq"], "link": "00" * 32}}
    assert "does not pass through" in differences(knock.hub.store, elsewhere)[0]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"seals": 1}', b"\xff"])
def test_what_is_no_dossier_is_refused(knock: Knock, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "dossier.json"
    file.write_bytes(content)
    with pytest.raises(Invalid) as refused:
        differences(knock.hub.store, read_dossier(file).get("seals", {}))
    assert refused.value.code in ("dossier.form", "dossier.checksum")
