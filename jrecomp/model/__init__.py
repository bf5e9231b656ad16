"""Integer models that predict coefficients, and their weights files (docs/format/models.md)."""

from jrecomp.model.blocks import BlocksModel
from jrecomp.model.latents import LatentsModel
from jrecomp.model.planes import PlanesModel
from jrecomp.model.weights import DEFAULT_MODEL, FALLBACK_MODEL, Model, load

__all__ = [
    "DEFAULT_MODEL",
    "FALLBACK_MODEL",
    "BlocksModel",
    "LatentsModel",
    "Model",
    "PlanesModel",
    "load",
]
