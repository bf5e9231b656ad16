"""Models: what predicts coefficients, in integers, and weights files by permanent id."""

from jrecomp.model.blocks import BlocksModel
from jrecomp.model.latents import LatentsModel
from jrecomp.model.planes import PlanesModel
from jrecomp.model.weights import DEFAULT_MODEL, Model, load

__all__ = ["DEFAULT_MODEL", "BlocksModel", "LatentsModel", "Model", "PlanesModel", "load"]
