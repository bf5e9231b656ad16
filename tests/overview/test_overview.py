"""Reports on folders of containers."""

import base64
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import jrecomp
from jrecomp.errors import ExitCode
from jrecomp.info import Info, JpegInfo
from jrecomp.options import DEFAULT_LIMITS, Limits
from jrecomp.overview import collect
from jrecomp.overview.collect import Summary
from tests.cli.commands import document, run

pytest.importorskip("matplotlib", reason="the package matplotlib is not installed")
pytest.importorskip("jinja2", reason="the package jinja2 is not installed")

from jrecomp.overview.charts import Bars
from jrecomp.overview.page import render

ODD = os.fsdecode(b"\xff &amp;'\"<b><img src=x onerror=alert(1)>\n.jpg.jrc")
"""A name that is not UTF-8, and would be markup."""


def camera(make: str, model: str) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    return exif.tobytes()


@pytest.fixture
def archive(tmp_path: Path, make_photo: Callable[..., bytes]) -> Path:
    """Containers of three cameras and qualities, one stored, a lossy one and a damaged one."""
    root = tmp_path / "archive <i>"
    (root / "trip").mkdir(parents=True)
    cameras = [
        camera("Canon Inc.", "Canon EOS"),
        camera("NIKON", "D90"),
        camera("", "<script>alert(2)</script>"),
        b"",
    ]
    files = {
        f"{number}.jpg.jrc": make_photo(
            96 + 16 * number, 64, quality=70 + 10 * (number % 3), exif=cameras[number % 4]
        )
        for number in range(12)
    }
    files[ODD] = make_photo(48, 48, quality=90)
    files["trip/stored.jpg.jrc"] = b"no photograph"
    for name, data in files.items():
        (root / name).write_bytes(jrecomp.compress(data, model="fast", threads=1))
    lossy = jrecomp.compress(make_photo(64, 64, quality=95), quality=50, model="fast", threads=1)
    (root / "lossy.jpg.jrc").write_bytes(lossy)
    (root / "cut.jpg.jrc").write_bytes(lossy[:-1])
    (root / "notes.txt").write_bytes(b"no container")
    return root


