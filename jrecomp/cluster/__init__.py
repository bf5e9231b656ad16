"""Whole folders of files on a Ray cluster; docs/scale.md is the guide.

`tasks` finds files and packs them into tasks, `work` does one task without Ray, `runner` has Ray do all.
`storage` reads and writes on every file system of fsspec, `manifest` tells what became of each file, and
`estimate` tells before what it will cost. Ray, pyarrow and fsspec are imported by the command `cluster` only.
"""
