"""Entry of `make docs`."""

import sys

from tools.docs import write
from tools.say import Trouble, line, trouble

if __name__ == "__main__":
    try:
        changed = write()
    except Trouble as problem:
        trouble(problem)
        sys.exit(1)
    line(f"docs/reference: {', '.join(changed)} written" if changed else "docs/reference is up to date")
