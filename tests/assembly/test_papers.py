"""Flows and forms put together at load: every form is declared, and no choice reads what is personal."""

from __future__ import annotations

from pathlib import Path

import pytest

from quanyu.assembly import Options, open_hub
from quanyu.assembly.applications import LINK_DAYS, citizen_link, is_code_of, linked_subject
from quanyu.assembly.keeping import check_hub
from quanyu.assembly.papers import check_forms_of
from quanyu.assembly.signing import load_seal
from quanyu.kernel.errors import Invalid
from quanyu.kernel.flow import Arrow, Flow, Gateway, flow, granted, step
from quanyu.kernel.form import Forms
from quanyu.kernel.journal import Command
from quanyu.kernel.time import working_days
from quanyu.kernel.view import EVERYTHING
from tests.faces.applying import FIRM, hold
from tests.faces.hall import city_hall
from tests.kernel.forms_text import book

DAY = 86_400_000_000


def choosing(when: str, form: str = "open_shop") -> Flow:
    return flow(
        "permit",
        case="permit",
        overall=working_days(5),
        steps=[step("fill", by="applicant", form=form), step("decide", by="chief", outcome=[granted])],
        nodes=[Gateway("enough", "exclusive")],
        arrows=[Arrow("", "fill"), Arrow("fill", "enough"), Arrow("enough", "decide", when), Arrow("enough", "fill"),
                Arrow("decide", "")],
    )  # fmt: skip


def test_choices_read_what_forms_give_in_clear() -> None:
    check_forms_of([choosing("small_shop and premises_area_m2 > 3 and sells_raw")], book())


@pytest.mark.parametrize("when", ["person_id_years >= 18", "nobody_knows > 3"])
def test_choices_on_what_is_personal_or_unknown_are_refused(when: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_forms_of([choosing(when)], book())
    assert refusal.value.code == "flow.form_name"


def test_a_form_that_no_pack_declares_is_refused_at_load() -> None:
    with pytest.raises(Invalid) as refusal:
        check_forms_of([choosing("small_shop")], Forms())
    assert refusal.value.code == "case.form_unknown"


def test_links_and_codes_of_subjects_last_a_week_and_fit_nobody_else(tmp_path: Path) -> None:
    made, seal, now = citizen_link(tmp_path, "person:1", 400 * DAY), load_seal(tmp_path), 400 * DAY
    link = made["path"].partition("link=")[2]
    assert linked_subject(seal, link, now) == "person:1"
    assert linked_subject(seal, link.replace("person:1", "person:2"), now) is None
    assert linked_subject(seal, link, now + LINK_DAYS * DAY) is None
    assert is_code_of(seal, "person:1", made["code"], now + (LINK_DAYS - 1) * DAY)
    assert not is_code_of(seal, "person:1", made["code"], now + LINK_DAYS * DAY)
    assert not is_code_of(seal, "person:2", made["code"], now)
    with pytest.raises(Invalid) as refusal:
        citizen_link(tmp_path, "somebody", now)
    assert refusal.value.code == "case.subject"


def test_a_draft_outlives_the_hub_that_took_it(tmp_path: Path) -> None:
    with city_hall(tmp_path) as hub:
        hold(hub)
        opened = {
            "flow": "open_restaurant",
            "title": {"zh": "开办餐饮店"},
            "code": "ABCDEFGHJK23",
            "channel": "citizen",
        }
        id = hub.commit_blocking([Command("case.open", "", opened)], f"citizen:{FIRM}").outcomes[0].subject
        fields = {"shop_name": "老王面馆", "person_phone": "13800138000"}
        hub.commit_blocking([Command("case.act", id, {"action": "save", "fields": fields})], f"citizen:{FIRM}")
    again = open_hub(tmp_path, Options(demo=True))
    try:
        assert check_hub(again).sound
        case = again.views.cases.find(id, EVERYTHING)
        assert case is not None
        answers = {each["name"]: each for each in case["application"]["forms"][0]["answers"]}
        assert answers["shop_name"]["value"] == "老王面馆"
        assert "value" not in answers["person_phone"]
    finally:
        again.close()
