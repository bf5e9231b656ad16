"""Restoration by the network: corrections in the cells, what it was trained for, and its weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jrecomp
from jrecomp import jpeg
from jrecomp.array_types import Float64, Int16
from jrecomp.errors import ExitCode, UnknownModelError
from jrecomp.jpeg.types import JpegFile
from jrecomp.model import weights
from jrecomp.restoration import correction, expectation
from jrecomp.restoration.network import CORRECTION_UNIT, SAMPLE_UNIT, Description, Network, build
from jrecomp.restoration.sampling import Sampling
from jrecomp.restoration.transform import unit_bits
from jrecomp.threads import Workers
from tests.cli.commands import run
from tests.jpeg import builder, samples
from tests.jpeg.test_twelve_bits import file_of
from tests.jpeg.test_twelve_bits import picture as blocks_of_12_bits
from tests.restoration import oracle
from tests.restoration.networks import arrays
from tests.restoration.test_restoring import KINDS, cjpeg_rgb, interleaved, restored

MILD = [[v // 64 for v in block] for block in blocks_of_12_bits()]
TWELVE_BITS = file_of(MILD, 96, 64, range(9, 1033, 16))


@pytest.fixture
def corrections(monkeypatch: pytest.MonkeyPatch) -> Network:
    """A network of random weights instead of the trained one; its corrections are some levels."""
    found = build(arrays(octaves=6.5))
    monkeypatch.setattr(correction, "network", lambda: found)
    return found


def with_factors(*factors: tuple[int, int]) -> bytes:
    """A file of four MCUs, one after the other, with these sampling factors."""
    width, height = 8 * max(h for h, _ in factors) * 2, 8 * max(v for _, v in factors) * 2
    blocks = samples.random_blocks(40, seed=1, largest=2)
    headers = builder.SOI + builder.tables() + builder.sof(0xC0, width, height, list(factors))
    return headers + builder.sos([0, 1, 2]) + interleaved(blocks, list(factors)) + builder.EOI


TRAINED: dict[str, tuple[bytes, tuple[bool, bool], bool]] = {
    "gray": (samples.pillow(channels=1), (False, False), True),
    "4:4:4": (samples.pillow(subsampling="4:4:4"), (False, False), False),
    "4:2:2": (samples.pillow(subsampling="4:2:2"), (True, False), False),
    "4:2:0": (samples.pillow(subsampling="4:2:0"), (True, True), False),
    "4:4:0": (with_factors((1, 2), (1, 1), (1, 1)), (False, True), False),
    "twice": (with_factors((2, 2), (2, 1), (2, 1)), (False, True), False),
    "12 bits": (TWELVE_BITS, (False, False), True),
}

OTHERS: dict[str, bytes] = {
    "RGB": cjpeg_rgb(samples.picture(64, 48)),
    "CMYK": samples.pillow(channels=4),
    "4:1:1": with_factors((4, 1), (1, 1), (1, 1)),
    "Cr is smaller than Cb": with_factors((2, 2), (2, 1), (1, 1)),
    "luma is smaller than Cb": with_factors((1, 2), (2, 2), (1, 1)),
    "luma is halved": with_factors((1, 1), (2, 1), (2, 1)),
    "steps of 1": samples.pillow(quality=100),
}


@pytest.mark.parametrize("kind", TRAINED)
def test_descriptions(kind: str) -> None:
    data, halved, gray = TRAINED[kind]
    file = jpeg.read(data)
    found = correction.described(file)
    assert found is not None
    assert (found.halved, found.gray) == (halved, gray)
    for steps, component in zip(found.steps, file.frame.components, strict=False):
        expected = oracle.natural(component.steps) // (1 if file.frame.precision == 8 else 16)
        assert (steps == expected.reshape(64).clip(1)).all()
    assert (found.steps[len(file.frame.components) :] == 1).all()


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.usefixtures("corrections")
def test_other_files_are_restored_by_expectation(kind: str) -> None:
    data = OTHERS[kind]
    assert correction.described(jpeg.read(data)) is None
    assert (jrecomp.restore(data, method="network") == jrecomp.restore(data, method="expectation")).all()


def expected_components(file: JpegFile, network: Network) -> list[Float64]:
    """In levels, with a plain DCT: the means of corrected pixels move to the nearest values in the cells."""
    with Workers(1) as workers:
        before, plain = (
            np.zeros((3, *planes[0].shape), np.int16) for planes in (expectation.restored(file, workers),) * 2
        )
        for number, pair in enumerate(
            zip(expectation.restored(file, workers), expectation.centres(file, workers), strict=True)
        ):
            before[number], plain[number] = pair
    description = correction.described(file)
    assert description is not None
    found, results = network.reference(before, plain, description), []
    scale = 2 ** (file.frame.precision - 8)
    for number, (component, levels) in enumerate(zip(file.frame.components, file.coefficients, strict=True)):
        sampling = Sampling.of(component, file)
        pixels = before[number] / SAMPLE_UNIT + found[number] / CORRECTION_UNIT
        means = averaged(pixels, sampling)
        steps = oracle.natural(component.steps) / scale
        centres, reach = oracle.natural(levels) * steps, steps / 2 - np.minimum(1 / 8, steps / 4)
        inside = oracle.samples(np.clip(oracle.coefficients(means), centres - reach, centres + reach))
        change = np.kron(inside - means, np.ones((sampling.down, sampling.across)))
        results.append(pixels + change)
    return results


def averaged(pixels: Float64, sampling: Sampling) -> Float64:
    rows, columns = pixels.shape[0] // sampling.down, pixels.shape[1] // sampling.across
    return np.asarray(pixels.reshape(rows, sampling.down, columns, sampling.across).mean((1, 3)))


@pytest.mark.parametrize("kind", TRAINED)
def test_corrections_stay_in_the_cells(kind: str, corrections: Network) -> None:
    """They are added, and the means of the pixels of samples are moved back into their cells."""
    file = jpeg.read(TRAINED[kind][0])
    with Workers(2) as workers:
        found = correction.restored(file, workers)
        before = expectation.restored(file, workers)
    pairs = zip(found, expected_components(file, corrections), strict=True)
    for number, (plane, expected) in enumerate(pairs):
        component = file.frame.components[number]
        assert np.abs(plane - before[number]).max() > 8
        assert np.abs(plane / SAMPLE_UNIT - expected).max() < 4 / SAMPLE_UNIT
        means = averaged(plane / (1 << unit_bits(file.frame.precision)), Sampling.of(component, file))
        steps = oracle.natural(component.steps)
        distance = np.abs(oracle.coefficients(means) - oracle.natural(file.coefficients[number]) * steps)
        assert (distance < steps / 2).all()


@pytest.mark.parametrize("kind", [*KINDS, "12 bits"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.usefixtures("corrections")
def test_the_promise(kind: str, bits: int) -> None:
    """Whatever the network says, compressing the pixels gives the coefficients, except for those told."""
    twelve = kind == "12 bits"
    data = TWELVE_BITS if twelve else samples.pillow(77, 59, **{"quality": 75} | KINDS[kind])
    file = jpeg.read(data)
    pixels, note = restored(data, method="network", bits=bits)
    assert (pixels != jrecomp.restore(data, method="expectation", bits=bits)).any()
    if bits == 8:
        if not twelve:
            changed, number = oracle.compressed_again(file, pixels)
            told = int(note.split("changes ")[1].split()[0].replace(",", "")) if note else 0
            assert changed <= told <= number // 50
        return
    channels = pixels.reshape(*pixels.shape[:2], -1) * ((2**file.frame.precision - 1) / 65535)
    changed, number = oracle.changed(file, channels, channels.shape[2] == 3)
    assert (f"{changed:,} of {number:,} coefficients" in note) if changed else not note


@pytest.mark.usefixtures("corrections")
def test_strength_and_threads() -> None:
    """Half of it is half of the change; threads change nothing."""
    data = samples.pillow(300, 264, 1, quality=30)
    none, half, full = (jrecomp.restore(data, bits=16, strength=s).astype(int) for s in (0, 0.5, 1))
    assert (none == jrecomp.restore(data, method="expectation", bits=16, strength=0)).all()
    assert np.abs(none + full - 2 * half).mean() < 20 < np.abs(full - none).mean() / 20
    for threads in (1, 2, 5):
        assert (jrecomp.restore(data, bits=16, threads=threads) == full).all()


@pytest.mark.parametrize("factors", [(1, 1), (2, 2), (1, 2), (3, 1)])
def test_pixels_get_other_means(factors: tuple[int, int]) -> None:
    sampling, rng = Sampling(*factors), np.random.default_rng(1)
    pixels = rng.integers(-8191, 8192, (6 * factors[0], 5 * factors[1])).astype(np.int32)
    means = rng.integers(-8191, 8192, (6, 5)).astype(np.int32)
    moved = sampling.moved(pixels, means)
    assert (sampling.sums(moved) == means * sampling.pixels).all()
    change = moved - pixels
    smallest = change.reshape(6, factors[0], 5, factors[1]).min((1, 3))
    assert set(np.unique(change - sampling.repeated(smallest.astype(np.int32)))) <= {0, 1}
    exact = sampling.sums(pixels) / sampling.pixels
    assert (sampling.means(pixels) == np.floor(exact + 0.5)).all()


def copy_of_weights(folder: Path, entry: dict[str, Any] | None) -> None:
    """The installed weights with another entry of the restorer, or none."""
    shutil.copytree(weights.folder(), folder, dirs_exist_ok=True)
    models = json.loads((folder / "manifest.json").read_text())["models"]
    models = [old for old in models if old["kind"] != weights.RESTORER] + ([entry] if entry else [])
    (folder / "manifest.json").write_text(json.dumps({"models": models}))


def installed() -> dict[str, Any]:
    models = json.loads((weights.folder() / "manifest.json").read_text())["models"]
    (entry,) = (entry for entry in models if entry["kind"] == weights.RESTORER)
    return dict(entry)


@pytest.fixture
def no_cache() -> Any:
    correction.network.cache_clear()
    yield
    correction.network.cache_clear()


@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, "model 'restorer' is not installed"),
        ({"file": "missing.npz"}, "model 'restorer' cannot be read"),
        ({"sha256": "0"}, "the weights of model 'restorer' are damaged (reinstall jrecomp)"),
    ],
)
def test_weights_that_are_missing_or_damaged(
    entry: dict[str, Any] | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told in a line; what does not need them works."""
    copy_of_weights(tmp_path, None if entry is None else installed() | entry)
    monkeypatch.setattr(weights, "folder", lambda: tmp_path)
    data = samples.pillow()
    with pytest.raises(UnknownModelError) as caught:
        jrecomp.restore(data)
    assert message in str(caught.value)
    monkeypatch.chdir(tmp_path)
    Path("a.jpg").write_bytes(data)
    printed = run("restore", "a.jpg", code=ExitCode.UNKNOWN_MODEL).stderr
    assert printed.startswith(f"jrecomp: a.jpg: {message}") and printed.count("\n") == 1
    run("restore", "--method", "expectation", "a.jpg")
    assert jrecomp.decompress(jrecomp.compress(data)) == data
    jrecomp.restore(samples.pillow(channels=4))


@pytest.mark.usefixtures("no_cache")
def test_weights_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = arrays() | {"hidden_bias": np.zeros(3, np.int32)}
    monkeypatch.setattr(weights, "read", lambda name: wrong)
    with pytest.raises(UnknownModelError, match="do not fit"):
        jrecomp.restore(samples.pillow())


def test_the_restorer_is_no_model() -> None:
    entry = installed()
    assert entry["name"] not in weights.names()
    for wanted in (entry["name"], entry["id"]):
        with pytest.raises(UnknownModelError, match="not installed"):
            weights.load(wanted)


def test_installed_weights_fit() -> None:
    found: Network = correction.network()
    planes: Int16 = np.zeros((3, 16, 16), np.int16)
    with Workers(1) as workers:
        description = Description(np.full((3, 64), 16), (True, True), False)
        result = found.correction(planes, planes, description, workers)
    assert (result == found.reference(planes, planes, description)).all()
