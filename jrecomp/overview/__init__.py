"""A report on a folder of containers, as one HTML page that needs nothing else.

`collect` reads the containers, `charts` draws, `page` writes the page. The command is `jrecomp report`.
"""
