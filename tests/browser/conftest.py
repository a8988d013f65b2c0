"""One browser and one city for all tests here, and homes with a past for those that stop and start."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.serving import Server, serving
from tests.browser.watching import Watch, ready

CHROMIUM = shutil.which("chromium")
STATIC = Path(__file__).parents[2] / "src" / "quanyu" / "faces" / "web" / "static" / "index.html"
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
WIDE = {"width": 1600, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put these tests last: Playwright keeps an event loop running, beside which no other can be run."""
    items.sort(key=lambda item: "browser" in item.path.parts)


Launch = Callable[..., Browser]
Visit = Callable[..., "Visitor"]


class Visitor:
    """A person before a browser of their own: pages, and the watch over them."""

    def __init__(self, browser: Browser, server: Server, **options: Any) -> None:
        self.server = server
        self.context = browser.new_context(**{"viewport": WIDE, "locale": "zh-CN", "color_scheme": "light"} | options)
        self.context.set_default_timeout(15_000)
        self.watch = Watch(self.context, server.url)
        self.page = self.context.new_page()

    def sign_in(self, person: str) -> Visitor:
        self.page.goto(self.server.link(person))
        ready(self.page)
        return self

    def open(self, path: str) -> Page:
        """Open a page of the console in the visitor's first tab."""
        self.page.goto(self.server.url + path)
        ready(self.page)
        return self.page

    def tab(self, path: str) -> Page:
        page = self.context.new_page()
        page.goto(self.server.url + path)
        ready(page)
        return page


@pytest.fixture(scope="session")
def launch() -> Iterator[Launch]:
    """Starts browsers; the words given are further flags."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium fonts-noto-cjk)")
    if not STATIC.is_file():
        pytest.skip("the console is not built (make console)")
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())

        def launched(*flags: str) -> Browser:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, headless=True, args=[*(flags or FLAGS[2:]), *FLAGS[:2]]
            )
            stack.callback(browser.close)
            return browser

        yield launched


@pytest.fixture(scope="session")
def browser(launch: Launch) -> Browser:
    return launch()


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory, launch: Launch) -> Path:
    """A home with two simulated days behind it; nobody serves it and nobody has ever signed in."""
    home = tmp_path_factory.mktemp("past") / "home"
    with serving(home, speed=1, warm_days=2):
        pass
    return home


@pytest.fixture
def home(past: Path, tmp_path: Path) -> Path:
    """A copy of that home for a test that stops and starts its hub."""
    return Path(shutil.copytree(past, tmp_path / "home"))


@pytest.fixture(scope="session")
def city(past: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo city at its usual speed, a minute a second."""
    home = shutil.copytree(past, tmp_path_factory.mktemp("city") / "home")
    with serving(Path(home), speed=60) as server:
        yield server


@pytest.fixture
def visiting() -> Iterator[Visit]:
    """Lets people visit a server; whatever their pages complained about fails the test at its end."""
    visitors: list[Visitor] = []

    @contextmanager
    def closing() -> Iterator[None]:
        try:
            yield
        finally:
            for visitor in visitors:
                visitor.context.close()

    def visit(browser: Browser, server: Server, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, server, **options))
        return visitors[-1]

    with closing():
        yield visit
        assert [each for visitor in visitors for each in visitor.watch.complaints] == []
