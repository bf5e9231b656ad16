"""Requests to a gallery: pages, files, caching, and what is refused."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jrecomp
from jrecomp import pipeline
from jrecomp.errors import JrecompError
from jrecomp.gallery.library import Library
from jrecomp.gallery.pictures import Pictures
from jrecomp.options import DEFAULT_LIMITS

httpx = pytest.importorskip("httpx", reason="the package httpx is not installed")
app = pytest.importorskip("jrecomp.gallery.app", reason="the package starlette or jinja2 is not installed")

ODD = os.fsdecode(b"\xff\xfe &amp;'\"<b>\n.jpg.jrc")
"""A name that is not UTF-8, and would be markup."""


class Gallery:
    """A gallery of an archive, the folder `archive`, that collects errors."""

    def __init__(self, root: Path) -> None:
        self.errors = list[tuple[str, JrecompError]]()
        pictures = Pictures(1 << 20, 2, DEFAULT_LIMITS)
        self.app = app.application(Library(root), pictures, self.tell, ("gallery.lan",))

    def tell(self, path: str, error: JrecompError) -> None:
        self.errors.append((path, error))

    def request(self, method: str, url: str, headers: dict[str, str] | None = None) -> Any:
        """The answer to a request, whose path is sent as it is."""

        async def as_it_is(scope: Any, receive: Any, send: Any) -> None:
            await self.app({**scope, "raw_path": url.partition("?")[0].encode()}, receive, send)

        async def ask() -> Any:
            transport = httpx.ASGITransport(app=as_it_is)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                return await client.request(method, url, headers=headers)

        return asyncio.run(ask())

    def get(self, url: str, headers: dict[str, str] | None = None) -> Any:
        return self.request("GET", url, headers)


@pytest.fixture
def files(photo: bytes, make_photo: Callable[..., bytes]) -> dict[str, tuple[bytes, bytes]]:
    """Names with the bytes in the archive and those of the original."""
    other = make_photo(64, 48, quality=70)
    return {
        "IMG_9.jpg.jrc": (jrecomp.compress(photo, model="fast"), photo),
        "IMG_10.jpg.jrc": (jrecomp.compress(other), other),
        "plain.jpg": (photo, photo),
        "trip/c d.jpg.jrc": (jrecomp.compress(other, model="fast"), other),
        ODD: (jrecomp.compress(other, model="fast"), other),
    }


@pytest.fixture
def gallery(tmp_path: Path, files: dict[str, tuple[bytes, bytes]]) -> Gallery:
    root = tmp_path / "archive"
    (root / "trip").mkdir(parents=True)
    for name, (data, _) in files.items():
        (root / name).write_bytes(data)
    damaged = bytearray(files["IMG_9.jpg.jrc"][0])
    damaged[-20] ^= 1
    (root / "bad.jpg.jrc").write_bytes(damaged)
    (root / "page.html.jrc").write_bytes(jrecomp.compress(b"<script>alert(1)</script>"))
    (root / "notes.txt").write_text("notes")
    (tmp_path / "secret.jpg").write_bytes(files["plain.jpg"][0])
    (root / "out.jpg").symlink_to("../secret.jpg")
    return Gallery(root)


def links(page: str, kind: str) -> list[str]:
    """The URLs of a page that begin with a kind."""
    found = re.findall(rf'(?:href|src)="(/{kind}/[^"]*)"', page)
    return list(dict.fromkeys(found))


def test_a_folder_shows_what_is_in_it(gallery: Gallery) -> None:
    answer = gallery.get("/")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    names = ["bad.jpg.jrc", "IMG_9.jpg.jrc", "IMG_10.jpg.jrc", "page.html.jrc", "plain.jpg"]
    odd = "%FF%FE%20%26amp%3B%27%22%3Cb%3E%0A.jpg.jrc"
    assert links(answer.text, "picture") == [f"/picture/{name}" for name in [*names, odd]]
    assert links(answer.text, "thumbnail") == [f"/thumbnail/{name}" for name in [*names, odd]]
    assert links(answer.text, "folder") == ["/folder/trip"]
    assert "1 folder, 6 pictures" in answer.text and "<b>" not in answer.text
    inner = gallery.get("/folder/trip").text
    assert links(inner, "picture") == ["/picture/trip/c%20d.jpg.jrc"] and 'href="/" rel="up"' in inner
    assert gallery.get("/folder/trip/").text == inner


def test_every_link_leads_to_what_was_there(gallery: Gallery, files: dict[str, tuple[bytes, bytes]]) -> None:
    """The exact originals, also of names that are no text."""
    found = dict[bytes, int]()
    for folder in ("/", "/folder/trip"):
        for page in links(gallery.get(folder).text, "picture"):
            answer = gallery.get(page)
            if answer.status_code == 200:
                for original in links(answer.text, "original"):
                    data = gallery.get(original)
                    assert data.status_code == 200 and int(data.headers["Content-Length"]) == len(
                        data.content
                    )
                    found[data.content] = found.get(data.content, 0) + 1
    originals = [original for _, original in files.values()]
    assert set(found) == {*originals, b"<script>alert(1)</script>"}
    assert not gallery.errors


def test_a_picture_has_neighbours(gallery: Gallery) -> None:
    page = gallery.get("/picture/IMG_9.jpg.jrc").text
    assert 'rel="prev" href="/picture/bad.jpg.jrc"' in page
    assert 'rel="next" href="/picture/IMG_10.jpg.jrc"' in page
    assert 'href="/#IMG_9.jpg.jrc" rel="up"' in page and "2 of 6" in page
    assert "lossless, model fast" in page and "96 x 64 pixels" in page
    assert 'rel="prev"' not in gallery.get("/picture/bad.jpg.jrc").text
    assert 'rel="next"' not in gallery.get("/picture/%FF%FE%20%26amp%3B%27%22%3Cb%3E%0A.jpg.jrc").text


def test_downloads(gallery: Gallery) -> None:
    """Files that are no JPEG files are never shown, as they might be pages."""
    assert "Content-Disposition" not in gallery.get("/original/IMG_9.jpg.jrc").headers
    named = gallery.get("/original/trip/c%20d.jpg.jrc?download").headers["Content-Disposition"]
    assert named == "attachment; filename*=UTF-8''c%20d.jpg"
    page = gallery.get("/original/page.html.jrc")
    assert page.headers["Content-Type"] == "application/octet-stream"
    assert page.headers["Content-Disposition"].startswith("attachment")
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("kind", ["thumbnail", "original"])
def test_caching(gallery: Gallery, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"/{kind}/IMG_9.jpg.jrc"
    first = gallery.get(url)
    tag = first.headers["ETag"]
    assert (
        first.headers["Cache-Control"] == "private, no-cache"
        and first.headers["Content-Type"] == "image/jpeg"
    )
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "decompress", None)  # nothing is decoded
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = gallery.get(url, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert gallery.get(url, headers={"If-None-Match": '"x"'}).content == first.content
    path = tmp_path / "archive/IMG_9.jpg.jrc"
    data = (tmp_path / "archive/IMG_10.jpg.jrc").read_bytes()
    path.write_bytes(data)
    changed = gallery.get(url, headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag and changed.content != first.content
    other = gallery.get(url.replace(kind, {"thumbnail": "original", "original": "thumbnail"}[kind]))
    assert other.headers["ETag"] != changed.headers["ETag"]


def test_head(gallery: Gallery) -> None:
    for url in ("/", "/picture/IMG_9.jpg.jrc", "/original/IMG_9.jpg.jrc", "/static/gallery.css"):
        head, get = gallery.request("HEAD", url), gallery.get(url)
        assert head.status_code == 200 and head.headers == get.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize(
    "url", ["/", "/picture/IMG_9.jpg.jrc", "/original/IMG_9.jpg.jrc", "/static/gallery.css"]
)
def test_other_methods_are_refused(gallery: Gallery, method: str, url: str) -> None:
    assert gallery.request(method, url).status_code == 405


def test_damage_concerns_one_picture(gallery: Gallery) -> None:
    for kind in ("thumbnail", "original"):
        answer = gallery.get(f"/{kind}/bad.jpg.jrc")
        assert answer.status_code == 500 and answer.headers["Content-Type"] == "image/svg+xml"
        assert answer.headers["Cache-Control"] == "no-store" and "ETag" not in answer.headers
    page = gallery.get("/picture/bad.jpg.jrc")
    assert page.status_code == 500 and "its checksum does not match" in page.text
    assert 'rel="next" href="/picture/IMG_9.jpg.jrc"' in page.text
    assert gallery.get("/thumbnail/IMG_9.jpg.jrc").status_code == 200 and not gallery.errors


@pytest.mark.parametrize("kind", ["folder", "picture", "thumbnail", "original"])
@pytest.mark.parametrize(
    "path",
    [
        "../secret.jpg",
        "%2e%2e/secret.jpg",
        "..%2Fsecret.jpg",
        "trip/../../secret.jpg",
        "trip/%2e%2e/%2e%2e/secret.jpg",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "trip%2Fc%20d.jpg.jrc",
        "out.jpg",
        "plain.jpg%00",
        "plain.jpg%00.jpg",
        "./plain.jpg",
        "%252e%252e/secret.jpg",
        "..%5Csecret.jpg",
        "%c0%ae%c0%ae/secret.jpg",
        "x" * 300,
        "none.jpg",
        "plain.jpg/none.jpg",
    ],
)
def test_hostile_paths(gallery: Gallery, kind: str, path: str) -> None:
    answer = gallery.get(f"/{kind}/{path}")
    assert answer.status_code == 404, answer.text
    assert b"secret" not in answer.content and not gallery.errors


@pytest.mark.parametrize(
    "url",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/../secret.jpg",
        "//etc/passwd",
        "/x",
    ],
)
def test_other_urls(gallery: Gallery, url: str) -> None:
    assert gallery.get(url).status_code == 404


def test_only_pictures_are_served(gallery: Gallery) -> None:
    for url in ("/original/notes.txt", "/original/trip", "/thumbnail/", "/picture/", "/folder/plain.jpg"):
        assert gallery.get(url).status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "localhost:8000",
        "[::1]:8000",
        "192.168.1.7:80",
        "gallery.lan",
        "LOCALHOST",
    ],
)
def test_own_names(gallery: Gallery, host: str) -> None:
    assert gallery.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "a@b", "["],
)
def test_other_names_are_refused(gallery: Gallery, host: str) -> None:
    """A web site whose name leads to this machine."""
    for url in ("/", "/original/IMG_9.jpg.jrc", "/static/gallery.css"):
        assert gallery.get(url, headers={"Host": host}).status_code == 421


def test_every_answer_is_protected(gallery: Gallery) -> None:
    for url in ("/", "/x", "/picture/IMG_9.jpg.jrc", "/thumbnail/bad.jpg.jrc", "/static/gallery.js"):
        headers = gallery.get(url).headers
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; img-src 'self'; script-src 'self'"
        )
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] in ("private, no-cache", "no-store")


def test_pages_contain_no_script_or_style(gallery: Gallery) -> None:
    """The policy forbids them; names and metadata are escaped."""
    for url in ("/", "/picture/%FF%FE%20%26amp%3B%27%22%3Cb%3E%0A.jpg.jrc"):
        page = gallery.get(url).text
        assert re.findall("<script[^>]*>", page) == ['<script src="/static/gallery.js" defer>']
        assert not re.search(r"<style|\sstyle=|\son\w+=|http", page)


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (MemoryError(), 503, "out of memory"),
        (RuntimeError("a defect"), 500, "unexpected RuntimeError: a defect"),
        (PermissionError(13, "Permission denied"), 403, ""),
        (OSError(5, "Input/output error"), 500, ""),
    ],
)
def test_other_errors(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, told: str
) -> None:
    """A shortage is no damage, and defects are told, without what the reader need not know."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline, "inspect", fail)
    monkeypatch.setattr(pipeline, "decompress", fail)
    for url in ("/picture/IMG_9.jpg.jrc", "/original/IMG_9.jpg.jrc"):
        answer = gallery.get(url)
        assert answer.status_code == status and b"defect" not in answer.content
    assert [str(each) for _, each in gallery.errors] == ([told] * 2 if told else [])


def test_ten_thousand_pictures_are_one_page(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number}.jpg").touch()
    page = Gallery(tmp_path).get("/").text
    assert links(page, "picture") == [f"/picture/{number}.jpg" for number in range(10_000)]
    assert page.count('loading="lazy"') == 10_000 - 40  # those of the first screen are wanted at once
    assert "10,000 pictures" in page and page.count('<ul class="grid') == 84


def test_an_empty_archive(tmp_path: Path) -> None:
    assert "There are no pictures" in Gallery(tmp_path).get("/").text
