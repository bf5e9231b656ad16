"""What `import jrecomp` offers, and what an installed package consists of."""

from importlib.metadata import files
from pathlib import Path
from typing import assert_type

import pytest

import jrecomp
import jrecomp.errors
from jrecomp.options import Buffer

ROOT = Path(__file__).parents[1]

FUNCTIONS = [
    "cancellation",
    "coefficients",
    "compress",
    "compress_file",
    "decompress",
    "decompress_file",
    "encode",
    "inspect",
    "open",
    "restore",
    "salvage",
    "shrink",
    "thumbnail",
    "verify",
]


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, jrecomp.JrecompError)


def test_public_names() -> None:
    """They are found before any of them is imported."""
    errors = [name for name in jrecomp.__all__ if name.endswith("Error")]
    types = sorted([*errors, "Coefficients", "Info", "JpegInfo", "Limits", "Note"])
    assert sorted(jrecomp.__all__) == jrecomp.__all__ == [*types, *FUNCTIONS]
    inner = {"UnsupportedJpegError", "NoSpaceError", "ReadOnlyError"}  # their bases tell users enough
    defined = {name for name, value in vars(jrecomp.errors).items() if _is_error(value)}
    assert set(errors) == defined - inner
    assert set(dir(jrecomp)) == {*jrecomp.__all__, "__version__"}
    for name in dir(jrecomp):
        assert getattr(jrecomp, name) is not None
    with pytest.raises(AttributeError, match="'jrecomp' has no attribute 'nonesuch'"):
        jrecomp.nonesuch  # noqa: B018


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind(kind: type[bytes] | type[bytearray] | type[memoryview], photo: bytes) -> None:
    """Also for the type checker; the results are bytes, whatever came in, and what came in stays."""

    def as_kind(data: bytes) -> Buffer:
        return kind(data)

    given = as_kind(photo)
    compressed = assert_type(jrecomp.compress(given), bytes)
    assert type(compressed) is bytes and compressed == jrecomp.compress(photo)
    restored = assert_type(jrecomp.decompress(as_kind(compressed)), bytes)
    assert type(restored) is bytes and restored == photo
    jrecomp.verify(as_kind(compressed), given)
    assert assert_type(jrecomp.inspect(as_kind(compressed)), jrecomp.Info) == jrecomp.inspect(compressed)
    shrunk = assert_type(jrecomp.shrink(given), bytes)
    assert type(shrunk) is bytes and shrunk == jrecomp.shrink(photo)
    assert given == photo


def test_installed_files() -> None:
    """Modules, the libraries built for them, weights and the pages of the gallery; no C++."""
    installed = {str(path) for path in files("jrecomp") or () if path.parts[0] == "jrecomp"}
    installed = {name for name in installed if "__pycache__" not in name}
    if "jrecomp/pipeline.py" not in installed:
        pytest.skip("jrecomp is installed in editable form")
    libraries = {name for name in installed if name.startswith("jrecomp/native/_") and name.endswith(".so")}
    assert {Path(name).name.split(".")[0] for name in libraries} >= {"_scan", "_engine", "_restoration"}
    weights = {f"jrecomp/weights/{path.name}" for path in (ROOT / "weights").iterdir()}
    suffixes = (".py", ".pyi", ".typed", ".html", ".css", ".js", ".svg")
    sources = (path for path in (ROOT / "jrecomp").rglob("*") if path.suffix in suffixes)
    assert installed - libraries == weights | {str(path.relative_to(ROOT)) for path in sources}
