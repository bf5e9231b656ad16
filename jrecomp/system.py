"""The operating system, where it decides how files are read and written."""

import os

WINDOWS = os.name == "nt"
"""Whether open files can neither be renamed nor removed, attributes cannot be set through an open file,
folders can neither be opened nor flushed to disk, and select() takes only sockets.
"""
