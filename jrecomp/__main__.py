"""Entry point of `python -m jrecomp`."""

from jrecomp.cli import start

start()
