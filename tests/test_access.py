"""File objects, whole files, coefficients, and other libraries."""

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import jpegio
import numpy as np
import pytest

import jrecomp
import jrecomp.fsspec
from jrecomp.errors import CorruptContainerError, InputError, LimitError, OutputError, UsageError
from jrecomp.options import Limits
from tests.jpeg import samples


@pytest.fixture
def paths(photo: bytes, tmp_path: Path) -> tuple[Path, Path]:
    """A photograph and its container."""
    (tmp_path / "a.jpg").write_bytes(photo)
    (tmp_path / "b.jpg.jrc").write_bytes(jrecomp.compress(photo))
    return tmp_path / "a.jpg", tmp_path / "b.jpg.jrc"


def test_open(paths: tuple[Path, Path], photo: bytes) -> None:
    jpeg, packed = paths
    for source in (packed, str(packed), f"file://{packed}", jpeg, io.BytesIO(packed.read_bytes())):
        with jrecomp.open(source) as file:
            assert file.read(4) == photo[:4] and file.seek(-2, os.SEEK_END) == len(photo) - 2
            assert (file.readable(), file.seekable(), file.writable()) == (True, True, False)
            assert file.read() == photo[-2:]
            for change in (
                lambda: file.write(b"x"),
                lambda: file.writelines([b"x"]),
                lambda: file.truncate(1),
            ):
                with pytest.raises(io.UnsupportedOperation):
                    change()
    with jrecomp.open(packed) as file, packed.open("rb") as stream:
        assert file.name == jrecomp.open(stream).name == str(packed)


def refused(*_: object) -> None:
    """As a server that answers with an error of aiohttp, which is no OSError."""
    raise RuntimeError("refused")


