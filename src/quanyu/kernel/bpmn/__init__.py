"""BPMN 2.0 files in and out: a file format of flows, not their runtime."""

from quanyu.kernel.bpmn.folder import Drawn, read_folder
from quanyu.kernel.bpmn.layout import Layout
from quanyu.kernel.bpmn.read import Assumed, Drawing, Given, read, read_drawing
from quanyu.kernel.bpmn.scan import Remark
from quanyu.kernel.bpmn.span import read_limit
from quanyu.kernel.bpmn.write import write
from quanyu.kernel.bpmn.xml import BYTES_MAX

__all__ = [
    "BYTES_MAX",
    "Assumed",
    "Drawing",
    "Drawn",
    "Given",
    "Layout",
    "Remark",
    "read",
    "read_drawing",
    "read_folder",
    "read_limit",
    "write",
]
