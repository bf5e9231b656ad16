"""Pictures to JPEG files, against independent decoders."""

import io
import shutil
import subprocess
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image, ImageCms

import jrecomp
from jrecomp import jpeg
from jrecomp.array_types import Float64, UInt8
from jrecomp.encoder.source import MOST_SIDE
from jrecomp.encoder.tables import likeness_of
from jrecomp.encoding import encode, encode_file
from jrecomp.errors import InputError, LimitError, TargetError, UsageError
from jrecomp.jpeg.metadata import table_numbers
from jrecomp.metrics import ms_ssim, pixels, psnr, ssimulacra2
from jrecomp.notes import Note
from jrecomp.options import Limits, Method, Subsampling, Tune
from jrecomp.restoring import DEFAULT_METHOD
from jrecomp.train.drawings import draw
from tests.encoder.drawings import noisy, png, ramp, reached, red_lines, text

PHOTO = noisy()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def noted(image: Any, **options: Any) -> tuple[bytes, Note]:
    notes: list[Note] = []
    return encode(image, on_note=notes.append, **options), notes[0]


def luma(picture: UInt8) -> Float64:
    weights = np.array([0.299, 0.587, 0.114])
    result: Float64 = picture.astype(np.float64) @ weights
    return result


@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
@pytest.mark.parametrize("progressive", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 9), (16, 16), (33, 50)])
def test_every_size_opens_in_other_decoders(
    shape: tuple[int, int], progressive: bool, subsampling: Subsampling
) -> None:
    picture = noisy(48, 64)[: shape[0], : shape[1]]
    data = encode(picture, subsampling=subsampling, progressive=progressive, quality=95)
    image = opened(data)
    assert image.size == (shape[1], shape[0])
    assert bool(image.info.get("progressive")) == progressive
    assert psnr(picture, np.asarray(image)) > 30
    djpeg = shutil.which("djpeg")
    if djpeg:
        found = subprocess.run([djpeg, "-pnm"], input=data, capture_output=True, check=True)
        assert not found.stderr and opened(found.stdout).tobytes() == image.tobytes()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_gray(depth: type) -> None:
    gray = np.ascontiguousarray(PHOTO[..., 0])
    data = encode(gray.astype(depth) * (257 if depth is np.uint16 else 1), quality=99)
    assert opened(data).mode == "L" and psnr(gray[..., None], pixels(data)) > 34


def test_sixteen_bits_are_used() -> None:
    """A ramp between two neighbouring values of 8 bits has its mean kept, which rounding would not do."""
    deep = np.full((64, 64, 3), 100 * 257 + 128, np.uint16)
    same = encode(deep, quality=100)
    assert same == encode(deep, quality=100)
    assert set(np.unique(pixels(same))) <= {100, 101}


def test_cmyk_keeps_its_colours() -> None:
    inks = np.concatenate([PHOTO, np.full((96, 128, 1), 40, np.uint8)], 2)
    data = encode(Image.fromarray(inks, "CMYK"), quality=97, subsampling="444")
    image = opened(data)
    assert image.mode == "CMYK" and psnr(inks, np.asarray(image)) > 38


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "I;16", "HSV", "YCbCr"])
def test_modes(mode: str) -> None:
    image = Image.fromarray(PHOTO)
    if mode == "I;16":
        image = Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert("L").convert(mode) if mode in ("1", "LA", "PA") else image.convert(mode)
    gray = mode in ("1", "L", "LA", "I;16")
    assert opened(encode(image)).mode == ("L" if gray else "RGB")


def test_files_images_and_arrays_give_the_same_bytes() -> None:
    data = encode(PHOTO)
    assert encode(Image.fromarray(PHOTO)) == encode(png(PHOTO)) == jrecomp.encode(PHOTO) == data
    assert encode(PHOTO, threads=1) == encode(PHOTO, threads=3) == data


def test_metadata_are_kept_or_stripped() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>title</x:xmpmeta>"
    output = io.BytesIO()
    Image.fromarray(PHOTO).save(output, "WEBP", lossless=True, icc_profile=profile, exif=exif, xmp=xmp)
    full, bare = (opened(encode(output.getvalue(), strip=strip)) for strip in (False, True))
    for image in (full, bare):
        assert image.info["icc_profile"] == profile and image.getexif()[0x0112] == 6
    assert full.getexif()[0x010F] == "maker" and full.info["xmp"] == xmp
    assert 0x010F not in bare.getexif() and "xmp" not in bare.info


def test_tags_of_tiff_files_are_kept() -> None:
    output = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112], exif[0x8298] = 3, "owner"
    Image.fromarray(PHOTO).save(output, "TIFF", exif=exif)
    image = opened(encode(output.getvalue()))
    assert dict(image.getexif()) == {0x8298: "owner"}
    assert psnr(PHOTO[::-1, ::-1], np.asarray(image)) > 30  # Pillow turns pictures of TIFF files itself


