"""Integer models that predict coefficients, and their weights files (docs/format/models.md)."""

from jrecomp.model.arrays import Model
from jrecomp.model.weights import DEFAULT_MODEL, FALLBACK_MODEL, load

__all__ = [
    "DEFAULT_MODEL",
    "FALLBACK_MODEL",
    "Model",
    "load",
]