class Page(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.text = list[str](), list[tuple[str, str, str | None]](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def text(archive: Path, tmp_path: Path) -> str:
    result = run("report", str(archive), "-o", str(tmp_path / "r.html"), code=ExitCode.CORRUPT)
    assert result.stdout.endswith("r.html: 15 files, 1 failed\n")
    assert "cut.jpg.jrc: damaged or truncated container" in result.stderr
    return (tmp_path / "r.html").read_text()


def test_totals_are_those_of_info(archive: Path, text: str) -> None:
    (archive / "cut.jpg.jrc").unlink()
    total = document("info", "-r", str(archive))["total"]
    page = Page(text)
    assert f"{total['saving']:.1%}" in page.text
    assert re.search(r"Files\s*15", page.text)
    assert "not a JPEG file" in page.text
    assert "lossy, 4:2:0 sequential" in page.text
    for name in ("Canon EOS", "NIKON D90", "<script>alert(2)</script>", collect.UNKNOWN):
        assert name in page.text


def test_nothing_else_is_needed_and_names_are_no_markup(text: str) -> None:
    page = Page(text)
    assert "script" not in page.tags
    assert "b" not in page.tags and "i" not in page.tags
    assert r"\udcff &amp;'\"<b><img src=x onerror=alert(1)>\n.jpg.jrc".replace(r"\"", '"') in page.text
    assert "archive <i>" in page.text
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href"):
            assert (value or "").startswith(("data:image/jpeg;base64,", "#")), (tag, name)
    assert not re.search(r"url\((?!#)", text)


def test_thumbnails_are_pictures(text: str) -> None:
    sources = [value or "" for tag, name, value in Page(text).attributes if (tag, name) == ("img", "src")]
    assert len(sources) == 3 * collect.EXTREMES
    for source in sources:
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
            assert image.format == "JPEG" and max(image.size) <= 220


def test_ids_are_unique_and_references_lead_somewhere(text: str) -> None:
    attributes = Page(text).attributes
    identifiers = [value for _, name, value in attributes if name == "id"]
    assert len(set(identifiers)) == len(identifiers)
    references = re.findall(r'(?:href="#|url\(#)([^")]*)', text)
    assert references and set(references) <= set(identifiers)


def test_the_same_page_each_time(archive: Path, text: str) -> None:
    paths = sorted(archive.rglob("*.jrc"), key=lambda path: (path.parent, path.name))
    pages = {
        render(collect.collect(paths, DEFAULT_LIMITS, lambda path: None), archive, DEFAULT_LIMITS)
        for _ in range(2)
    }
    assert len(pages) == 1


def test_existing_and_missing_files(archive: Path, tmp_path: Path, text: str) -> None:
    target = str(tmp_path / "r.html")
    assert "--force" in run("report", str(archive), "-o", target, code=ExitCode.OUTPUT).stderr
    run("report", str(archive), "-o", target, "--force", "-q", code=ExitCode.CORRUPT)
    run("report", str(tmp_path / "missing"), "-o", str(tmp_path / "x.html"), code=ExitCode.INPUT)
    (tmp_path / "empty").mkdir()
    assert "contains no .jrc" in run("report", str(tmp_path / "empty"), code=ExitCode.INPUT).stderr
    assert not (tmp_path / "x.html").exists()


def info(number: int, original: int = 1000, saving: float = 0.25, **changes: Any) -> Info:
    picture = JpegInfo(0, original, 10 + number, 10, 3, "4:2:0", False, 80, 600)
    return Info(
        "lossless",
        1,
        original,
        round(original * (1 - saving)),
        original,
        "fast",
        3,
        None,
        (picture,),
        **changes,
    )


def test_extremes_and_groups_are_bounded() -> None:
    summary = Summary()
    for number in range(5000):
        summary.add(Path(f"{number}.jrc"), info(number, 10**6, number / 10_000), f"camera {number}")
    assert sorted(found.path.stem for found in summary.best) == [str(n) for n in range(4992, 5000)]
    assert sorted(found.path.stem for found in summary.worst) == [str(n) for n in range(8)]
    assert {found.path.stem for found in summary.largest} == {str(n) for n in range(4992, 5000)}
    assert len(summary.camera) == collect.GROUPS + 1
    assert summary.camera[collect.OTHERS].files == 4000
    assert sum(group.original_bytes for group in summary.camera.values()) == summary.total.original_bytes
    for number in range(500):
        summary.fail(f"{number}\n", jrecomp.CorruptContainerError("damaged"))
    assert (len(summary.failures), summary.failed, summary.failures[0]) == (100, 500, ("0\\n", "damaged"))
    page = render(summary, Path(), DEFAULT_LIMITS)
    assert "400 more are not listed" in page
    assert "989 more" in page  # of cameras
    assert page.count("no thumbnail") == 3 * collect.EXTREMES


def test_containers_larger_than_their_files() -> None:
    summary = Summary()
    summary.add(Path("a.jrc"), info(0, original=1, saving=-25.0), "x")
    summary.add(Path("b.jrc"), info(0, original=0), "x")
    assert summary.savings == {-1: 1, 0: 1}
    assert "-2500.0%" in render(summary, Path(), DEFAULT_LIMITS)


def test_limits(archive: Path) -> None:
    summary = collect.collect([archive / "0.jpg.jrc"], Limits(max_memory=10), lambda path: None)
    assert isinstance(summary.error, jrecomp.LimitError)


@pytest.mark.parametrize("across", [True, False])
def test_charts_are_well_formed_and_escaped(across: bool) -> None:
    svg = Bars(
        "A title", "$x$ & <y>", ["<script>", "$\\frac$", "ä\u202e日本"], [1.0, -0.5, 0.0], True, across
    ).svg()
    root = ET.fromstring(svg)
    assert root.get("aria-label") == "A title"
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"<script>", "$\\frac$", "$x$ & <y>"} <= words
    assert "currentColor" in svg and "var(--accent)" in svg and "#01" not in svg
    assert json.dumps(svg) == json.dumps(
        Bars(
            "A title", "$x$ & <y>", ["<script>", "$\\frac$", "ä\u202e日本"], [1.0, -0.5, 0.0], True, across
        ).svg()
    )