@pytest.mark.parametrize(
    ("form", "given", "kept"),
    [
        ("PNG", (300, 300), (300, 300)),
        ("PNG", (72, 144), (72, 144)),
        ("TIFF", (240, 240), (240, 240)),
        ("TIFF", (1e6, 1e6), None),
        ("PNG", None, None),
    ],
)
def test_the_density_of_pixels_is_kept(
    form: str, given: tuple[float, float] | None, kept: tuple[int, int] | None
) -> None:
    for mode in ("L", "RGB"):
        source = io.BytesIO()
        options = {} if given is None else {"dpi": given}
        Image.new(mode, (16, 16)).save(source, form, **options)
        for strip in (False, True):
            info = Image.open(io.BytesIO(encode(source.getvalue(), strip=strip))).info
            assert info["jfif"] == 0x101 and info.get("dpi") == kept


@pytest.mark.parametrize(
    ("options", "tables"),
    [
        ({"subsampling": "420"}, [0, 2, 2]),
        ({"subsampling": "422", "effort": "default"}, [0, 2, 2]),
        ({"subsampling": "444"}, [0, 1, 1]),
        ({"subsampling": "420", "restored": True}, [0, 1, 1]),
    ],
)
def test_tables_tell_how_chroma_was_made_smaller(options: dict[str, Any], tables: list[int]) -> None:
    data = encode(PHOTO, quality=80, **options)
    shrunk = jrecomp.shrink(data, quality=60)
    assert len(shrunk) < len(data)
    for file in (data, shrunk, jrecomp.decompress(jrecomp.compress(data, quality=60))):
        assert table_numbers(jpeg.read(file).headers) == tables


@pytest.mark.parametrize("method", ["expectation", "network"])
@pytest.mark.parametrize("subsampling", ["420", "422", "444"])
@pytest.mark.parametrize("quality", [50, 85, 95])
def test_restored_pictures_are_better(subsampling: Subsampling, quality: int, method: Method) -> None:
    picture = np.ascontiguousarray(np.asarray(draw(3).convert("RGB"))[:192, :192])
    data = encode(picture, quality=quality, subsampling=subsampling)
    plain, restored = np.asarray(opened(data)), jrecomp.restore(data, method=method)
    assert psnr(picture, restored) > psnr(picture, plain)


@pytest.mark.parametrize("decibels", [27.0, 30.0, 45.0])
@pytest.mark.parametrize("gray", [False, True])
def test_low_and_high_similarities_are_approached(gray: bool, decibels: float) -> None:
    picture = np.ascontiguousarray(np.asarray(draw(3).convert("RGB"))[:192, :192])
    picture = picture[..., :1] if gray else picture
    data, note = noted(picture, tune="psnr", min_psnr=decibels)
    assert decibels <= psnr(picture, pixels(data)) < decibels + 0.7
    assert "no quality gives" not in note.text


def test_metadata_that_do_not_fit_are_told() -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    gray = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data, note = noted(png(PHOTO[..., 0], exif=exif, icc_profile=gray))
    assert "without" in note.text and "Exif" in note.text and "colour profile" in note.text
    assert "icc_profile" not in opened(data).info


def test_transparency_is_refused_or_laid_on_a_colour() -> None:
    rgba = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    assert encode(rgba) == encode(PHOTO)  # nothing is transparent
    rgba[:48, :, 3] = 0
    for image in (rgba, Image.fromarray(rgba), png(rgba)):
        with pytest.raises(InputError, match=r"transparent.*background"):
            encode(image)
        laid = pixels(encode(image, background=(255, 0, 0), quality=95, subsampling="444"))
        assert np.abs(laid[:40].astype(int) - (254, 0, 0)).max() < 12
        assert psnr(laid[56:], PHOTO[56:]) > 35


def test_premultiplied_gray() -> None:
    assert opened(encode(Image.new("La", (16, 16), (90, 255)))).getpixel((5, 5)) == 90


def test_palettes_with_transparency() -> None:
    image = Image.fromarray(PHOTO).convert("P")
    data = io.BytesIO()
    image.save(data, "PNG", transparency=bytes([0] + [255] * 255))
    if (np.asarray(image) == 0).any():
        with pytest.raises(InputError, match="transparent"):
            encode(data.getvalue())
    assert opened(encode(data.getvalue(), background=(0, 0, 0))).mode == "RGB"


