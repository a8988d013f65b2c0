"""Small BPMN files for tests: a process in a few words."""

from __future__ import annotations

from quanyu.kernel.bpmn.words import INSTANCE, MODEL, OURS

ROW = """\
<startEvent id="s"/>
<userTask id="one" name="One"/>
<endEvent id="e"/>
<sequenceFlow id="a" sourceRef="s" targetRef="one"/>
<sequenceFlow id="b" sourceRef="one" targetRef="e"/>
"""
"""The shortest process: its first element stands in line 3 of a file."""


def process(inside: str = ROW, more: str = "", **said: str) -> bytes:
    attributes = {"id": "small", "isExecutable": "true"} | said
    written = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return definitions(f"<process {written}>\n{inside}</process>{more}")


def definitions(inside: str) -> bytes:
    spaces = f'xmlns="{MODEL}" xmlns:quanyu="{OURS}" xmlns:xsi="{INSTANCE}" targetNamespace="t"'
    return f"<definitions {spaces}>\n{inside}</definitions>".encode()
