"""Names and sizes in a mounted archive, without FUSE."""

import errno
import os
import resource
from pathlib import Path

import pytest

from jrecomp.mount import tree
from jrecomp.mount.tree import Tree
from tests.mount.containers import damaged, stored

DATA = b"what a container restores"


class Shown:
    """An archive in a folder, and what appears in it."""

    def __init__(self, root: Path) -> None:
        self.root, self.hidden = root, list[str]()
        self.tree = Tree(root, self.hidden.append)

    def put(self, name: str | bytes, data: bytes) -> None:
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.root), os.fsencode(name))))  # noqa: PTH118
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def link(self, name: str, target: str) -> None:
        (self.root / name).symlink_to(target)

    def names(self, path: str = "/") -> list[str]:
        names = sorted(self.tree.list(path))
        for name in names:  # what is listed can be found
            self.tree.find(f"{path.rstrip('/')}/{name}")
        return names

    def sizes(self, path: str = "/") -> dict[str, int]:
        return {name: self.tree.find(f"{path.rstrip('/')}/{name}").size for name in self.names(path)}

    def absent(self, path: str) -> bool:
        try:
            self.tree.find(path)
        except FileNotFoundError:
            return True
        return False


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    return Shown(tmp_path)


def test_containers_appear_without_suffix(shown: Shown) -> None:
    shown.put("a.jpg.jrc", stored(DATA))
    shown.put("inner/deep/b.jpg.jrc", stored(DATA * 2))
    shown.put("inner/notes.txt", b"1234")
    assert shown.sizes() == {"a.jpg": len(DATA), "inner": (shown.root / "inner").stat().st_size}
    assert shown.names("/inner") == ["deep", "notes.txt"]
    assert shown.sizes("/inner/deep") == {"b.jpg": 2 * len(DATA)}
    assert shown.absent("/a.jpg.jrc") and shown.absent("/inner/deep/b.jpg.jrc") and shown.absent("/b.jpg")


def test_what_is_no_container_appears_as_it_is(shown: Shown) -> None:
    shown.put("empty.jrc", b"")
    shown.put("begun.jrc", b"\xd1J")
    shown.put("text.jrc", b"no container")
    shown.put(".jrc", stored(DATA))
    shown.put("large.JRC", stored(DATA))
    shown.put("plain", stored(DATA))
    shown.put("folder.jrc/x", b"")
    os.mkfifo(shown.root / "pipe.jrc")
    assert shown.names() == sorted(os.listdir(shown.root))  # noqa: PTH208
    for name in shown.names():
        assert shown.tree.find(f"/{name}").size == (shown.root / name).stat().st_size


def test_damaged_heads(shown: Shown) -> None:
    """They are known as containers; their size is not."""
    shown.put("cut.jpg.jrc", stored(DATA)[:5])
    shown.put("newer.jpg.jrc", b"\xd1JR\x02" + stored(DATA)[4:])
    shown.put("body.jpg.jrc", damaged(DATA))
    assert shown.sizes() == {"body.jpg": len(DATA), "cut.jpg": 0, "newer.jpg": 0}
    head = shown.tree.find("/newer.jpg").head
    assert head and "format version 2" in str(head.problem)


def test_a_plain_file_hides_a_container(shown: Shown) -> None:
    for name in ("a.jpg", "b.jpg"):
        shown.put(name, b"plain")
        shown.put(f"{name}.jrc", stored(DATA))
    assert shown.sizes() == {"a.jpg": 5, "b.jpg": 5}
    assert shown.absent("/a.jpg.jrc")
    shown.names()
    assert shown.hidden == [f"{shown.root}/a.jpg.jrc"]


def test_containers_of_containers(shown: Shown) -> None:
    shown.put("a.jrc", stored(DATA))
    shown.put("a.jrc.jrc", stored(stored(DATA)))
    assert shown.sizes() == {"a": len(DATA), "a.jrc": len(stored(DATA))}
    assert not shown.hidden


@pytest.mark.parametrize(
    ("name", "target", "appears"),
    [
        ("link.jpg.jrc", "a.jpg.jrc", ("link.jpg", "a.jpg")),
        ("link.jpg.jrc", "./in/../a.jpg.jrc", ("link.jpg", "./in/../a.jpg")),
        ("link.jpg.jrc", "in/b.jpg.jrc", ("link.jpg", "in/b.jpg")),
        ("link.jpg.jrc", "other.jpg.jrc", ("link.jpg", "other.jpg")),
        ("link.jpg", "a.jpg.jrc", ("link.jpg", "a.jpg")),
        ("link.jpg", "a.jpg", ("link.jpg", "a.jpg")),
        ("link.jrc", "text.jrc", ("link.jrc", "text.jrc")),
        ("link.jrc", "link.jrc", ("link.jrc", "link.jrc")),
        ("link.jrc", "nothing.jrc", ("link.jrc", "nothing.jrc")),
        ("link.jrc", "in", ("link.jrc", "in")),
        ("link.jrc", "/a.jpg.jrc", ("link.jrc", "/a.jpg.jrc")),
        ("link.jrc", "../outside.jpg.jrc", ("link.jrc", "../outside.jpg.jrc")),
    ],
)
def test_links(tmp_path: Path, name: str, target: str, appears: tuple[str, str]) -> None:
    """They lead to what their target appears as, inside the archive."""
    (tmp_path / "outside.jpg.jrc").write_bytes(stored(DATA))
    shown = Shown(tmp_path / "archive")
    shown.put("a.jpg.jrc", stored(DATA))
    shown.put("in/b.jpg.jrc", stored(DATA))
    shown.put("text.jrc", b"no container")
    shown.link("other.jpg.jrc", "a.jpg.jrc")
    shown.link(name, target)
    assert set(shown.names()) - {"a.jpg", "in", "text.jrc", "other.jpg"} == {appears[0]}
    entry = shown.tree.find(f"/{appears[0]}")
    assert (entry.target, entry.size) == (appears[1], len(appears[1]))


