"""The native engine in the build that is fastest on this processor; all builds give the same bytes."""

from typing import TYPE_CHECKING

from jrecomp.native.builds import fastest

FORMS = ("_engine_avx512", "_engine_avx2", "_engine")
"""The modules of the builds, the fastest first. Machines may lack some, or the instructions for them."""

if TYPE_CHECKING:
    from jrecomp.native._engine import (
        BlocksEngine,
        Damaged,
        Engine,
        SliceDecoder,
        SliceEncoder,
        Team,
        code_phase,
    )
else:
    _form = fastest(FORMS)
    BlocksEngine, Damaged, Engine = _form.BlocksEngine, _form.Damaged, _form.Engine
    SliceDecoder, SliceEncoder = _form.SliceDecoder, _form.SliceEncoder
    Team, code_phase = _form.Team, _form.code_phase

__all__ = ["FORMS", "BlocksEngine", "Damaged", "Engine", "SliceDecoder", "SliceEncoder", "Team", "code_phase"]