@pytest.mark.parametrize(
    ("target", "least", "most"),
    [
        ({"max_bytes": 4000}, 0.93, 1),
        ({"bpp": 3.0}, 0.93, 1),
        ({"min_psnr": 36.0}, 1, 1.01),
        ({"min_ms_ssim": 0.99}, 1, 1.003),
        ({"min_ssimulacra2": 75.0}, 1, 1.02),
    ],
    ids=str,
)
def test_targets_are_met(target: dict[str, Any], least: float, most: float) -> None:
    data, _ = noted(PHOTO, **target)
    (name, value), *_ = target.items()
    assert least * value <= reached(data, PHOTO)[name] <= most * value


def test_targets_that_cannot_be_met() -> None:
    with pytest.raises(TargetError, match="only as"):
        encode(PHOTO, max_bytes=100)
    with pytest.raises(TargetError, match="only"):
        encode(PHOTO, min_psnr=90.0)
    with pytest.raises(UsageError, match="exclude each other"):
        encode(PHOTO, max_bytes=100, quality=3)


RESTORED: list[tuple[dict[str, Any], str, float, float]] = [
    ({"quality": 70}, "SSIMULACRA2", 1, 1.03),
    ({"min_psnr": 36.0}, "PSNR", 1, 1.01),
    ({"min_ms_ssim": 0.99}, "MS-SSIM", 1, 1.003),
    ({"min_ssimulacra2": 75.0, "effort": "fast"}, "SSIMULACRA2", 1, 1.02),
    ({"bpp": 2.0, "tune": "psnr"}, "PSNR", 0, 100),
    ({"max_bytes": 3000, "tune": "ms-ssim"}, "MS-SSIM", 0, 1),
]
SCORES: dict[str, Callable[[UInt8, UInt8], float]] = {
    "PSNR": psnr,
    "MS-SSIM": ms_ssim,
    "SSIMULACRA2": ssimulacra2,
}


@pytest.mark.parametrize(("target", "measure", "least", "most"), RESTORED, ids=str)
def test_targets_of_restored_pictures(
    target: dict[str, Any], measure: str, least: float, most: float
) -> None:
    """Both scores are told, and the restored picture meets the target."""
    data, note = noted(PHOTO, restored=True, **target)
    restored, score = jrecomp.restore(data), SCORES[measure]
    assert note.likeness is not None and note.likeness.measure == measure
    assert note.likeness.restorer in note.text and "plain" in note.text
    assert note.likeness.restored == score(PHOTO, cast(UInt8, restored))
    assert note.likeness.plain == score(PHOTO, pixels(data))
    wanted = next(iter(target.values())) if "quality" not in target else likeness_of(70)
    assert least * wanted <= score(PHOTO, cast(UInt8, restored)) <= most * wanted or not least


@pytest.mark.parametrize("tune", ["psnr", "ssimulacra2"])
def test_restoration_saves_bytes(tune: Tune) -> None:
    drawing = np.array(draw(7).convert("RGB"))[:256, :256]
    target: dict[str, Any] = {"min_psnr": 34.0, "tune": tune, "subsampling": "420"}
    assert len(encode(drawing, restored=True, **target)) < 0.95 * len(encode(drawing, **target))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_restored_pictures_of_other_colours(mode: str) -> None:
    image = Image.fromarray(PHOTO).convert(mode)
    data, note = noted(image, restored=True, min_psnr=36.0)
    assert 36 <= psnr(np.asarray(image).reshape(*PHOTO.shape[:2], -1), restored(data)) < 36.4
    assert note.likeness and note.likeness.restored and note.likeness.restored >= 36


def restored(data: bytes) -> UInt8:
    return cast(UInt8, jrecomp.restore(data).reshape(*PHOTO.shape[:2], -1))


def test_equal_pictures_have_no_psnr() -> None:
    _, note = noted(np.full((16, 16), 128, np.uint8), restored=True, min_psnr=60.0)
    assert note.likeness and note.likeness.restored is None and "inf dB" in note.text


def test_containers_name_the_restorer() -> None:
    found = [encode_file(png(PHOTO), contained=True, restored=flag, min_psnr=34.0) for flag in (False, True)]
    assert [jrecomp.inspect(data).restorer for data in found] == [None, DEFAULT_METHOD]
    assert jrecomp.decompress(found[1]) == encode(PHOTO, restored=True, min_psnr=34.0)
    tiny = encode_file(png(PHOTO[:1, :1]), contained=True, restored=True)
    assert jrecomp.decompress(tiny) == encode(PHOTO[:1, :1], restored=True)


def test_jpeg_files_are_not_encoded_for_restoration() -> None:
    for contained in (False, True):
        with pytest.raises(InputError, match="is a JPEG file, which cannot be encoded with restored"):
            encode_file(encode(PHOTO), contained=contained, restored=True)


