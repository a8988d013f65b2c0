"""Signed form fields; how they are signed stands in assembly, where links for citizens are made, too."""

from quanyu.assembly.signing import KEY_FILE as KEY_FILE
from quanyu.assembly.signing import Seal as Seal
from quanyu.assembly.signing import load_seal as load_seal
