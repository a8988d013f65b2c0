"""Build hook of the wheel: the console is built first, and no wheel leaves without it."""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface[Any]):
    """Builds the console where that can be done and refuses a wheel that has none."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable install is left alone: it serves whatever `make console` has built."""
        if version == "editable":
            return
        root = Path(self.root)
        release = os.environ.get("QUANYU_RELEASE") == "1"
        self._build(root, release)
        if not (root / "src/quanyu/faces/web/static/index.html").is_file():
            message = (
                "The console is not built: src/quanyu/faces/web/static/index.html does not exist.\n"
                "To do: run `make console`, then build again."
            )
            raise RuntimeError(message)

    def _build(self, root: Path, release: bool) -> None:
        """Uses the same step as `make console`; without Node, what was built before is taken, except for a release."""
        sys.path.insert(0, str(root))
        try:
            from tools import console
            from tools.say import ROOT, Trouble

            if root != ROOT or not console.is_present():
                return
            if console.find_node() or console.is_built():
                console.prepare()
            elif release:
                says = f"there is no {console.NODE_NEEDED}, and the console was not built from these sources"
                raise Trouble(says, "install it, or run `make console` first")
        except Trouble as problem:
            message = "\n".join([problem.says, *problem.detail, f"To do: {problem.remedy}"])
            raise RuntimeError(message) from problem
        finally:
            sys.path.remove(str(root))
