"""The integer networks: definition, engine, and weights by permanent id."""

from jrecomp.model.blocks import BlocksModel
from jrecomp.model.hierarchical import HierarchicalModel
from jrecomp.model.weights import DEFAULT_MODEL, AnyModel, Model, load

__all__ = ["DEFAULT_MODEL", "AnyModel", "BlocksModel", "HierarchicalModel", "Model", "load"]
