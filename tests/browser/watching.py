"""A page under watch: whatever the browser complains about while a test drives it is a finding."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import BrowserContext, Error, Page, Request

from tests.browser.serving import ROOT

AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
ARTEFACTS = ROOT / "artefacts" / "browser"
TELL_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile ?? ''}`));
"""
RUN_AXE = """async () => {
  const found = await axe.run(document, { resultTypes: ['violations'], elementRef: false });
  if (found.passes.length < 10) return [`axe passed only ${found.passes.length} rules: it has not seen the page`];
  const where = (one) => one.nodes.slice(0, 4).map((node) => node.target.join(' ')).join(' | ');
  return found.violations.map((one) => `${one.id}: ${one.help} (${where(one)})`);
}"""
WORDS = """() => {
  const names = ['aria-label', 'title', 'alt', 'placeholder'];
  const labelled = [...document.querySelectorAll(names.map((name) => `[${name}]`).join())];
  const said = labelled.flatMap((one) => names.map((name) => one.getAttribute(name) ?? ''));
  return [document.title, document.body.innerText, ...said].join('\\n');
}"""
PICTURE_TRIES = 3
LEAKS = re.compile(r".{0,30}(?:\bundefined\b|\bNaN\b|\[object ).{0,30}")
Found = TypeVar("Found")


def until(what: str, question: Callable[[], Found | None], within_s: float = 15, page: Page | None = None) -> Found:
    """Ask until the answer is true or something; the page goes on living meanwhile."""
    end = time.monotonic() + within_s
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        page.wait_for_timeout(50) if page is not None else time.sleep(0.05)


class Watch:
    """Everything that the pages of one browser context did that they should not."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self._origin = origin
        self.complaints: list[str] = []
        context.add_init_script(TELL_VIOLATIONS)
        context.on("request", self._asked)
        context.on("console", lambda said: self._said(said.type, said.text, said.location))
        context.on("weberror", lambda error: self.complaints.append(f"page error: {error.error}"))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self._origin}/", "data:", f"blob:{self._origin}/")):
            self.complaints.append(f"off origin: {request.url}")

    def _said(self, kind: str, text: str, where: Any) -> None:
        if kind in ("error", "warning") and not _of_the_machine(text):
            self.complaints.append(f"console {kind}: {text} ({where.get('url')})")

    def forgive(self, pattern: str) -> None:
        """Drop complaints that a test has provoked itself."""
        self.complaints = [each for each in self.complaints if not re.search(pattern, each)]


def _of_the_machine(text: str) -> bool:
    # Software rendering is slow to read back, and says so; that is the machine's matter.
    return "GPU stall due to ReadPixels" in text or "GL Driver Message" in text


@cache
def _axe() -> str:
    assert AXE.is_file(), "axe-core is missing: run npm ci in console/ (make console does)"
    return AXE.read_text("utf-8")


def ready(page: Page, within_s: float = 30) -> None:
    """Wait until the console has drawn its first data."""
    until("window.__ready", lambda: page.evaluate("() => window.__ready === true"), within_s, page)


def accessible(page: Page) -> list[str]:
    """Return what axe-core finds against the page; its source goes in beside the page's own policy."""
    if not page.evaluate("() => 'axe' in window"):
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": _axe()})
        session.detach()
    found: list[str] = page.evaluate(RUN_AXE)
    return [f"axe {each}" for each in found]


def leaks(page: Page) -> list[str]:
    """Return words that a program let slip into the text of the page."""
    return [f"leaked: {each.strip()!r}" for each in LEAKS.findall(page.evaluate(WORDS))]


def too_wide(page: Page) -> list[str]:
    """Return by how much the page must be scrolled sideways, if so."""
    over = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"{over} px too wide"] if over > 0 else []


def picture(page: Page, name: str) -> Path:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    path = ARTEFACTS / f"{name}.jpeg"
    for left in reversed(range(PICTURE_TRIES)):
        try:
            page.screenshot(path=path, type="jpeg", quality=80)
            break
        except Error as error:
            # Software rendering now and then has nothing to read back; that is the machine's matter, once or twice.
            if not left or "Unable to capture screenshot" not in str(error):
                raise
            page.wait_for_timeout(500)
    return path


def judged(page: Page, checks: Sequence[Callable[[Page], list[str]]]) -> list[str]:
    return [fault for check in checks for fault in check(page)]
