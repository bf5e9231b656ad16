"""A folder of containers as the folder of the files that they restore, to be read by any program.

`tree` maps paths, `archive` reads through it and keeps restored files, and `filesystem` hands all that
to FUSE. Only the last one knows FUSE.
"""
