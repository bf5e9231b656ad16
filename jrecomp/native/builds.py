"""Native modules that are built for several instruction sets; all builds of a module compute the same."""

from importlib import import_module
from types import ModuleType

from jrecomp.native import _scan


def runnable(forms: tuple[str, ...]) -> list[str]:
    """Those builds whose instructions this processor has.

    forms: names such as _engine_avx2, the fastest first.
    """
    return [name for name in forms if name[1:].partition("_")[2] in ("", *_scan.instructions())]


def fastest(forms: tuple[str, ...]) -> ModuleType:
    """The first of the builds that this processor can run."""
    return import_module(f"jrecomp.native.{runnable(forms)[0]}")
