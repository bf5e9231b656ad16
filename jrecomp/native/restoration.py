"""The native restoration in the build that is fastest on this processor; all builds give the same samples."""

from importlib import import_module
from typing import TYPE_CHECKING

from jrecomp.native.engine import runnable

FORMS = tuple(name.replace("_engine", "_restoration") for name in runnable())
"""The modules of the builds that this processor can run, the fastest first."""

if TYPE_CHECKING:
    from jrecomp.native._restoration import shrink
else:
    shrink = import_module(f"jrecomp.native.{FORMS[0]}").shrink

__all__ = ["FORMS", "shrink"]
