"""A second decoder, written from docs/format.md and docs/format/ alone, for reading and not for speed.

It imports nothing from jrecomp. Names, order and formulas are those of the pages, which each module names.
"""
