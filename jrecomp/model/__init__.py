"""The integer network: definition, engine, and weights by permanent id."""

from jrecomp.model.weights import DEFAULT_MODEL, Model, load

__all__ = ["DEFAULT_MODEL", "Model", "load"]
