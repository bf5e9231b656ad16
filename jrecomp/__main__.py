"""`python -m jrecomp`."""

from jrecomp.cli import main

main()
