"""The command line. Each command has a module of its own, which calls jrecomp.batch."""

from jrecomp.cli.app import main, start

__all__ = ["main", "start"]
