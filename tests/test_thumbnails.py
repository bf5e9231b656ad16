"""Thumbnails: exact low frequencies, and what else their users expect."""

import io
from collections.abc import Callable
from typing import Any

import jpegio
import numpy as np
import pytest
from PIL import Image, ImageCms

import jrecomp
from jrecomp import container, thumbnails
from jrecomp.errors import CorruptContainerError, InputError, LimitError, UsageError
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.thumbnails import HIGHEST_OF_SCALES, divisor, fitted, reduced_file, thumbnail
from tests.jpeg import samples

MODELS = ("default", "best", "fast")


@pytest.fixture(scope="module")
def large(make_photo: Callable[..., bytes]) -> bytes:
    return make_photo(320, 208, quality=85)


def coefficients(data: bytes, path: Any) -> list[Any]:
    """Quantized coefficients as [block rows, block columns, 8, 8], by libjpeg."""
    path.write_bytes(data)
    file = jpegio.read(str(path))
    return [a.reshape(a.shape[0] // 8, 8, -1, 8).swapaxes(1, 2).copy() for a in file.coef_arrays]


@pytest.mark.parametrize(("size", "low"), [(40, 1), (80, 2), (160, 4)])
@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4"])
def test_low_frequencies_are_those_of_the_file(
    size: int, low: int, sampling: str, make_photo: Callable[..., bytes], tmp_path: Any
) -> None:
    data = make_photo(320, 208, quality=85, subsampling=sampling)
    reduced = reduced_file(jrecomp.compress(data), size, 1, DEFAULT_LIMITS)
    found, expected = coefficients(reduced, tmp_path / "a.jpg"), coefficients(data, tmp_path / "b.jpg")
    assert np.array_equal(found[0][..., :low, :low], expected[0][..., :low, :low])
    assert np.count_nonzero(found[0]) < np.count_nonzero(expected[0])
    for chroma, whole in zip(found[1:], expected[1:], strict=True):
        assert np.array_equal(chroma[..., 0, 0], whole[..., 0, 0])
        assert np.count_nonzero(chroma[..., 1:, :]) == np.count_nonzero(chroma[..., :1, 1:]) == 0


def test_pixels_of_an_eighth_are_means_of_blocks(large: bytes) -> None:
    with Image.open(io.BytesIO(large)) as image:
        image.draft("L", image.size)
        luma = np.asarray(image, np.float64)
    means = luma.reshape(26, 8, 40, 8).mean((1, 3))
    with Image.open(io.BytesIO(reduced_file(jrecomp.compress(large), 40, 1, DEFAULT_LIMITS))) as image:
        image.draft("L", (40, 26))
        assert np.abs(np.asarray(image, np.float64) - means).max() < 1


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("size", [1, 20, 40, 41, 80, 160, 161, 320, 1000])
def test_sizes_and_likeness(size: int, model: str, large: bytes) -> None:
    """The luma of thumbnails is that of the JPEG file; so is chroma where all is decoded."""
    found, expected = thumbnail(jrecomp.compress(large, model=model), size), thumbnail(large, size)
    assert found.size == expected.size == fitted((320, 208), size)
    if size > 160 or model == "fast":
        assert np.array_equal(np.asarray(found), np.asarray(expected))
    else:
        luma = (np.asarray(image.convert("L"), np.float64) for image in (found, expected))
        assert np.abs(np.subtract(*luma)).mean() < 1


def test_scales() -> None:
    assert [divisor((320, 208), size) for size in (1, 40, 41, 80, 81, 160, 161, 320, 999)] == [
        8, 8, 4, 4, 2, 2, 1, 1, 1,
    ]  # fmt: skip
    assert divisor((1, 65500), 8190) == 4 and fitted((1, 65500), 100) == (1, 100)
    assert list(HIGHEST_OF_SCALES) == sorted(HIGHEST_OF_SCALES, reverse=True)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_thumbnails_are_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = samples.pillow(64, 48, exif=exif)
    found = thumbnail(jrecomp.compress(data), 32)
    assert found.size == ((32, 24) if orientation < 5 else (24, 32))
    assert np.array_equal(np.asarray(found), np.asarray(thumbnail(data, 32))) or orientation
    top_left = np.asarray(thumbnail(samples.pillow(64, 48), 32).convert("L"), int)
    turned = np.asarray(found.convert("L"), int)
    back = {1: turned, 2: turned[:, ::-1], 3: turned[::-1, ::-1], 4: turned[::-1], 5: turned.T,
            6: turned[:, ::-1].T, 7: turned[::-1, ::-1].T, 8: turned[::-1].T}[orientation]  # fmt: skip
    assert np.abs(back - top_left).mean() < 6


def test_colour_profiles_are_kept() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = samples.pillow(64, 48, icc_profile=profile)
    for form in thumbnails.FORMATS:
        written, info = thumbnails.thumbnail_file(jrecomp.compress(data), form, 16)
        with Image.open(io.BytesIO(written)) as image:
            assert image.info["icc_profile"] == profile and image.size == (16, 12)
            assert image.format == form.upper()
        assert (info.width, info.height, info.picture_bytes, info.format) == (16, 12, len(written), form)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGB")])
def test_modes(channels: int, mode: str) -> None:
    data = samples.pillow(64, 48, channels)
    assert thumbnail(jrecomp.compress(data), 8).mode == thumbnail(data, 8).mode == mode


def test_other_files(large: bytes) -> None:
    """Stored files, pictures of other formats, and files in which a picture is not at the beginning."""
    buffer = io.BytesIO()
    samples.picture(64, 48).save(buffer, "PNG")
    for data in (buffer.getvalue(), jrecomp.compress(buffer.getvalue())):
        assert thumbnail(data, 16).size == (16, 12)
    cut = large[: len(large) // 2]
    for data in (jrecomp.compress(cut), jrecomp.compress(cut, model="fast"), cut):
        found = np.asarray(thumbnail(data, 40).convert("L"), float)
        assert np.abs(found - np.asarray(thumbnail(large, 40).convert("L"), float))[:10].mean() < 1
    trailer = large + bytes(1000) + large
    assert thumbnail(jrecomp.compress(trailer), 40).size == (40, 26)
    for data in (b"", b"no picture", b"before" + large):
        with pytest.raises(InputError):
            thumbnail(jrecomp.compress(data), 40)


def test_other_modes() -> None:
    """Pictures of 16 bits keep their shades, and transparent pixels are white."""
    deep = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    clear = np.zeros((64, 64, 4), np.uint8)
    clear[:, :32] = (200, 10, 10, 255)
    found = []
    for pixels in (deep, clear):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        found.append(thumbnail(jrecomp.compress(buffer.getvalue()), 16))
    assert found[0].mode == "L" and np.abs(np.asarray(found[0])[:, 8] - np.arange(2, 256, 16)).max() < 16
    assert found[1].getpixel((2, 8)) == (200, 10, 10) and found[1].getpixel((14, 8)) == (255, 255, 255)


def test_progressive_and_restarts(large: bytes, tmp_path: Any) -> None:
    for options in (["-progressive"], ["-restart", "1"], ["-arithmetic"]):
        data = samples.cjpeg(tmp_path, *options, size=(96, 80))
        assert thumbnail(jrecomp.compress(data), 12).size == (12, 10)


def test_lossy_containers(large: bytes) -> None:
    packed = jrecomp.compress(large, quality=40)
    assert jrecomp.inspect(packed).mode == "lossy"
    expected = np.asarray(thumbnail(jrecomp.decompress(packed), 160).convert("L"), int)
    assert np.abs(np.asarray(thumbnail(packed, 160).convert("L"), int) - expected).mean() < 2


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_damage_is_found(place: float, large: bytes) -> None:
    packed = bytearray(jrecomp.compress(large))
    packed[int(place * len(packed))] ^= 16
    with pytest.raises(CorruptContainerError):
        thumbnail(bytes(packed), 40)
    with pytest.raises(CorruptContainerError):
        thumbnail(bytes(packed[: int(place * len(packed))]), 40)


def test_limits_and_arguments(large: bytes) -> None:
    packed = jrecomp.compress(large)
    with pytest.raises(LimitError):
        thumbnail(packed, 40, limits=Limits(max_pixels=1000))
    with pytest.raises(LimitError):
        thumbnail(large, 40, limits=Limits(max_pixels=1000))
    for size in (0, -1, 65501):
        with pytest.raises(UsageError):
            thumbnail(packed, size)
    for wrong in ("40", 4.5, None, (40, 40)):
        with pytest.raises(TypeError):
            thumbnail(packed, wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        thumbnail(packed, threads=-1)
    assert container.is_container(packed)
