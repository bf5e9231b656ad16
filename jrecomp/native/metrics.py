"""The native metrics in the build that is fastest on this processor; all builds give the same numbers."""

from typing import TYPE_CHECKING

from jrecomp.native.builds import fastest

FORMS = ("_metrics_avx2", "_metrics")
"""The modules of the builds, the fastest first. Machines may lack some, or the instructions for them."""

if TYPE_CHECKING:
    from jrecomp.native._metrics import Picture, gradient, sums
else:
    _form = fastest(FORMS)
    Picture, gradient, sums = _form.Picture, _form.gradient, _form.sums

__all__ = ["FORMS", "Picture", "gradient", "sums"]
