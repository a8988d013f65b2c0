"""Devices: what a city declares of them, and how their messages become rows of observations. Pure; faces do the talking."""

from quanyu.kernel.device.file import parse_devices
from quanyu.kernel.device.gathering import Gathering, Row
from quanyu.kernel.device.message import Field, Message, documents, message_faults, reader_of
from quanyu.kernel.device.plan import Broker, Hj212, Origin, Plan, Secret, Station, Topic
from quanyu.kernel.device.template import Template, checked_id, pick
from quanyu.kernel.device.topic import Pattern

__all__ = [
    "Broker",
    "Field",
    "Gathering",
    "Hj212",
    "Message",
    "Origin",
    "Pattern",
    "Plan",
    "Row",
    "Secret",
    "Station",
    "Template",
    "Topic",
    "checked_id",
    "documents",
    "message_faults",
    "parse_devices",
    "pick",
    "reader_of",
]