def test_links_to_links_end(shown: Shown) -> None:
    shown.put("0.jrc", stored(DATA))
    for number in range(1, 60):
        shown.link(f"{number}.jrc", f"{number - 1}.jrc")
    names = shown.names()
    assert {"0", "1", "40"} <= set(names) and {"50.jrc", "59.jrc"} <= set(names)


def test_absolute_root_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "here").symlink_to("archive")
    shown = Shown(tmp_path / "here")
    shown.put("a.jpg.jrc", stored(DATA))
    shown.link("b.jpg.jrc", "a.jpg.jrc")
    assert shown.names() == ["a.jpg", "b.jpg"]


def test_names_that_are_not_text(shown: Shown) -> None:
    shown.put(b"\xff\xfe.jpg.jrc", stored(DATA))
    assert [os.fsencode(name) for name in shown.names()] == [b"\xff\xfe.jpg"]


def test_longest_names(shown: Shown) -> None:
    longest = "x" * 251
    shown.put(f"{longest}.jrc", stored(DATA))
    shown.put("y" * 255, b"")
    assert shown.names() == [longest, "y" * 255]
    assert shown.absent(f"/{'z' * 255}") and shown.absent(f"/{'z' * 252}")


def test_changes_are_seen(shown: Shown) -> None:
    shown.put("a.jpg.jrc", b"")
    assert shown.sizes() == {"a.jpg.jrc": 0}
    shown.put("a.jpg.jrc", stored(DATA))
    assert shown.sizes() == {"a.jpg": len(DATA)}
    shown.put("a.jpg.jrc", stored(DATA * 3))
    assert shown.sizes() == {"a.jpg": 3 * len(DATA)}
    (shown.root / "a.jpg.jrc").unlink()
    assert shown.names() == [] and shown.absent("/a.jpg")


def test_one_file_with_two_names(shown: Shown) -> None:
    shown.put("a.jrc", stored(DATA))
    (shown.root / "b").hardlink_to(shown.root / "a.jrc")
    descriptor, entry = shown.tree.open("/b")
    os.close(descriptor)
    assert (entry.head, shown.sizes()) == (None, {"a": len(DATA), "b": len(stored(DATA))})


def test_heads_are_read_once(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    shown.put("a.jpg.jrc", stored(DATA))
    shown.put("text.jrc", b"no container")
    sizes = shown.sizes()
    monkeypatch.setattr(os, "open", lambda *arguments: pytest.fail("it is read again"))
    assert shown.sizes() == sizes


def test_few_heads_are_remembered(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_MOST_HEADS", 3)
    for number in range(10):
        shown.put(f"{number}.jrc", stored(DATA[:number]))
    assert shown.sizes() == {str(number): number for number in range(10)}


def test_open_tells_what_took_the_place(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be replaced after it was found."""
    shown.put("a.jpg.jrc", stored(DATA))
    expected = shown.tree.find("/a.jpg")
    monkeypatch.setattr(shown.tree, "find", lambda path: expected)
    shown.put("a.jpg.jrc", stored(DATA * 2))
    descriptor, entry = shown.tree.open("/a.jpg")
    os.close(descriptor)
    assert entry.size == 2 * len(DATA)
    shown.put("a.jpg.jrc", b"no container")
    with pytest.raises(OSError) as caught:
        shown.tree.open("/a.jpg")
    assert caught.value.errno == errno.ESTALE
    (shown.root / "a.jpg.jrc").unlink()
    shown.link("a.jpg.jrc", "/etc/passwd")
    with pytest.raises(OSError) as caught:
        shown.tree.open("/a.jpg")
    assert caught.value.errno == errno.ELOOP
    (shown.root / "a.jpg.jrc").unlink()
    os.mkfifo(shown.root / "a.jpg.jrc")
    with pytest.raises(OSError) as caught:
        shown.tree.open("/a.jpg")
    assert caught.value.errno == errno.ESTALE


def test_no_free_descriptor_is_no_missing_container(shown: Shown) -> None:
    shown.put("a.jpg.jrc", stored(DATA))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(shown.root, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        with pytest.raises(OSError) as caught:
            shown.tree.find("/a.jpg")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    assert shown.names() == ["a.jpg"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_unreadable_containers_appear_as_they_are(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    shown.put("a.jpg.jrc", stored(DATA))
    monkeypatch.setattr(os, "open", refuse)
    assert shown.names() == ["a.jpg.jrc"]
    with pytest.raises(PermissionError):
        shown.tree.open("/a.jpg.jrc")


def test_a_bad_disk_concerns_one_file(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    shown.put("a.jpg.jrc", stored(DATA))
    shown.put("b.txt", b"text")
    monkeypatch.setattr(os, "pread", fail)
    assert sorted(shown.tree.list("/")) == ["a.jpg.jrc", "b.txt"]
    with pytest.raises(OSError) as caught:
        shown.tree.find("/a.jpg.jrc")
    assert caught.value.errno == errno.EIO
