"""Coefficients changed for a rate: steps, levels, what that does to pixels, and searches for targets."""

from jrecomp.lossy.measure import ms_ssim, pixels, psnr
from jrecomp.lossy.requantize import Estimate, Requantized, Requantizer
from jrecomp.lossy.rules import Rule, load_rule, rule_names
from jrecomp.lossy.search import Goal, Search
from jrecomp.lossy.setting import HIGHEST, Setting
from jrecomp.lossy.target import Target

__all__ = [
    "HIGHEST",
    "Estimate",
    "Goal",
    "Requantized",
    "Requantizer",
    "Rule",
    "Search",
    "Setting",
    "Target",
    "load_rule",
    "ms_ssim",
    "pixels",
    "psnr",
    "rule_names",
]
