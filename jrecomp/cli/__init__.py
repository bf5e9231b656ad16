"""The command line. Each command has a module of its own, which calls jrecomp.batch."""

from jrecomp.cli.process import start

__all__ = ["start"]
