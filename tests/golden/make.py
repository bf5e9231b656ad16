"""Makes golden files: `python -m tests.golden.make`.

Containers that are there already are never touched: they are what later versions must decode. The checksums
of what the encoder makes now are written anew.
"""

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import jrecomp
from jrecomp.encoding import encode_file
from jrecomp.model import DEFAULT_MODEL, weights
from jrecomp.options import RESTORERS
from jrecomp.targets import TargetOptions
from tests.jpeg import builder, samples

FOLDER = Path(__file__).parent

CHECKSUMS = FOLDER / "encoder.json"
"""The sizes and checksums from made_now()."""

PIXELS = FOLDER / "restored.json"
"""The checksums from restored_now()."""


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Waves, noise and shapes."""
    rows, columns = np.mgrid[:height, :width]
    waves = [120 + 90 * np.sin(rows / a + columns / b) for a, b in ((17, 23), (31, 12), (9, 40))]
    noise = np.random.default_rng(7).normal(0, 6, (height, width, 3))
    image = Image.fromarray((np.stack(waves, 2) + noise).clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width // 4, height // 5, width // 2, height // 2), fill=(200, 40, 30))
    draw.line((0, height, width, 0), fill=(250, 250, 240), width=3)
    return image.convert(mode)


def encoded(image: Image.Image, **options: object) -> bytes:
    """A JPEG file; options go to Pillow."""
    output = io.BytesIO()
    image.save(output, "JPEG", **options)
    return output.getvalue()


def twelve_bits() -> bytes:
    """A file of 12 bits per sample."""
    start = builder.SOI + builder.dqt(0, range(300, 364), wide=True)
    start += builder.dht(0, 0, builder.DC_TABLE) + builder.dht(1, 0, builder.AC_TABLE)
    values = np.random.default_rng(1).laplace(0, 4000, (96, 64)) * np.exp(-np.arange(64) / 4)
    data = builder.sequential(np.rint(values).clip(-16383, 16383).astype(int).tolist())
    return start + builder.sof(0xC1, 96, 64, [(1, 1)], 12) + builder.sos([0]) + data + builder.EOI


def repeated() -> bytes:
    """A file of MCUs that occur again, and others between them."""
    tile = np.asarray(picture(64, 32))
    rows = np.concatenate([np.tile(tile, (2, 4, 1)), np.asarray(picture(256, 16)), np.tile(tile, (2, 4, 1))])
    return encoded(Image.fromarray(rows), quality=70)


def several_slices() -> bytes:
    """A file of more blocks than a slice has, with few coefficients."""
    rows, columns = np.mgrid[:1064, :2008]
    waves = 120 + 100 * np.sin(rows / 97 + columns / 61) + 20 * np.sin(columns / 13) * (rows > 700)
    return encoded(Image.fromarray(waves.astype(np.uint8)), quality=25)


def motion_jpeg() -> bytes:
    """Frames without Huffman tables, as in AVI files, with other data around them."""
    frames = [encoded(picture(80 + 16 * n, 48), quality=60) for n in range(3)]
    bare = [re.sub(rb"(?s)\xff\xc4\x00(\x1f|\xb5).*?(?=\xff[\xc4\xda])", b"", frame) for frame in frames]
    return b"RIFF....AVI LIST" + b"00dc....".join(bare) + b"idx1" + bytes(range(64))


def several_pictures() -> bytes:
    """A Multi-Picture file with a thumbnail in its Exif data, and bytes after it."""
    exif = b"Exif\0\0II*\0\x08\0\0\0" + bytes(30) + encoded(picture(48, 32), quality=50)
    output = io.BytesIO()
    others = [picture(96, 64), picture(64, 96)]
    picture(128, 96).save(output, "MPO", save_all=True, append_images=others, exif=exif, quality=85)
    return output.getvalue() + b"SEFT" + bytes(range(200))


def much_metadata() -> bytes:
    """Metadata that are compressed, a picture in Base64 text among them."""
    text = base64.encodebytes(encoded(picture(64, 48), quality=60)).replace(b"\n", b"&#xA;")
    words = b" ".join(b"<rdf:li>keyword %d</rdf:li>" % n for n in range(300))
    xmp = (
        b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + words + b"<xmpGImg:image>" + text + b"</xmpGImg:image>"
    )
    data = encoded(picture(72, 56), quality=75, icc_profile=bytes(range(256)) * 12, comment=b"words")
    return data[:2] + builder.segment(0xE1, xmp) + data[2:]


def likeness() -> bytes:
    """A container of a picture that was encoded for restoration."""
    output = io.BytesIO()
    picture(96, 80).save(output, "PNG")
    return encode_file(output.getvalue(), contained=True, restored=True, effort="fast", min_psnr=33)


@dataclass(frozen=True)
class Case:
    """A file and how it is compressed.

    make: makes the container in another way. restorable: whether pictures can be restored from the file.
    """

    data: bytes = b""
    model: str = DEFAULT_MODEL
    mode: str = "lossless"
    target: TargetOptions = field(default_factory=TargetOptions)
    make: Callable[[], bytes] | None = None
    restorable: bool = True

    def container(self) -> bytes:
        """What the encoder makes of it now."""
        return self.make() if self.make else jrecomp.compress(self.data, model=self.model, **self.target)


def cases() -> dict[str, Case]:
    """By name: every model, every mode of containers, and every feature of the format."""
    baseline = encoded(picture(200, 136), quality=80)
    return {
        "baseline_420": Case(baseline),
        "progressive_gray": Case(encoded(picture(121, 83, "L"), quality=90, progressive=True), "best"),
        "cmyk_restarts": Case(
            encoded(picture(90, 70, "CMYK"), quality=75, restart_marker_blocks=5), "latents"
        ),
        "quality_100_444": Case(encoded(picture(64, 48), quality=100, subsampling=0)),
        "optimised_422": Case(encoded(picture(150, 50), quality=40, subsampling=1, optimize=True), "fast"),
        "cut_in_scan": Case(baseline[: 2 * len(baseline) // 3]),
        "arithmetic_420": Case(samples.arithmetic(encoded(picture(112, 80), quality=70)), "best"),
        "twelve_bits": Case(twelve_bits(), restorable=False),
        "copies": Case(repeated(), "fast"),
        "slices": Case(several_slices(), "fast"),
        "slices_default": Case(several_slices()),
        "motion_jpeg": Case(motion_jpeg(), "fast", restorable=False),
        "several_pictures": Case(several_pictures()),
        "much_metadata": Case(much_metadata()),
        "for_restoration": Case(make=likeness),
        "no_jpeg": Case(b"plain text\n" * 9, mode="stored"),
        "lossy_420": Case(baseline, mode="lossy", target={"quality": 55}),
    }


def restored_now() -> dict[str, dict[str, str]]:
    """The checksums of the pixels that restoration gives, by golden JPEG file and method, with 16 bits."""
    return {
        name: {
            method: sha256(jrecomp.restore(data, method=method, bits=16).tobytes()).hexdigest()
            for method in RESTORERS
        }
        for name, case in cases().items()
        if case.mode == "lossless" and case.restorable and (data := (FOLDER / f"{name}.jpg").read_bytes())
    }


def made_now() -> dict[str, dict[str, int | str]]:
    """What the encoder makes of the golden JPEG files with each model: sizes and checksums.

    The files are read, so that only the encoder and the weights decide.
    """
    found: dict[str, dict[str, int | str]] = {}
    for model in weights.names():
        for name in (name for name, case in cases().items() if case.mode == "lossless"):
            made = jrecomp.compress((FOLDER / f"{name}.jpg").read_bytes(), model=model)
            found[f"{name} {model}"] = {"bytes": len(made), "sha256": sha256(made).hexdigest()}
    return found


def main() -> None:
    """Writes what is missing of the golden files, and the checksums."""
    for name, case in cases().items():
        container = FOLDER / f"{name}.jrc"
        if not container.exists():
            made = case.container()
            container.write_bytes(made)
            container.with_suffix(".jpg").write_bytes(jrecomp.decompress(made))
    CHECKSUMS.write_text(json.dumps(made_now(), indent=2) + "\n")
    PIXELS.write_text(json.dumps(restored_now(), indent=2) + "\n")


if __name__ == "__main__":
    main()
