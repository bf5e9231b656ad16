"""The report in a real browser: nothing on its console, nothing too wide, light and dark."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import jrecomp
from tests.cli.commands import run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def missing() -> str:
    """What the test needs and this machine lacks, "" if nothing."""
    for package in ("playwright", "matplotlib", "jinja2"):
        if not find_spec(package):
            return f"the package {package} is not installed"
    return "" if CHROMIUM else "chromium is not installed"


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, make_photo: Callable[..., bytes]) -> Path:
    root = tmp_path_factory.mktemp("report") / "archive"
    root.mkdir()
    for number in range(12):
        photo = make_photo(
            120 + 24 * number, 240 - 12 * number, quality=50 + 4 * number, subsampling=number % 3
        )
        (root / f"{'long' * 20}{number}.jpg.jrc").write_bytes(
            jrecomp.compress(photo, model="fast", threads=1)
        )
    (root / "<script>document.title='hacked'<b>.jpg.jrc").write_bytes(jrecomp.compress(photo, model="fast"))
    (root / "stored.jpg.jrc").write_bytes(jrecomp.compress(b"no photograph"))
    run("report", str(root), "-o", str(root / "report.html"))
    return root / "report.html"


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_page(browser: Any, report: Path, scheme: str, width: int) -> None:
    """REPORT_SCREENSHOTS names a folder for screenshots to look at."""
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    messages, requests = list[str](), list[str]()
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    assert not messages
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]
    assert page.title().endswith("archive: report of jrecomp")
    assert page.evaluate("[...document.images].length") == 24
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("svg").count() == 3
    back, bar, label = page.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor,
                  getComputedStyle(document.querySelector("svg [id*=patch_3] path")).fill,
                  getComputedStyle(document.querySelector("svg text")).fill]"""
    )
    light = scheme == "light"
    assert back == ("rgb(250, 250, 250)" if light else "rgb(19, 19, 21)")
    assert bar == ("rgb(11, 99, 206)" if light else "rgb(122, 180, 255)")
    assert label == ("rgb(29, 29, 31)" if light else "rgb(237, 237, 240)")
    page.locator("summary").first.click()
    assert page.locator("details[open] table").first.is_visible()
    if folder := os.environ.get("REPORT_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/report-{scheme}-{width}.png", full_page=True)
    page.close()
