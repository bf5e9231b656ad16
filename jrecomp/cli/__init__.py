"""The command line: a file per command, each a thin layer over jrecomp.batch."""

from jrecomp.cli.app import main, start

__all__ = ["main", "start"]
