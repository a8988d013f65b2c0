"""Cases over HTTP: lists, actions, files, and what each may see of them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from PIL import Image

from tests.faces.city import Knock


def opened(knock: Knock, who: str = "duty", **body: Any) -> str:
    given_ = {"flow": "inspect_source", "text": "工地扬尘", "place": {"district": "110105"}} | body
    return str(knock.json("POST", "/api/v1/cases", who, json=given_)["id"])


def act(knock: Knock, id: str, who: str, action: str, **body: Any) -> Any:
    version = knock.json("GET", f"/api/v1/cases/{id}", "chief")["version"]
    sent = {"action": action, "version": version} | body
    return knock.json("POST", f"/api/v1/cases/{id}/actions", who, json=sent)["case"]


def test_a_case_walks_through_the_api(knock: Knock) -> None:
    id = opened(knock)
    case = knock.json("GET", f"/api/v1/cases/{id}", "duty")
    assert case["opened_at"] == "2026-03-02T08:00:00+08:00"
    assert case["channel"] == "counter", "what nobody says otherwise was brought to the counter"
    assert "accept" in [each["action"] for each in case["next"]]
    after = act(knock, id, "duty", "accept")
    assert after["version"] == case["version"] + 1
    assert after["step"] == "dispatch"


def test_an_action_on_an_old_version_is_a_conflict(knock: Knock) -> None:
    id = opened(knock)
    path = f"/api/v1/cases/{id}/actions"
    response = knock("GET", f"/api/v1/cases/{id}", "duty")
    tag = response.headers["etag"]
    assert tag.startswith(f'"{response.json()["version"]}-'), "the version, and a digest of all that is shown"
    differ = {"action": "accept", "version": 99}
    assert knock.problem(412, "POST", path, "duty", json=differ, headers={"If-Match": tag})["where"] == "If-Match"
    assert knock("POST", path, "duty", json={"action": "accept"}, headers={"If-Match": tag}).status_code == 200
    stale = knock.problem(409, "POST", path, "duty", json={"action": "accept"}, headers={"If-Match": tag})
    assert stale["remedy"]


def test_who_may_not_act_is_refused_and_changes_nothing(knock: Knock) -> None:
    id = opened(knock)
    before = knock.json("GET", f"/api/v1/cases/{id}", "chief")
    for who in ("handler", "engineer", "nobody"):
        body = {"action": "accept", "version": before["version"]}
        assert knock.problem(403, "POST", f"/api/v1/cases/{id}/actions", who, json=body)["remedy"]
    assert knock.json("GET", f"/api/v1/cases/{id}", "chief") == before


def test_lists_and_counts_show_a_unit_its_own_cases_only(knock: Knock) -> None:
    id = opened(knock)
    act(knock, id, "duty", "accept")
    knock.json("POST", "/api/v1/people/person:duty/roles", "admin", json={"role": "dispatcher", "unit": "centre"})
    act(knock, id, "duty", "dispatch", fields={})
    for who, count in (("chief", 1), ("handler", 1), ("street", 0)):
        page = knock.json("GET", "/api/v1/cases?count=true", who)
        assert (len(page["items"]), page["total"]) == (count, count)
        assert knock.json("GET", "/api/v1/cases/lists", who)["open"] == count
        found = [hit["id"] for hit in knock.json("GET", "/api/v1/search?text=扬尘", who)["items"]]
        assert (id in found) is bool(count)
        rows = list(csv.reader(io.StringIO(knock("GET", "/api/v1/cases?format=csv", who).text)))
        assert len(rows) == (count + 1 if count else 1)
    knock.problem(404, "GET", f"/api/v1/cases/{id}", "street")
    knock.problem(404, "GET", "/api/v1/cases/urn:ngsi-ld:Case:20260302-99", "chief")


def test_the_reporter_goes_to_the_vault(knock: Knock) -> None:
    id = opened(knock, "clerk", reporter={"name": "赵六", "phone": "13900001111"})
    assert "13900001111" not in knock("GET", "/api/v1/journal?limit=1000", "admin").text
    assert "13900001111" not in knock("GET", f"/api/v1/cases/{id}", "chief").text
    path = f"/api/v1/cases/{id}/reporter"
    purpose = {"Quanyu-Purpose": "%E5%9B%9E%E8%AE%BF%E7%94%B5%E8%AF%9D"}
    assert knock.problem(400, "GET", path, "clerk")["code"] == "personal.purpose"
    knock.problem(404, "GET", path, "street", headers=purpose)
    assert knock.json("GET", path, "clerk", headers=purpose)["phone"] == "13900001111"
    act(knock, id, "duty", "accept")
    knock.json("POST", "/api/v1/people/person:engineer/roles", "admin", json={"role": "auditor"})
    assert knock.problem(403, "GET", path, "engineer", headers=purpose)["code"] == "access.denied"
    person = f"reporter:{id}"
    (read,) = knock.json("GET", f"/api/v1/people/{person}/readings", "chief")["items"]
    assert (read["actor"], read["purpose"]) == ("person:clerk", "回访电话")
    assert knock.json("GET", "/api/v1/me/readings", "duty")["items"] == []
    knock.problem(404, "GET", f"/api/v1/cases/{opened(knock)}/reporter", "clerk", headers=purpose)


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG")
    return out.getvalue()


def test_a_photo_is_seen_only_through_its_case(knock: Knock) -> None:
    kept = knock.json("POST", "/api/v1/files", "duty", content=photo(), headers={"Content-Type": "image/jpeg"})
    assert (kept["type"], kept["width"], kept["height"]) == ("image/jpeg", 64, 48)
    form = knock.json("POST", "/api/v1/files", "duty", files={"file": ("a.jpg", photo(), "image/jpeg")})
    assert form["sha256"] == kept["sha256"]
    lie = {"sha256": kept["sha256"], "type": "text/html"}
    id = opened(knock, files=[lie])
    response = knock("GET", f"/api/v1/cases/{id}/files/{kept['sha256']}", "duty")
    assert response.headers["content-type"] == "image/jpeg", "judged by content, not by what was said"
    assert "sandbox" in response.headers["content-security-policy"]
    knock.problem(404, "GET", f"/api/v1/cases/{id}/files/{kept['sha256']}", "street")
    other = opened(knock)
    knock.problem(404, "GET", f"/api/v1/cases/{other}/files/{kept['sha256']}", "duty")
    knock.problem(404, "GET", f"/api/v1/cases/{id}/files/{'0' * 64}", "duty")


def test_files_that_are_refused(standing: Knock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quanyu.faces.http.route.FILE_BYTES_MAX", 1000)
    path = "/api/v1/files"
    assert standing.problem(415, "POST", path, "duty", content=b"<html>")["code"] == "file.type"
    assert standing.problem(400, "POST", path, "duty", content=b"")["code"] == "file.empty"
    assert standing.problem(413, "POST", path, "duty", content=b"x" * 1001)["code"] == "http.too_large"
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    words = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    assert standing.problem(400, "POST", path, "duty", content=words, headers=form)["code"] == "file.empty"
    for content in (b"--x\r\nbroken", b"garbage", b"--x\r\n\x00: \xff\r\n\r\n"):
        code = standing.problem(400, "POST", path, "duty", content=content, headers=form)["code"]
        assert code in ("file.empty", "http.form")
    bare = {"Content-Type": "multipart/form-data"}
    assert standing.problem(400, "POST", path, "duty", content=words, headers=bare)["code"] == "http.form"
