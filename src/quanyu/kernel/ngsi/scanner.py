"""Steps over a text from left to right: what the readers of the query languages have in common."""

import re
from typing import Final, NoReturn

from quanyu.kernel.errors import Invalid
from quanyu.kernel.ngsi.q_words import refuse, too_complex

LENGTH_MAX: Final = 65_536
"""Characters of an expression; a longer one is refused unread."""
_SPACE: Final = re.compile(r"\s*")


def texts_of(value: object, where: str, code: str) -> list[str]:
    """Give the expressions of a parameter (one text) or of a body (a list of texts); raises Invalid for all else."""
    found = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else [None]
    for each in found:
        if not isinstance(each, str):
            raise no_text(value, where, code)
    return [str(each) for each in found]


def no_text(value: object, where: str, code: str) -> Invalid:
    """Make the error for a body that holds something else where an expression belongs."""
    return Invalid(
        f"{where} is {type(value).__name__}, not text", code=f"{code}.syntax", where=where, remedy="write a JSON string"
    )


class Scanner:
    """A text and the position of its next character; faults are named `<code>.syntax` and `<code>.complex`."""

    def __init__(self, text: str, where: str, code: str) -> None:
        if not isinstance(text, str):
            raise no_text(text, where, code)
        self.text, self.where, self.code = text, where, code
        self.at = 0
        if len(text) > LENGTH_MAX:
            self.complain(f"it has {len(text)} of at most {LENGTH_MAX} characters")
        self.skip()

    def fail(self, expected: str) -> NoReturn:
        """Raise the syntax error for what stands here."""
        found = self.text[self.at : self.at + 20]
        refuse(self.at, expected, found, where=self.where, code=f"{self.code}.syntax")

    def complain(self, what: str) -> NoReturn:
        """Raise the error for too much of something."""
        too_complex(what, where=self.where, code=f"{self.code}.complex")

    def skip(self) -> None:
        """Step over spaces."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def take(self, *signs: str) -> bool:
        """Step over one of the signs, and the spaces around it, if it comes next."""
        self.skip()
        for sign in signs:
            if self.text.startswith(sign, self.at):
                self.at += len(sign)
                self.skip()
                return True
        return False

    def read(self, shape: re.Pattern[str], expected: str) -> str:
        """Step over what has the shape, and give it."""
        found = shape.match(self.text, self.at)
        if found is None:
            self.fail(expected)
        self.at = found.end()
        return found.group()

    def end(self, expected: str) -> None:
        """Refuse anything more."""
        self.skip()
        if self.at < len(self.text):
            self.fail(expected)
