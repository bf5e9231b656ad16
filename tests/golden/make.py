"""Makes golden files: `python tests/golden/make.py`.

Containers that are there already are never touched: they are what later versions must decode. The checksums
of what the encoder makes now are written anew.
"""

import io
import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import jrecomp
from jrecomp.lossy.target import TargetOptions
from jrecomp.model import DEFAULT_MODEL, weights
from jrecomp.options import RESTORERS

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


@dataclass(frozen=True)
class Case:
    """A file and how it is compressed."""

    data: bytes
    model: str = DEFAULT_MODEL
    mode: str = "lossless"
    target: TargetOptions = field(default_factory=TargetOptions)


def cases() -> dict[str, Case]:
    """By name: every model and every mode of containers."""
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
        if case.mode == "lossless" and (data := (FOLDER / f"{name}.jpg").read_bytes())
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
            made = jrecomp.compress(case.data, model=case.model, **case.target)
            container.write_bytes(made)
            container.with_suffix(".jpg").write_bytes(jrecomp.decompress(made))
    CHECKSUMS.write_text(json.dumps(made_now(), indent=2) + "\n")
    PIXELS.write_text(json.dumps(restored_now(), indent=2) + "\n")


if __name__ == "__main__":
    main()
