"""The native restoration in the build that is fastest on this processor; all builds give the same samples."""

from typing import TYPE_CHECKING

from jrecomp.native.builds import fastest

FORMS = ("_restoration_avx512", "_restoration_avx2", "_restoration")
"""The modules of the builds, the fastest first. Machines may lack some, or the instructions for them."""

if TYPE_CHECKING:
    from jrecomp.native._restoration import Network, shrink
else:
    _form = fastest(FORMS)
    Network, shrink = _form.Network, _form.shrink

__all__ = ["FORMS", "Network", "shrink"]
