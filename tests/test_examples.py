"""The examples of the documentation for Python run."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import jrecomp

ROOT = Path(__file__).parents[1]
NEEDED = ("torch", "fsspec")
"""What examples import that may not be installed."""


def examples() -> list[tuple[str, str]]:
    """A name and the code of each example."""
    found = []
    for page in ("README.md", "docs/python.md"):
        blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
        found += [(f"{page}-{number}", code) for number, code in enumerate(blocks)]
    return found


def test_pages_have_examples() -> None:
    assert len(examples()) == 10


@pytest.mark.parametrize(("name", "code"), examples(), ids=[name for name, _ in examples()])
def test_examples_run(
    name: str,
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_photo: Callable[..., bytes],
) -> None:
    """In a folder with a photograph, its container, and a library."""
    for module in NEEDED:
        if f"import {module}\n" in code:
            pytest.importorskip(module, reason=f"{module} is not installed")
    monkeypatch.chdir(tmp_path)
    data = make_photo(160, 120)
    Path("photo.jpg").write_bytes(data)
    Path("photo.jpg.jrc").write_bytes(jrecomp.compress(data))
    Path("library").mkdir()
    for number in range(3):
        Path("library", f"{number}.jpg.jrc").write_bytes(jrecomp.compress(make_photo(64, 48 + 16 * number)))
    with Image.open("photo.jpg") as image:
        exec(compile(code, name, "exec"), {"data": data, "image": image})
