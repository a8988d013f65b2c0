"""Programs of the machine that tests need and Python cannot install: a browser, Chinese fonts, an MQTT broker."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tools.say import Trouble, line, trouble, watch

APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]


def _has_fonts() -> bool:
    return any(Path("/usr/share/fonts/opentype/noto").glob("NotoSansCJK-Regular*"))


def _has_browser() -> bool:
    return shutil.which("chromium") is not None


def _has_broker() -> bool:
    # Debian keeps servers where only root's PATH looks.
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


NEEDED: dict[str, Callable[[], bool]] = {
    "chromium": _has_browser,
    "fonts-noto-cjk": _has_fonts,
    "mosquitto": _has_broker,
}


def prepare() -> None:
    """Installs what is missing where that is possible (Debian, as root); elsewhere says what is missing and goes on."""
    absent = [name for name, is_there in NEEDED.items() if not is_there()]
    if not absent:
        return
    names = " ".join(absent)
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        line(f"Missing for some tests, which will be skipped: {names} (Debian, as root: apt-get install {names})")
        return
    line(f"Installing from Debian: {names}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *absent]):
        outcome = watch([*APT, *words], f"apt-get {words[0]}", env=quiet)
        if outcome.code and words[0] == "install":
            trouble(
                Trouble(
                    f"{names} cannot be installed; the tests that use it will be skipped",
                    "run `apt-get install` by hand and read its words",
                    outcome.tail(6),
                )
            )
            return
    line("  done")
