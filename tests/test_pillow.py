"""The plugin for Pillow: what its JPEG plugin does, on containers."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

import jrecomp
import jrecomp.pillow
from jrecomp.container import Original, Stored, pack
from jrecomp.pillow import JrcImageFile
from tests.jpeg import samples


@pytest.fixture(scope="module")
def large(make_photo: Callable[..., bytes]) -> bytes:
    return make_photo(320, 208, quality=85)


def opened(data: bytes) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(data))


def difference(first: Image.Image, second: Image.Image) -> float:
    """The mean absolute difference of pixels."""
    arrays = (np.asarray(image, np.float64) for image in (first, second))
    return float(np.abs(np.subtract(*arrays)).mean())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("model", ["default", "fast"])
def test_pixels_are_those_of_the_file(channels: int, model: str) -> None:
    data = samples.pillow(61, 45, channels)
    with opened(jrecomp.compress(data, model=model)) as image, opened(data) as expected:
        assert (image.format, image.get_format_mimetype()) == ("JRC", "image/x-jrc")
        assert (image.size, image.mode, image.info) == (expected.size, expected.mode, expected.info)
        assert image.tobytes() == expected.tobytes()


def test_headers_are_read_without_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    data = samples.pillow(64, 48, exif=exif, icc_profile=profile, dpi=(300, 300), comment=b"words")
    packed = jrecomp.compress(data)
    monkeypatch.setattr(jrecomp, "decompress", None)
    with opened(packed) as image, opened(data) as expected:
        assert isinstance(image, JrcImageFile)
        assert image.info == expected.info and image.info["icc_profile"] == profile
        assert image.info["dpi"] == (300, 300) and image.info["comment"] == b"words"
        assert dict(image.getexif()) == dict(expected.getexif()) and image.getexif()[0x0112] == 6
        assert image.quantization == expected.quantization  # type: ignore[attr-defined]
        assert image.layers == 3


def test_orientation() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = samples.pillow(64, 48, exif=exif)
    turned = ImageOps.exif_transpose(opened(jrecomp.compress(data)))
    assert turned.size == (48, 64) and turned.tobytes() == ImageOps.exif_transpose(opened(data)).tobytes()


@pytest.mark.parametrize("size", [(320, 208), (160, 104), (80, 52), (40, 26), (30, 20)])
@pytest.mark.parametrize("mode", ["RGB", "L", None])
def test_draft(size: tuple[int, int], mode: str | None, large: bytes) -> None:
    with opened(jrecomp.compress(large)) as image, opened(large) as expected:
        assert image.draft(mode, size) == expected.draft(mode, size)
        assert (image.size, image.mode) == (expected.size, expected.mode)
        assert difference(image.convert("L"), expected.convert("L")) < 1


def test_thumbnails_decode_no_more_than_they_need(large: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jrecomp, "decompress", None)
    with opened(jrecomp.compress(large)) as image:
        image.thumbnail((20, 20))
        assert image.size == (20, 13)


def test_files_and_streams(large: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg.jrc"
    path.write_bytes(jrecomp.compress(large))
    with Image.open(path) as image:
        image.load()
        assert image.size == (320, 208)
    with path.open("rb") as stream, Image.open(stream) as image:
        assert image.copy().crop((10, 10, 20, 20)).size == (10, 10)
    with Image.open(path) as image:
        image.verify()
    with Image.open(path) as image:
        assert pickle.loads(pickle.dumps(image)).tobytes() == opened(large).tobytes()


def test_stored_and_cut_files(large: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = pack(Stored(Original.of(large), 0, large))
    assert jrecomp.inspect(stored).mode == "stored"
    assert opened(stored).tobytes() == opened(large).tobytes()
    cut = jrecomp.compress(large[: len(large) // 2])
    with pytest.raises(OSError, match="truncated"):
        opened(cut).load()
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert opened(cut).tobytes() == opened(large[: len(large) // 2]).tobytes()


def test_what_is_no_picture(large: bytes) -> None:
    packed = jrecomp.compress(large)
    for data in (jrecomp.compress(b"text"), jrecomp.compress(b"text" + large), packed[:-1], packed[:9]):
        with pytest.raises(UnidentifiedImageError):
            opened(data)


def test_saved_files_are_kept_byte_for_byte(large: bytes, tmp_path: Path) -> None:
    """Those that were opened and have their pixels, also after they were decoded."""
    path, copy = tmp_path / "a.jpg", tmp_path / "a.jpg.jrc"
    path.write_bytes(large)
    with Image.open(path) as image:
        image.load()
        image.save(copy)
    assert jrecomp.decompress(copy.read_bytes()) == large
    with Image.open(copy) as image:
        image.save(tmp_path / "b.jrc", model="fast")
        output = io.BytesIO()
        image.save(output, "JRC")
    info = jrecomp.inspect((tmp_path / "b.jrc").read_bytes())
    assert (info.model, jrecomp.decompress((tmp_path / "b.jrc").read_bytes())) == ("fast", large)
    assert output.getvalue() == copy.read_bytes()


def test_files_of_several_pictures_are_kept_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    samples.picture(64, 48).save(path, "MPO", save_all=True, append_images=[samples.picture(64, 48, seed=2)])
    with Image.open(path) as image:
        assert image.format == "MPO"
        image.save(tmp_path / "a.jrc")
        image.seek(1)
        second = image.copy()
        image.save(tmp_path / "b.jrc", model="fast")
    assert jrecomp.decompress((tmp_path / "a.jrc").read_bytes()) == path.read_bytes()
    with Image.open(tmp_path / "b.jrc") as image:
        assert difference(image, second) < 10


@pytest.mark.parametrize("now", ["replaced by itself", "gone", "a text", "cut"])
def test_images_whose_file_is_lost_are_encoded(now: str, large: bytes, tmp_path: Path) -> None:
    path, target = tmp_path / "a.jpg", tmp_path / "b.jrc"
    path.write_bytes(large)
    with Image.open(path) as image:
        image.load()
        if now == "replaced by itself":
            target = path
        elif now == "gone":
            path.unlink()
        else:
            path.write_bytes(b"a text" if now == "a text" else large[: len(large) // 2])
        image.save(target, "JRC")
    with Image.open(target) as image:
        assert image.format == "JRC" and difference(image, opened(large)) < 10


def changed(image: Image.Image) -> Image.Image:
    image.putpixel((0, 0), (1, 2, 250))
    return image


@pytest.mark.parametrize("change", [changed, lambda image: image.rotate(90, expand=True)])
def test_changed_images_are_encoded(
    change: Callable[[Image.Image], Image.Image], large: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(large)
    with Image.open(path) as image:
        expected = change(image)
        expected.save(tmp_path / "a.jrc", quality=95)
    with Image.open(tmp_path / "a.jrc") as image:
        assert image.size == expected.size
        assert difference(image, expected) < 4
    assert jrecomp.decompress((tmp_path / "a.jrc").read_bytes()) == jrecomp.encode(expected, quality=95)


EXIF = Image.Exif()
EXIF[0x010E] = "a picture"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {"subsampling": 0},
        {"subsampling": 1},
        {"subsampling": 2},
        {"subsampling": "4:2:2", "optimize": True},
        {"exif": EXIF},
        {"exif": EXIF.tobytes(), "progressive": True},
        {"icc_profile": PROFILE, "dpi": (300, 300), "comment": "words"},
        {"comment": b"\xff\0", "quality": 30},
    ],
    ids=lambda options: "-".join(options),
)
def test_options_of_the_jpeg_plugin(options: dict[str, Any], large: bytes) -> None:
    source = opened(large).convert("RGB")
    files = io.BytesIO(), io.BytesIO()
    source.save(files[0], "JRC", **options)
    source.save(files[1], "JPEG", **options)
    with Image.open(files[0]) as image, Image.open(files[1]) as expected:
        assert isinstance(image, JrcImageFile)
        for name in ("exif", "icc_profile", "dpi", "comment"):
            assert image.info.get(name) == expected.info.get(name)
        if "subsampling" in options:
            layers = image.layer, expected.layer  # type: ignore[attr-defined]
            assert [layer[1:3] for layer in layers[0]] == [layer[1:3] for layer in layers[1]]
        assert difference(image, source) < 10


def test_metadata_of_the_image_are_kept_beside_those_given(large: bytes) -> None:
    file, tiff = io.BytesIO(), io.BytesIO()
    opened(large).save(tiff, "TIFF", exif=EXIF, dpi=(72, 72))
    with Image.open(tiff) as image:
        image.save(file, "JRC", comment=b"words")
    with Image.open(file) as image:
        assert image.getexif()[0x010E] == "a picture"
        assert image.info["comment"] == b"words" and image.info["dpi"] == (72, 72)


def test_quality_keep(large: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(large)
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "a.jrc", quality="keep", subsampling="keep")
        assert jrecomp.decompress((tmp_path / "a.jrc").read_bytes()) == large
        with pytest.raises(ValueError, match="keep"):
            changed(image).save(tmp_path / "b.jrc", quality="keep")
    assert not (tmp_path / "b.jrc").exists()


@pytest.mark.parametrize("options", [{"quality": 400}, {"model": "none"}, {"tune": "magic"}])
def test_options_that_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises((ValueError, OSError)):
        samples.picture(16, 16).save(tmp_path / "a.jrc", **options)
    assert not list(tmp_path.iterdir())
