"""Lossy compression: requantization of coefficients, its distortion, and searches for targets."""

from jrecomp.lossy.operating_point import HIGHEST, OperatingPoint
from jrecomp.lossy.requantize import Estimate, Requantized, Requantizer
from jrecomp.lossy.rules import Rule, load_rule, rule_names
from jrecomp.lossy.search import Goal, Search
from jrecomp.lossy.tune import requantizer, rule_of

__all__ = [
    "HIGHEST",
    "Estimate",
    "Goal",
    "OperatingPoint",
    "Requantized",
    "Requantizer",
    "Rule",
    "Search",
    "load_rule",
    "requantizer",
    "rule_names",
    "rule_of",
]
