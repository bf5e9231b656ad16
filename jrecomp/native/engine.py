"""The native engine in the build that is fastest on this processor; all builds give the same bytes."""

from importlib import import_module
from typing import TYPE_CHECKING

from jrecomp.native import _scan

FORMS = ("_engine_avx512", "_engine_avx2", "_engine")
"""The modules of the builds, the fastest first. Machines may lack some, or the instructions for them."""


def runnable() -> list[str]:
    """Those of FORMS whose instructions this processor has."""
    return [name for name in FORMS if name.removeprefix("_engine").lstrip("_") in ("", *_scan.instructions())]


if TYPE_CHECKING:
    from jrecomp.native._engine import BlocksEngine, Damaged, Engine, SliceDecoder, SliceEncoder
else:
    _form = import_module(f"jrecomp.native.{runnable()[0]}")
    BlocksEngine, Damaged, Engine = _form.BlocksEngine, _form.Damaged, _form.Engine
    SliceDecoder, SliceEncoder = _form.SliceDecoder, _form.SliceEncoder

__all__ = ["FORMS", "BlocksEngine", "Damaged", "Engine", "SliceDecoder", "SliceEncoder", "runnable"]