def test_what_cannot_be_opened(paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, packed = paths
    for source in ("none.jrc", "file:///none/none.jrc", "magic://none.jrc"):
        with pytest.raises(InputError, match="none"):
            jrecomp.open(source)
    with pytest.raises(LimitError):
        jrecomp.open(packed, limits=Limits(max_pixels=10))
    with pytest.raises(CorruptContainerError):
        jrecomp.open(io.BytesIO(packed.read_bytes()[:-1]))
    for wrong in (packed.read_bytes(), None, 3, [packed]):
        with pytest.raises(TypeError):
            jrecomp.open(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        jrecomp.open(io.StringIO("text"))  # type: ignore[arg-type]
    for readable in (packed, f"file://{packed}", io.BytesIO(packed.read_bytes())):
        with pytest.raises(LimitError, match="has more bytes"):
            jrecomp.open(readable, limits=Limits(max_memory=100))
    with packed.open("wb") as stream, pytest.raises(InputError):
        jrecomp.open(stream)
    with monkeypatch.context() as patch, pytest.raises(InputError, match=r"x\.jrc: refused"):
        patch.setattr(fsspec, "open", refused)
        jrecomp.open("https://example.org/x.jrc")
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(UsageError, match="fsspec"):
        jrecomp.open("https://example.org/x.jrc")


def test_whole_files(paths: tuple[Path, Path], photo: bytes, tmp_path: Path) -> None:
    jpeg, _ = paths
    os.utime(jpeg, (10**9, 10**9))
    info = jrecomp.compress_file(jpeg, model="fast")
    packed = tmp_path / "a.jpg.jrc"
    assert (info.model, info.compressed_bytes) == ("fast", packed.stat().st_size)
    assert packed.stat().st_mtime == 10**9
    for function, path in ((jrecomp.compress_file, jpeg), (jrecomp.decompress_file, packed)):
        with pytest.raises(OutputError, match="exists"):
            function(path)
        with pytest.raises(InputError):
            function(tmp_path / "none.jrc", tmp_path / "out")
    assert jrecomp.decompress_file(packed, tmp_path / "c.jpg").original_bytes == len(photo)
    assert (tmp_path / "c.jpg").read_bytes() == photo
    jrecomp.compress_file(str(jpeg), str(packed), force=True, quality=30)
    assert jrecomp.inspect(packed.read_bytes()).mode == "lossy"
    with pytest.raises(UsageError, match="jrc"):
        jrecomp.decompress_file(jpeg)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.jpg.jrc", "b.jpg.jrc", "c.jpg"]


def test_wrong_arguments_of_whole_files(paths: tuple[Path, Path]) -> None:
    jpeg, packed = paths
    compress: Callable[..., Any] = jrecomp.compress_file
    decompress: Callable[..., Any] = jrecomp.decompress_file
    target = jpeg.parent / "out"
    for wrong in ({"threads": "2"}, {"limits": 3}, {"device": 2}, {"none": 3}):
        for function, source in ((compress, jpeg), (decompress, packed)):
            with pytest.raises(TypeError):
                function(source, target, **wrong)
    for option in ({"model": 3}, {"quality": "x"}):
        with pytest.raises(TypeError):
            compress(jpeg, target, **option)
    for name in (".", "/", "a\0b"):
        for function in (compress, decompress, jrecomp.open):
            with pytest.raises(InputError):
                function(name)
    assert sorted(path.name for path in jpeg.parent.iterdir()) == ["a.jpg", "b.jpg.jrc"]


def test_compression_of_fsspec(photo: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg.jrc"
    with fsspec.open(path, "wb", compression="jrecomp") as file:
        file.write(photo[:100])
        file.write(photo[100:])
    assert jrecomp.decompress(path.read_bytes()) == photo
    for compression in ("jrecomp", "infer"):
        with fsspec.open(path, "rb", compression=compression) as file:
            assert file.read() == photo
    with pytest.raises(UsageError), fsspec.open(path, "ab", compression="jrecomp"):
        pass
    assert jrecomp.decompress(path.read_bytes()) == photo
    with fsspec.open(tmp_path / "new.jrc", "xb", compression="jrecomp") as file:
        file.write(photo)
    assert jrecomp.decompress((tmp_path / "new.jrc").read_bytes()) == photo


@pytest.mark.parametrize("options", [{}, {"subsampling": "4:2:0"}, {"channels": 1}, {"channels": 4}], ids=str)
@pytest.mark.parametrize("model", ["default", "fast"])
def test_coefficients(options: dict[str, Any], model: str, tmp_path: Path) -> None:
    """Against libjpeg."""
    data = samples.pillow(61, 45, **options)
    (tmp_path / "a.jpg").write_bytes(data)
    oracle = jpegio.read(str(tmp_path / "a.jpg"))
    for source in (data, jrecomp.compress(data, model=model)):
        found = jrecomp.coefficients(source)
        assert (found.width, found.height, found.precision) == (61, 45, 8)
        pairs = zip(found.components, oracle.comp_info, oracle.coef_arrays, strict=True)
        for component, info, levels in pairs:
            assert component.identifier == info.component_id
            assert component.factors == (info.h_samp_factor, info.v_samp_factor)
            assert component.levels.dtype == np.int16 and component.table.dtype == np.uint16
            np.testing.assert_array_equal(component.levels, levels)
            np.testing.assert_array_equal(component.table, oracle.quant_tables[info.quant_tbl_no])


def test_coefficients_of_other_files(photo: bytes) -> None:
    for data in (b"no photo", jrecomp.compress(b"no photo"), jrecomp.compress(b"before" + photo)):
        with pytest.raises(InputError):
            jrecomp.coefficients(data)
    with pytest.raises(LimitError):
        jrecomp.coefficients(jrecomp.compress(photo), limits=Limits(max_pixels=10))
    assert jrecomp.coefficients(jrecomp.compress(photo + bytes(999))).width == 96


def mean_levels(found: jrecomp.Coefficients) -> Any:
    """The mean DC of luma and the number of pixels, as floats."""
    torch = pytest.importorskip("torch")
    return torch.tensor([float(found.components[0].levels[::8, ::8].mean()), found.width * found.height])


def test_sources_of_the_torch_dataset(paths: tuple[Path, Path]) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    from jrecomp.torch import CoefficientDataset

    folder = paths[0].parent
    for alone in (folder, str(folder)):
        with pytest.raises(TypeError, match="several"):
            CoefficientDataset(alone)  # type: ignore[arg-type]
    (folder / "gone.jpg").symlink_to("nowhere")
    assert len(CoefficientDataset([folder])) == 2
    restored = paths[1].with_name(paths[1].name.removesuffix(".jrc"))
    restored.write_bytes(jrecomp.decompress(paths[1].read_bytes()))
    assert set(CoefficientDataset([folder]).sources) == {str(paths[0]), str(restored)}
    (folder / "empty").mkdir()
    with pytest.raises(InputError, match="contains no"):
        CoefficientDataset([folder / "empty"])


@pytest.mark.parametrize("workers", [0, 2])
def test_torch_dataset(paths: tuple[Path, Path], workers: int, make_photo: Callable[..., bytes]) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from jrecomp.torch import CoefficientDataset

    jpeg, packed = paths
    dataset = CoefficientDataset([jpeg.parent, f"file://{packed}"], mean_levels)
    assert len(dataset) == 3 and len(CoefficientDataset([packed])[0].components) == 3
    assert len(pickle.loads(pickle.dumps(dataset))) == 3
    (batch,) = torch.utils.data.DataLoader(dataset, batch_size=3, num_workers=workers)
    expected = mean_levels(jrecomp.coefficients(jpeg.read_bytes()))
    assert batch.shape == (3, 2) and bool((batch == expected).all())
