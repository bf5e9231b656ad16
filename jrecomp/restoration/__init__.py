"""Restoration of pictures: better pixels from the coefficients of JPEG files, and files of these pixels.

Every coefficient of a restored picture stays in the cell that the file gives it.
"""

from jrecomp.restoration.decode import METHODS, Restored, restored
from jrecomp.restoration.formats import FORMATS
from jrecomp.restoration.picture import Picture

__all__ = ["FORMATS", "METHODS", "Picture", "Restored", "restored"]