@pytest.mark.parametrize("tune", ["ssimulacra2", "ms-ssim", "psnr"])
@pytest.mark.parametrize("subsampling", ["444", "422", "420"])
def test_quality_orders_results(tune: Tune, subsampling: Subsampling) -> None:
    sizes = [len(encode(PHOTO, quality=q, tune=tune, subsampling=subsampling)) for q in range(0, 101, 10)]
    assert sizes == sorted(sizes) and sizes[-1] > 4 * sizes[0]


@pytest.mark.parametrize(("low", "high"), [(0, 255), (2, 30), (60, 76)])
def test_ramps_stay_smooth(low: int, high: int) -> None:
    """No step is more than that of the picture and the rounding, and no band is flattened."""
    source = ramp(low, high)
    decoded = luma(pixels(encode(source, quality=75)))
    assert np.abs(decoded - luma(source)).max() < 3.01
    assert np.abs(np.diff(decoded, axis=0)).max() <= 2
    means = decoded.mean(0).reshape(-1, 8).mean(1)
    assert np.abs(means - luma(source).mean(0).reshape(-1, 8).mean(1)).max() < 1.01


@pytest.mark.parametrize("picture", [red_lines(), text()], ids=["lines", "text"])
def test_fine_coloured_details_get_full_chroma(picture: UInt8) -> None:
    data, note = noted(picture, quality=90)
    assert note.text.split("; ")[0] == "4:4:4"
    assert opened(data).layer[0][1:3] == (1, 1)  # type: ignore[attr-defined]
    halved = pixels(encode(picture, quality=90, subsampling="420"))
    assert psnr(picture, pixels(data)) > psnr(picture, halved) + 3


def test_photographs_get_half_chroma() -> None:
    assert noted(PHOTO)[1].text == "4:2:0"


def test_damaged_pictures_give_errors_of_one_line() -> None:
    starts = b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a\1", b"II*\0" + bytes(60)
    for data in (png(PHOTO)[:5000], *starts):
        with pytest.raises(InputError) as caught:
            encode(data)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "JPEG2000", "AVIF", "ICO"])
def test_damaged_files_raise_errors_of_jrecomp_only(form: str) -> None:
    Image.init()
    if form not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {form}")
    output = io.BytesIO()
    Image.fromarray(PHOTO[:24, :32]).save(output, form)
    rng = np.random.default_rng(1)
    for number in range(60):
        data = np.frombuffer(output.getvalue(), np.uint8).copy()
        places = rng.integers(0, min(len(data), 200 if number % 2 else len(data)), 3)
        data[places] = rng.integers(0, 256, 3)
        cut = int(rng.integers(1, len(data))) if number % 5 == 0 else len(data)
        with suppress(jrecomp.JrecompError):
            encode(data[:cut].tobytes(), limits=Limits(max_pixels=1 << 16), quality=100, threads=1)


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)


def bomb(width: int, height: int) -> bytes:
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    rows = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_bombs_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(LimitError, match="pixels"):
        encode(bomb(60_000, 60_000))
    with pytest.raises(LimitError, match="memory"):
        encode(bomb(16_000, 16_000))
    with pytest.raises(InputError, match="do not fit"):
        encode(bomb(MOST_SIDE + 1, 1))
    with pytest.raises(LimitError, match="max_pixels"):
        encode(PHOTO, limits=Limits(max_pixels=100))


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"tune": "looks"}, UsageError),
        ({"subsampling": "411"}, UsageError),
        ({"effort": "none"}, UsageError),
        ({"quality": 101}, UsageError),
        ({"background": (0, 0, 256)}, UsageError),
        ({"background": "white"}, UsageError),
        ({"progressive": 1}, TypeError),
        ({"restored": 1}, TypeError),
        ({"tune": 1}, TypeError),
        ({"colour": 1}, TypeError),
    ],
    ids=str,
)
def test_arguments(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        encode(PHOTO, **options)


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8),
     np.zeros((0, 4), np.uint8)],
    ids=["type", "channels", "dimensions", "empty"],
)  # fmt: skip
def test_arrays_that_are_no_pictures(array: Any) -> None:
    with pytest.raises((UsageError, InputError)):
        encode(array)


def test_jpeg_files_are_shrunk() -> None:
    output = io.BytesIO()
    Image.fromarray(PHOTO).save(output, "JPEG", quality=95)
    source, notes = output.getvalue(), list[Note]()
    for data in (source, jrecomp.compress(source)):
        result = encode_file(data, contained=False, quality=80, on_note=notes.append)
        assert result == jrecomp.shrink(source, quality=80, progressive=True, tune="ssimulacra2")
        assert notes.pop().text.startswith("a JPEG file: shrunk")


def test_containers_hold_the_same_file() -> None:
    data = png(PHOTO)
    packed = encode_file(data, contained=True)
    assert jrecomp.decompress(packed) == encode(data)
