"""BPMN 2.0 files in and out: a file format of flows, not their runtime."""

from quanyu.kernel.bpmn.layout import Layout
from quanyu.kernel.bpmn.read import Assumed, Drawing, Given, read, read_drawing
from quanyu.kernel.bpmn.scan import Remark
from quanyu.kernel.bpmn.span import read_limit
from quanyu.kernel.bpmn.write import write

__all__ = ["Assumed", "Drawing", "Given", "Layout", "Remark", "read", "read_drawing", "read_limit", "write"]
