"""Warnings of a city: what a draft says, what the law wants it to say, and the CAP message that it becomes."""

from quanyu.kernel.warning.checks import Fault, faults_of
from quanyu.kernel.warning.law import Colour, Kind, Template, WarningLaw, read_law
from quanyu.kernel.warning.message import ActualMessage, ExerciseMessage, Message, compose, filled, message_of
from quanyu.kernel.warning.words import COLOURS, LANGUAGES, Draft, Mode, Target, Texts, mode_of

__all__ = [
    "COLOURS",
    "LANGUAGES",
    "ActualMessage",
    "Colour",
    "Draft",
    "ExerciseMessage",
    "Fault",
    "Kind",
    "Message",
    "Mode",
    "Target",
    "Template",
    "Texts",
    "WarningLaw",
    "compose",
    "faults_of",
    "filled",
    "message_of",
    "mode_of",
    "read_law",
]
