"""The gallery in a real browser."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import jrecomp
from tests.gallery.test_server import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def missing() -> str:
    """What the test needs and this machine lacks, "" if nothing."""
    for package in ("playwright", "uvicorn", "starlette", "jinja2"):
        if not find_spec(package):
            return f"the package {package} is not installed"
    return "" if CHROMIUM else "chromium is not installed"


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

VISIBLE = """() => [...document.images].slice(0, 12).every((image) => image.complete && image.naturalWidth)"""
COUNT = 300


@pytest.fixture
def url(tmp_path: Path, make_photo: Callable[..., bytes]) -> Iterator[str]:
    """A gallery of 300 pictures and a folder."""
    containers = [jrecomp.compress(make_photo(160, 96 + 8 * n), model="fast", threads=1) for n in range(4)]
    for number in range(COUNT):
        (tmp_path / f"IMG_{number}.jpg.jrc").write_bytes(containers[number % 4])
    (tmp_path / "trip").mkdir()
    (tmp_path / "trip/last.jpg.jrc").write_bytes(containers[0])
    served = Served(tmp_path)
    yield served.url
    served.process.kill()
    served.process.communicate(timeout=60)


@pytest.fixture
def page(url: str) -> Iterator[Any]:
    """A page of the gallery; nothing may be printed on its console."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        messages = list[str]()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(url)
        yield page
        browser.close()
    assert not messages


def focused(page: Any) -> str:
    name: str = page.evaluate("document.activeElement.title")
    return name


def press(page: Any, key: str, goal: str) -> None:
    """Press a key that leads to a URL."""
    page.keyboard.press(key)
    page.wait_for_url(f"**{goal}")
    page.wait_for_load_state()


def test_keys_and_scrolling(page: Any) -> None:
    page.wait_for_function(VISIBLE)
    for key, name in (
        ("ArrowDown", "trip"),
        ("ArrowRight", "IMG_0.jpg.jrc"),
        ("ArrowDown", "IMG_8.jpg.jrc"),  # there are eight columns
        ("ArrowLeft", "IMG_7.jpg.jrc"),
        ("ArrowUp", "trip"),
        ("ArrowUp", "trip"),
        ("ArrowRight", "IMG_0.jpg.jrc"),
    ):
        page.keyboard.press(key)
        assert focused(page) == name
    press(page, "Enter", "/picture/IMG_0.jpg.jrc")
    press(page, "ArrowRight", "/picture/IMG_1.jpg.jrc")
    press(page, "ArrowRight", "/picture/IMG_2.jpg.jrc")
    press(page, "ArrowLeft", "/picture/IMG_1.jpg.jrc")
    assert page.evaluate("document.getElementById('original').naturalWidth") == 160
    press(page, "Escape", "/#IMG_1.jpg.jrc")
    assert focused(page) == "IMG_1.jpg.jrc"


def test_thumbnails_load_when_they_come_near(page: Any) -> None:
    page.wait_for_function(VISIBLE)
    loaded = "[...document.images].filter((image) => image.complete && image.naturalWidth).length"
    assert page.evaluate(loaded) < COUNT / 2
    for _ in range(2):  # to the end and back
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        last = page.locator(".grid a").last
        last.scroll_into_view_if_needed()
        page.wait_for_function("() => [...document.images].at(-1).naturalWidth > 0")
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_function(VISIBLE)
    last.click()
    page.wait_for_url(f"**/picture/IMG_{COUNT - 1}.jpg.jrc")


def test_grids_that_come_as_text(page: Any, url: str) -> None:
    """All pictures are elements after a while, in order, and links lead to them at once."""
    page.wait_for_function(f"() => document.querySelectorAll('.grid a').length === {COUNT + 1}")
    names = page.evaluate("[...document.querySelectorAll('.grid a')].map((cell) => cell.title)")
    assert names == ["trip", *(f"IMG_{number}.jpg.jrc" for number in range(COUNT))]
    assert "<noscript>" in page.request.get(url).text()
    page.goto("about:blank")
    page.goto(f"{url}#IMG_150.jpg.jrc")
    assert focused(page) == "IMG_150.jpg.jrc"


def test_narrow_and_dark(page: Any) -> None:
    """Nothing is wider than a phone, and the colours follow the system."""
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.set_viewport_size({"width": 390, "height": 800})
    for path in ("", "picture/IMG_0.jpg.jrc"):
        page.goto(page.url.split("#")[0].rstrip("/") + f"/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_javascript(page: Any, url: str) -> None:
    context = page.context.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(url)
    assert plain.locator(".grid a").count() == COUNT + 1
    plain.get_by_title("trip").click()
    plain.get_by_title("last.jpg.jrc").click()
    plain.wait_for_url("**/picture/trip/last.jpg.jrc")
    with plain.expect_download() as download:
        plain.get_by_text("Download").click()
    assert download.value.suggested_filename == "last.jpg"
    context.close()
