"""The one error tree: what the world did wrong, said so that somebody can mend it.

    QuanyuError
    ├── Invalid       the input is wrong
    ├── Missing       the thing does not exist, or nothing is known about it
    ├── Conflict      the thing changed, or stands already
    ├── Denied        the actor may not
    ├── Unavailable   not now, later
    └── Unsupported   known but unbuilt

`assert` is for our own mistakes; no input from outside may reach one.
"""

from __future__ import annotations


class QuanyuError(Exception):
    """Root of the tree: subject, present-tense verb, context; `where` it is, and the `remedy`."""

    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        where: str | None = None,
        remedy: str | None = None,
        **details: object,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.where = where
        self.remedy = remedy
        self.details: dict[str, object] = details


class Invalid(QuanyuError):
    """The input breaks a rule; sending it again changes nothing."""

    default_code = "invalid"


class Missing(QuanyuError):
    """The named thing does not exist, or the hub refuses to guess it."""

    default_code = "missing"


class Conflict(QuanyuError):
    """The thing stands in another version, or exists already."""

    default_code = "conflict"


class Denied(QuanyuError):
    """The actor may not do or see this."""

    default_code = "denied"


class Unavailable(QuanyuError):
    """The hub cannot do it now; `details["retry_after_s"]` says when to ask again."""

    default_code = "unavailable"


class Unsupported(QuanyuError):
    """The standard knows it, the hub does not yet; the remedy lists what is accepted."""

    default_code = "unsupported"
