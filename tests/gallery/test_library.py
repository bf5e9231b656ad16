"""What appears in a gallery, and that nothing outside of the archive is opened."""

import errno
import os
from pathlib import Path

import pytest

from jrecomp.errors import InputError
from jrecomp.gallery.library import Library, parts_of, url_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive beside a secret."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/a.jpg").write_bytes(b"secret")
    root = tmp_path / "archive"
    (root / "trip/day 2").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg.jrc", "trip/c.JPEG", "trip/day 2/d.jrc", "notes.txt", ".hidden.jpg"):
        (root / name).write_bytes(name.encode())
    return root


def read(library: Library, *parts: str) -> bytes:
    with library.open(parts) as file:
        assert file.name == parts[-1] and file.status.st_size
        return file.stream.read()


def refused(library: Library, *parts: str) -> None:
    """Neither a file nor a folder, and the error does not tell why."""
    for operation in (lambda: library.open(parts).__enter__(), lambda: library.list(parts)):
        with pytest.raises(OSError) as caught:
            operation()
        assert caught.value.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def test_files_and_folders(root: Path) -> None:
    library = Library(root)
    assert library.name == "archive"
    listing = library.list(())
    assert (listing.folders, listing.pictures) == (["trip"], ["a.jpg", "b.jpg.jrc"])
    assert library.list(("trip",)).folders == ["day 2"]
    assert read(library, "a.jpg") == b"a.jpg"
    assert read(library, "trip", "day 2", "d.jrc") == b"trip/day 2/d.jrc"


def test_natural_order(tmp_path: Path) -> None:
    names = ["2.jpg", "10.jpg", "IMG_9.jpg", "img_9b.jpg", "IMG_10.jpg", "x007.jpg", "x7.jpg", "ü1.jpg"]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert Library(tmp_path).list(()).pictures == names


def test_a_container_beside_its_original_does_not_appear(root: Path) -> None:
    (root / "a.jpg.jrc").touch()
    assert Library(root).list(()).pictures == ["a.jpg", "b.jpg.jrc"]


@pytest.mark.parametrize(
    "parts",
    [
        ("..", "secret.jpg"),
        ("trip", "..", "..", "secret.jpg"),
        ("trip", "..", "a.jpg"),
        (".", "a.jpg"),
        ("", "a.jpg"),
        ("../secret.jpg",),
        ("a.jpg\0",),
        (".hidden.jpg",),
        ("none.jpg",),
        ("a.jpg", "b.jpg"),
        ("x" * 200, "a.jpg"),
    ],
)
def test_paths_that_do_not_appear(root: Path, parts: tuple[str, ...]) -> None:
    refused(Library(root), *parts)


def test_absolute_paths(root: Path) -> None:
    refused(Library(root), str(root.parent / "secret.jpg"))


def test_other_files_are_not_opened(root: Path) -> None:
    library = Library(root)
    os.mkfifo(root / "pipe.jpg")
    (root / "folder.jpg").mkdir()
    for name in ("notes.txt", "pipe.jpg", "folder.jpg", "trip"):
        with pytest.raises(FileNotFoundError), library.open((name,)):
            pass
    with pytest.raises(FileNotFoundError), library.open(()):
        pass
    assert library.list(()).pictures == ["a.jpg", "b.jpg.jrc"]
    assert library.list(()).folders == ["folder.jpg", "trip"]


def test_links(root: Path) -> None:
    """Those inside of the archive are followed, and others do not appear."""
    library = Library(root)
    (root / "best.jpg").symlink_to("trip/c.JPEG")
    (root / "absolute.jpg").symlink_to(root / "a.jpg")
    (root / "latest").symlink_to("trip/day 2")
    outside = {
        "out.jpg": "../secret.jpg",
        "far.jpg": str(root.parent / "secret.jpg"),
        "outer": "../secrets",
        "above": "..",
        "broken.jpg": "none.jpg",
        "loop.jpg": "loop.jpg",
        "twin.jpg": f"../{root.name}-twin/a.jpg",
    }
    (root.parent / f"{root.name}-twin").mkdir()
    (root.parent / f"{root.name}-twin/a.jpg").write_bytes(b"secret")
    for name, target in outside.items():
        (root / name).symlink_to(target)
    listing = library.list(())
    assert listing.folders == ["latest", "trip"]
    assert listing.pictures == ["a.jpg", "absolute.jpg", "b.jpg.jrc", "best.jpg"]
    assert read(library, "best.jpg") == b"trip/c.JPEG"
    assert read(library, "absolute.jpg") == b"a.jpg"
    assert read(library, "latest", "d.jrc") == b"trip/day 2/d.jrc"
    for name in outside:
        refused(library, name)
    refused(library, "outer", "a.jpg")
    refused(library, "above", "secret.jpg")


@pytest.mark.parametrize("name", ["trip", "trip/c.JPEG"])
def test_a_link_that_takes_the_place_of_what_was_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It is replaced between the check and the opening."""
    library, realpath = Library(root), os.path.realpath

    def check_then_replace(path: str, *, strict: bool) -> str:
        real = realpath(path, strict=strict)
        (root / name).rename(root.parent / "moved")
        (root / name).symlink_to(root.parent / ("secrets" if name == "trip" else "secret.jpg"))
        return real

    (root.parent / "secrets/c.JPEG").write_bytes(b"secret")
    monkeypatch.setattr(os.path, "realpath", check_then_replace)
    with pytest.raises(OSError) as caught, library.open(("trip", "c.JPEG")):
        pass
    assert caught.value.errno in (errno.ELOOP, errno.ENOTDIR)


def test_descriptors_are_closed(root: Path) -> None:
    library = Library(root)
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    for _ in range(3):
        library.list(("trip",))
        read(library, "trip", "c.JPEG")
        refused(library, "trip", "none.jpg")
        with pytest.raises(FileNotFoundError), library.open(("trip", "day 2")):
            pass
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


@pytest.mark.parametrize(
    "name", ["a.jpg", "a b%.jpg", "ä.jpg", "#?.jpg", 'a"<&>.jpg', "line\nend.jpg", "\\..\\x"]
)
def test_urls_of_rare_names(root: Path, name: str) -> None:
    assert parts_of(url_of(("trip", name)).encode()) == ("trip", name)


def test_names_that_are_not_utf_8(root: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.jpg")
    (root / name).write_bytes(b"name")
    assert name in Library(root).list(()).pictures
    assert url_of((name,)) == "%FF%FE.jpg" and parts_of(b"%ff%fe.jpg") == (name,)
    assert read(Library(root), name) == b"name"


def test_paths_of_urls() -> None:
    assert parts_of(b"") == parts_of(b"/") == ()
    assert parts_of(b"a/b%20c/") == ("a", "b c")


@pytest.mark.parametrize(
    "path",
    [b"..", b"a/../b", b"%2e%2e/a", b"a%2Fb", b"a%00", b"//a", b"a//b", b"./a", b".a", b"%2Fetc%2Fpasswd"],
)
def test_hostile_paths_of_urls(path: bytes) -> None:
    with pytest.raises(FileNotFoundError):
        parts_of(path)


@pytest.mark.parametrize("name", ["none", "a.jpg"])
def test_an_archive_is_a_folder(root: Path, name: str) -> None:
    with pytest.raises(InputError, match=name):
        Library(root / name)
