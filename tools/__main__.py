"""Entry of `python3 -m tools TARGET`: finds a Python that is new enough, then runs the target."""

# Only words that every Python 3 understands may stand here: an old one must live long enough to say that it is too old.
import os
import shutil
import sys

OLDEST = (3, 11)
NEWER = ("python3.11", "python3.12", "python3.13", "python3.14")


def main() -> int:
    """Hands over to a newer Python on the PATH, or says in one sentence which one is missing."""
    if sys.version_info >= OLDEST:
        from tools.targets import run

        return run(sys.argv[1:])
    for name in NEWER:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, "-m", "tools", *sys.argv[1:]])
    sys.stderr.write(
        "Quanyu needs Python {}.{} or newer; this is {}.{} ({}).\n"
        "  To do: install a newer one (Debian 12 and later: apt-get install python3 python3-venv),\n"
        "         or name one: make setup PYTHON=/path/to/python3.11\n".format(
            *OLDEST, *sys.version_info[:2], sys.executable
        )
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
