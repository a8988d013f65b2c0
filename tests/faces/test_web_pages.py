"""What every public page promises: the policy, both languages, weight, labels, a phone and a counter, honest values."""

from __future__ import annotations

import gzip
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from quanyu.assembly.hub import Hub
from quanyu.faces import web
from quanyu.faces.cli.compose import compose
from quanyu.faces.web import assets
from quanyu.faces.web.console import ConsoleFiles
from quanyu.faces.web.language import catalogue, preferred
from quanyu.faces.web.shield import CSP
from quanyu.kernel.entity import Observation, body_of, observations
from quanyu.kernel.journal import Command
from tests.faces.hall import HOUR, MORNING, PROVENANCE, Browser, Page, browsing, city_hall
from tests.faces.test_web_walk import LAMP, filed, opened, report

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; worker-src 'self'; "
    "img-src 'self' data: blob:; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_BYTES_MAX = 30 * 1024
TEMPLATES = files("quanyu.faces.web").joinpath("templates")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with city_hall(tmp_path_factory.mktemp("home")) as opened_hub:
        yield opened_hub


@pytest.fixture(scope="module")
def browser(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("static")
    with browsing(hub, ConsoleFiles(folder / "absent")) as opened_browser:
        yield opened_browser


@pytest.fixture(scope="module")
def pages(hub: Hub, browser: Browser) -> dict[str, Page]:
    """Every page of the face in Chinese, reached as a visitor reaches it."""
    browser.client.cookies.clear()
    number, code = report(browser, name="李四")
    near = browser.send(browser.get("/report"), "/report", LAMP)
    return {
        "report": browser.get("/report"),
        "wrong": browser.send(browser.get("/report"), "/report", status=422),
        "large": browser.get("/report?type=large"),
        "near": near,
        "filed": browser.send(near, "/report", go="new"),
        "door": browser.get("/my"),
        "matter": opened(browser, number, code),
        "around": browser.get("/around"),
        "unbuilt": browser.get("/", status=503),
    }


def test_both_catalogues_have_the_same_keys_and_values_to_fill_in() -> None:
    zh, en = catalogue("zh"), catalogue("en")
    assert zh.keys() == en.keys()
    holes = re.compile(r"\{(\w+)\}")
    assert [key for key in zh if set(holes.findall(zh[key])) != set(holes.findall(en[key]))] == []


def test_every_text_is_used_and_no_template_speaks_for_itself() -> None:
    sources = [each.read_text("utf-8") for each in TEMPLATES.iterdir() if each.name.endswith(".html")]
    sources += [each.read_text("utf-8") for each in files("quanyu.faces.web").iterdir() if each.name.endswith(".py")]
    said = "\n".join(sources)
    unused = [key for key in catalogue("zh") if f"'{key}'" not in said and f'"{key}"' not in said]
    prefixes = (
        "field.",
        "hint.",
        "notice.",
        "large.",
        "vital.",
        "event.",
        "ground.",
        "age.",
        "my.done_",
        "fault.long_",
        "warning.over_",
        "do.life_",
        "do.desk_",
        "do.how_long_",
        "do.kind_",
        "do.is_",
        "fault.unanswered_",
        "mine.what_",
        "mine.turn_",
    )
    assert [key for key in unused if not key.startswith(prefixes)] == []
    for source in sources[:8]:
        text = re.sub(r"<title>.*?</title>|\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<[^>]*>", " ", source, flags=re.S)
        assert not re.search(r"[\u4e00-\u9fff]", text.replace("中文", ""))


def test_every_response_carries_the_policy(hub: Hub, browser: Browser) -> None:
    assert CSP == POLICY
    for path in ("/do", "/report", "/my", "/around", "/", assets.address("public.css"), "/assets/none.js", "/none.svg"):
        headers = browser.request("GET", path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert browser.request("POST", "/my", data={}).headers["content-security-policy"] == POLICY


def test_pages_obey_the_policy(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert page.inline == [], name
        attributes = {attribute for _, attribute, _ in page.attributes}
        assert not {each for each in attributes if each == "style" or each.startswith("on")}, name
        sources = [value for _, attribute, value in page.attributes if attribute in ("src", "action")]
        # Under the header's no-referrer alone a browser would send its forms with the origin "null".
        assert '<meta name="referrer" content="same-origin">' in page.html, name
        assert all(value.startswith("/") and not value.startswith("//") for value in sources), name


def test_pages_are_light_all_in(browser: Browser, pages: dict[str, Page]) -> None:
    shared = sum(len(gzip.compress(browser.request("GET", assets.address(each)).content)) for each in assets.NAMES)
    for name, page in pages.items():
        assert len(gzip.compress(page.html.encode())) + shared <= PAGE_BYTES_MAX, name


def test_every_field_has_a_label_and_ids_are_unique(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        labelled = {value for tag, attribute, value in page.attributes if (tag, attribute) == ("label", "for")}
        assert labelled <= set(page.ids), name
        described = [value for _, attribute, value in page.attributes if attribute == "aria-describedby"]
        assert {id for value in described for id in value.split()} <= set(page.ids), name


def test_every_page_names_phone_and_counter_and_says_that_it_is_simulated(pages: dict[str, Page]) -> None:
    for name, page in pages.items():
        for words in ("12345", "政务服务窗口", "模拟"):
            assert words in page.text, name


def test_no_page_is_kept_by_a_cache(browser: Browser) -> None:
    for path in ("/report", "/my", "/around"):
        assert browser.request("GET", path).headers["cache-control"] == "no-store"


def test_english_is_complete(browser: Browser) -> None:
    for path in ("/report", "/report?type=large", "/my"):
        page = browser.get(path, headers={"Accept-Language": "en"})
        assert not re.search(r"[\u4e00-\u9fff]", page.text.replace("中文", "")), path
        assert 'lang="en"' in page.html


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"),
        ("en-GB,en;q=0.8", "en"),
        ("fr,en;q=0.5,zh;q=0.4", "en"),
        ("en;q=0.3,zh-TW;q=0.9", "zh"),
        ("de", "zh"),
        ("en;q=x", "zh"),
        (",;;=,", "zh"),
    ],
)
def test_language_follows_the_browser(header: str, language: str) -> None:
    assert preferred(header) == language


def test_an_asked_language_is_remembered(hub: Hub) -> None:
    with browsing(hub) as visitor:
        assert "Report a problem" in visitor.get("/report?lang=en").text
        assert "Report a problem" in visitor.get("/report").text
        assert "反映问题" in visitor.get("/report?lang=zh").text
        assert "set-cookie" not in visitor.request("GET", "/report?lang=xx").headers


def test_around_shows_value_unit_age_and_what_is_stale(hub: Hub, browser: Browser) -> None:
    stations = [
        ("a", "甲站", MORNING - HOUR // 2, 41.0),
        ("b", "乙站", MORNING - 3 * HOUR, 77.0),
        ("c", "丙站", None, 0),
    ]
    for name, title, at, value in stations:
        id = f"urn:ngsi-ld:AirQualityObserved:{name}"
        words = {"type": "Property", "value": {"zh": title, "en": name}}
        district = {"type": "Property", "value": "110101"}
        entity = {"id": id, "type": "AirQualityObserved", "name": words, "district": district}
        hub.commit_blocking([Command("entity.create", id, entity, PROVENANCE)], "simulation:test")
        if at is not None:
            body = body_of(observations([Observation(id, "pm25", at, value, "GQ")]))
            hub.commit_blocking([Command("observe", "test", body | {"as": "live"}, PROVENANCE)], "simulation:test")
    page = browser.get("/around")
    assert re.search(r"甲站 东城区 41 µg/m³ 30 分钟前 模拟", page.text)
    assert re.search(r"乙站 东城区 77 µg/m³ 3 小时前，已过时", page.text)
    assert re.search(r"丙站 东城区 – 尚无数据", page.text)
    assert page.html.count('<tr class="stale">') == 2
    assert re.search(r"朝阳区 \d+", page.text)


def test_all_faces_together_answer_each_in_its_place(hub: Hub, browser: Browser) -> None:
    transport = httpx.ASGITransport(compose(hub), client=("127.0.0.1", 5000))

    async def asked() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return [await client.get(path) for path in ("/report", "/api/v1/none", "/healthz")]

    page, problem, health = browser.loop.run_until_complete(asked())
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == POLICY
    assert problem.headers["content-type"] == "application/problem+json"
    assert health.status_code == 200


def test_no_route_is_a_stub(hub: Hub, browser: Browser) -> None:
    assert browser.request("GET", "/apply").status_code == 404
    assert web.ORDER == 200


def test_style_and_scripts_have_hashed_names_for_ever(browser: Browser) -> None:
    for name in assets.NAMES:
        path = assets.address(name)
        answer = browser.request("GET", path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        plain = browser.request("GET", path, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
    assert browser.request("GET", "/citizen/public.000000000000.css").status_code == 404


class TestConsole:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        static = tmp_path / "static"
        (static / "assets").mkdir(parents=True)
        (static / "index.html").write_text("<!doctype html><title>console</title>")
        (static / "favicon.svg").write_text("<svg/>")
        (static / "assets" / "main-abc.js").write_text("export {}")
        (static / "assets" / "main-abc.js.gz").write_bytes(gzip.compress(b"export {}"))
        (static / "assets" / ".secret.js").write_text("no")
        (static / "notes.py").write_text("no")
        (tmp_path / "outside.js").write_text("no")
        (static / "assets" / "way-out.js").symlink_to(tmp_path / "outside.js")
        return static

    @pytest.fixture
    def visitor(self, hub: Hub, folder: Path) -> Iterator[Browser]:
        with browsing(hub, ConsoleFiles(folder)) as opened_browser:
            yield opened_browser

    @pytest.mark.parametrize("path", ["/", "/map", "/board", "/case/urn:ngsi-ld:Case:20260302-1", "/case/new"])
    def test_every_page_of_the_console_is_its_shell(self, visitor: Browser, path: str) -> None:
        answer = visitor.request("GET", path, headers={"Accept": "text/html,*/*;q=0.8"})
        assert answer.status_code == 200
        assert "<title>console" in answer.text
        assert answer.headers["cache-control"] == "no-cache"
        again = visitor.request("GET", path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""

    def test_who_wants_no_page_gets_none(self, visitor: Browser) -> None:
        assert visitor.request("GET", "/map", headers={"Accept": "application/json"}).status_code == 404

    def test_assets_are_kept_and_packed(self, visitor: Browser) -> None:
        packed = visitor.request("GET", "/assets/main-abc.js", headers={"Accept-Encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["content-type"].startswith("text/javascript")
        assert "immutable" in packed.headers["cache-control"]
        plain = visitor.request("GET", "/assets/main-abc.js", headers={"Accept-Encoding": "identity"})
        assert plain.content == packed.content == b"export {}"
        assert plain.headers["etag"] != packed.headers["etag"]
        assert visitor.request("GET", "/favicon.svg").headers["content-type"] == "image/svg+xml"

    @pytest.mark.parametrize(
        "path",
        [
            "/assets/%2e%2e/index.html",
            "/assets/%2e%2e/%2e%2e/outside.js",
            "/assets/..%5c..%5coutside.js",
            "/assets/way-out.js",
            "/assets/.secret.js",
            "/assets//etc/passwd",
            "/assets/main-abc.js%00.css",
            "/assets/",
            "/notes.py",
            "/none.svg",
        ],
    )
    def test_nothing_else_can_be_had(self, visitor: Browser, path: str) -> None:
        assert visitor.request("GET", path).status_code == 404

    def test_an_unbuilt_console_says_how_to_build_it(self, browser: Browser) -> None:
        page = browser.get("/map", status=503)
        assert "npm run build" in page.text
        assert browser.get("/report").forms


def test_the_catalogue_files_are_plain_tables() -> None:
    for language in ("zh", "en"):
        tables = tomllib.loads(TEMPLATES.joinpath(f"strings.{language}.toml").read_text("utf-8"))
        assert all(isinstance(text, str) and text for table in tables.values() for text in table.values())


def test_a_filed_report_can_be_found_again(browser: Browser, pages: dict[str, Page]) -> None:
    number, code = filed(pages["filed"])
    assert number in opened(browser, number, code).text
