"""Floor 3: reads the configuration, picks adapters, loads packs and returns a Hub."""

from quanyu.assembly.hub import Hub
from quanyu.assembly.opening import open_hub
from quanyu.assembly.options import Options

__all__ = ["Hub", "Options", "open_hub"]
