"""The second decoder restores what jrecomp compressed: the pages of docs/format say how."""

import ast
import re
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import jrecomp
from jrecomp import container as boxes
from jrecomp import jpeg as parser
from jrecomp.codec import copies as jrecomp_copies
from jrecomp.codec.engines import encode_slices
from jrecomp.container.boxes import Lossless, Original
from jrecomp.container.dictionary import entries
from jrecomp.model import blocks as jrecomp_blocks
from jrecomp.model import latents as jrecomp_latents
from jrecomp.model import load, weights
from jrecomp.model import planes as jrecomp_planes
from jrecomp.skeleton import Coded, Picture
from tests.golden import make
from tests.models import random_arrays, random_block_arrays, random_file, random_latents_arrays
from tests.skeleton import samples
from tests.specification import blocks, container, latents, planes
from tests.specification.conventions import Arrays, DamagedError
from tests.specification.decoder import decompress
from tests.specification.models import Component

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
WEIGHTS = ROOT / "weights"
EXAMPLES = re.findall(r"```hex\n(.*?)```", (ROOT / "docs/format.md").read_text(), re.DOTALL)


def test_the_decoder_imports_nothing_of_jrecomp() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "brotli"}
    for path in sorted(set(FOLDER.glob("*.py")) - set(FOLDER.glob("test_*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "relative"]
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith("tests.specification"), path


@pytest.mark.parametrize("path", sorted(make.FOLDER.glob("*.jrc")), ids=lambda path: path.stem)
def test_golden_file(path: Path) -> None:
    assert decompress(path.read_bytes(), WEIGHTS) == path.with_suffix(".jpg").read_bytes()


def files() -> dict[str, bytes]:
    """Small JPEG files of many kinds, by name."""
    colour, exif = make.picture(67, 45), b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0"
    baseline = make.encoded(colour, quality=70)
    progressive = make.encoded(make.picture(64, 48), quality=80, progressive=True)
    restarts = make.encoded(make.picture(65, 48), quality=60, restart_marker_blocks=3)
    damaged = bytearray(baseline)
    damaged[-200] ^= 0x5A
    tiles = colour.crop((0, 0, 16, 16)).resize((32, 16))
    tiled = Image.new("RGB", (256, 96), "navy")
    for x, y in product(range(0, 256, 32), (32, 48, 64)):
        tiled.paste(tiles, (x, y))
    gray = make.encoded(make.picture(128, 96, "L"), quality=80, optimize=True)
    half = len(gray) // 2
    return {
        "metadata": make.encoded(colour, exif=exif, icc_profile=b"icc" * 99, comment=b"words") + b"trailer",
        "progressive": progressive,
        "progressive restarts": make.encoded(
            make.picture(64, 48, "L"), quality=85, progressive=True, restart_marker_rows=1
        ),
        "restarts": restarts,
        "a restart lost": restarts.replace(b"\xff\xd2", b"", 1),
        "4:2:2": make.encoded(colour, quality=90, subsampling=1, optimize=True),
        "CMYK": make.encoded(make.picture(60, 44, "CMYK"), quality=60),
        "cut": baseline[: 3 * len(baseline) // 4],
        "cut in a later scan": progressive[: 3 * len(progressive) // 4],
        "damaged": bytes(damaged),
        "tiles": make.encoded(tiled, quality=95),
        "a hole": gray[:half] + bytes(600) + gray[half + 600 :],
    }


FILES = files()


@pytest.mark.parametrize("model", weights.names())
@pytest.mark.parametrize("name", FILES)
def test_small_file(name: str, model: str) -> None:
    compressed = jrecomp.compress(FILES[name], model=model)
    assert isinstance(container.read(compressed), container.Modelled)
    assert decompress(compressed, WEIGHTS) == FILES[name]


def test_containers_that_name_a_restorer() -> None:
    """Any number, with the same file."""
    box = boxes.unpack(jrecomp.compress(FILES["4:2:2"]))
    assert isinstance(box, Lossless)
    for restorer in (0, 1, 1 << 40):
        named = boxes.pack(boxes.Restorable(**vars(box), restorer=restorer))
        assert decompress(named, WEIGHTS) == jrecomp.decompress(named) == FILES["4:2:2"]


def test_files_with_copies() -> None:
    """Of the files above these have some, of which one adds to DC coefficients."""
    boxes = {name: container.read(jrecomp.compress(data, model="fast")) for name, data in FILES.items()}
    pictures = {name: box.pictures for name, box in boxes.items() if isinstance(box, container.Modelled)}
    copied = {name: picture.copies for name, (picture, *_) in pictures.items() if picture.copies}
    assert set(copied) == {"tiles", "a hole"}
    found = jrecomp_copies.unpack(copied["a hole"], parser.read(FILES["a hole"]).frame)
    assert any(any(copy.steps) for copy in found)


@pytest.mark.parametrize("name", samples.FILES)
def test_pictures_in_files(name: str) -> None:
    """In headers, after each other, in Base64 text, and in pieces."""
    data, expected = samples.FILES[name]
    compressed = jrecomp.compress(data, model="fast")
    body = container.read(compressed)
    assert isinstance(body, container.Modelled)
    assert len(body.pictures) == len(expected)
    assert decompress(compressed, WEIGHTS) == data


@pytest.mark.parametrize("model", weights.names())
def test_several_slices(model: str) -> None:
    """The last one has fewer MCU rows; one has only zeros."""
    picture = make.picture(48, 80)
    picture.paste((128, 128, 128), (0, 32, 48, 64))
    data = make.encoded(picture, quality=75)
    file, rows = parser.read(data), 2
    slices = [
        [
            array[rows * c.vertical * n : rows * c.vertical * (n + 1)]
            for array, c in zip(file.coefficients, file.frame.components, strict=True)
        ]
        for n in range(3)
    ]
    chosen = load(model)
    coded = encode_slices(chosen, "native", [c.steps for c in file.frame.components], slices, 1)
    coded[1] = b""
    reconstruction = boxes.pack_reconstruction(file.scans)
    scans = len(data) - len(file.headers)
    step = Picture(0, scans, Coded(reconstruction, b"", rows, tuple(coded)))
    body = Lossless(Original.of(data), chosen.identifier, file.headers, b"", (step,))
    assert file.frame.mcu_rows == 5 and not any(part.any() for part in slices[1])
    assert decompress(boxes.pack(body), WEIGHTS) == data


NETWORKS = [0, *(1 if p % 7 == 0 else 2 + p // 5 for p in range(1, 64)), 99]
"""A number for each plane; AC planes with equal numbers share a network."""


def shared_arrays(seed: int) -> Arrays:
    """A weights file of random networks that AC planes share."""
    arrays: Arrays = random_arrays(seed)
    rng, (first, second) = np.random.default_rng(seed), arrays["hidden"].tolist()
    order = sorted(set(NETWORKS), key=NETWORKS.index)
    for c in range(3):
        arrays[f"network_{c}"] = np.array([order.index(n) for n in NETWORKS], np.uint8)
        groups = [[p for p in range(65) if NETWORKS[p] == n] for n in order]
        counts = [planes.inputs_of(group, c)[0] for group in groups]
        outputs = [63 if group == [64] else 52 for group in groups]
        shapes = [
            s
            for i, o in zip(counts, outputs, strict=True)
            for s in ((first, i), (second, first), (o, second))
        ]
        biases = sum(len(group) * first + second + o for group, o in zip(groups, outputs, strict=True))
        arrays[f"weight_{c}"] = rng.integers(-40, 41, sum(a * b for a, b in shapes)).astype(np.int8)
        arrays[f"bias_{c}"] = rng.integers(-999, 999, biases).astype(np.int32)
    return arrays


def check_coefficients(encoder: Any, decoder: Any, sampling: list[tuple[int, int]], spread: float) -> None:
    """A slice of random coefficients is the same after encoder and decoder."""
    file = random_file(sampling, 3, 2, seed=4, spread=spread)
    parts, steps = file.frame.components, [c.steps for c in file.frame.components]
    (data,) = encode_slices(encoder, "native", steps, [file.coefficients], 1)
    decoded = [Component(c.block_rows, c.block_columns, c.steps.astype(np.int64)) for c in parts]
    decoder.decode(data, decoded)
    for own, other in zip(decoded, file.coefficients, strict=True):
        assert np.array_equal(own.coefficients.transpose(1, 2, 0), other)


SAMPLINGS = [
    [(2, 2), (1, 1), (1, 1)],
    [(4, 1), (1, 1), (2, 1)],
    [(1, 1), (2, 2), (1, 2)],
    [(3, 2), (1, 1), (1, 1)],
    [(1, 1)] * 4,
]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_planes_that_share_networks(sampling: list[tuple[int, int]]) -> None:
    arrays = shared_arrays(3)
    check_coefficients(jrecomp_planes.build(9, "shared", arrays), planes.Model(arrays), sampling, 5)


@pytest.mark.parametrize("spread", [3, 900])
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_random_weights(sampling: list[tuple[int, int]], spread: float) -> None:
    arrays = random_block_arrays()
    check_coefficients(jrecomp_blocks.build(9, "random", arrays), blocks.Model(arrays), sampling, spread)
    arrays = random_latents_arrays()
    check_coefficients(jrecomp_latents.build(9, "random", arrays), latents.Model(arrays), sampling, spread)


def test_examples_of_the_page() -> None:
    stored, modelled = (bytes.fromhex(example) for example in EXAMPLES)
    assert decompress(stored, WEIGHTS) == b""
    body: Any = container.read(modelled)
    assert (body.model, body.skeleton) == (1, b"0123456789abcdefghmore")
    join, text, first, second = body.steps
    assert (join.position, join.ranges, join.gaps) == (3, [4, 2], [1])
    assert (text.position, text.length) == (5, 6)
    assert (first.position, first.removed, first.reconstruction, first.mcu_rows) == (7, 300, b"ex", 4)
    assert first.slices == second.slices == [b"one", b"", b"three"]
    assert (second.position, second.removed, second.reconstruction) == (9, 5, b"")


def test_dictionary() -> None:
    assert container.dictionary() == entries()


@pytest.mark.parametrize("place", [0, 3, 40, -3])
def test_damage_is_reported(place: int) -> None:
    data = bytearray((make.FOLDER / "baseline_420.jrc").read_bytes())
    data[place] ^= 1
    with pytest.raises(DamagedError):
        decompress(bytes(data), WEIGHTS)
