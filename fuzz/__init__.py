"""Fuzzing of jrecomp with sanitizers (docs/fuzzing.md): `make fuzz` or `python -m fuzz.run --help`."""
