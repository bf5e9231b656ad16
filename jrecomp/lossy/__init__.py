"""Coefficients changed for a rate: steps, levels, what that does to pixels, and searches for targets."""

from jrecomp.lossy.measure import ms_ssim, pixels, psnr
from jrecomp.lossy.requantize import Requantized, requantize
from jrecomp.lossy.rules import Rule, load_rule, rule_names
from jrecomp.lossy.search import HIGHEST, Search
from jrecomp.lossy.target import Target

__all__ = [
    "HIGHEST",
    "Requantized",
    "Rule",
    "Search",
    "Target",
    "load_rule",
    "ms_ssim",
    "pixels",
    "psnr",
    "requantize",
    "rule_names",
]
