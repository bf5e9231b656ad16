"""Any bytes: a shrunk JPEG file has the pixels of its source. libjpeg decides what these are."""

import io
import os
import subprocess
import warnings
from zlib import crc32

import numpy as np
from PIL import Image

from fuzz.mutation import mutate_segments as mutate
from fuzz.targets import LIMITS
from jrecomp.array_types import UInt8
from jrecomp.errors import InputError, LimitError
from jrecomp.pipeline import shrink
from jrecomp.targets import TargetOptions

__all__ = ["check", "mutate"]

warnings.simplefilter("ignore")  # Pillow warns of odd Exif data


def check(data: bytes) -> None:
    """Shrink without loss or with loss; the options depend on the bytes."""
    options = crc32(data)
    target: TargetOptions = {"quality": options >> 4 & 63} if options & 12 == 0 else {}
    try:
        small = shrink(data, strip=bool(options & 1), progressive=bool(options & 2), limits=LIMITS, **target)
    except (InputError, LimitError):
        return
    assert len(small) <= len(data)
    before, after = _pixels(data), _pixels(small)
    if before is not None and (after is None or not _alike(before, after, bool(target))):
        assert _libjpeg_warns(data), "the picture is not that of the source"


def _alike(before: UInt8, after: UInt8, lossy: bool) -> bool:
    return before.shape == after.shape and (lossy or bool((before == after).all()))


def _pixels(data: bytes) -> UInt8 | None:
    """What Pillow decodes, None if it cannot."""
    try:
        return np.asarray(Image.open(io.BytesIO(data), formats=["JPEG"]))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _libjpeg_warns(data: bytes) -> bool:
    """Whether libjpeg finds the entropy-coded data damaged; it restores such pictures in its own way."""
    plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    run = subprocess.run(["jpegtran", "-copy", "none"], input=data, capture_output=True, env=plain)
    return run.returncode != 0 or bool(run.stderr)
