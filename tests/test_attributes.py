"""Owner, permissions, ACLs and extended attributes of outputs. Only root may give files away."""

import os
import stat
import subprocess
from pathlib import Path
from shutil import which

import pytest

from jrecomp import attributes, outputs
from jrecomp.files import Mirror
from jrecomp.outputs import Output

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root gives files away")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "photo.jpg"
    path.parent.mkdir()
    path.write_bytes(b"photo")
    path.chmod(0o640)
    return path


def written(source: Path) -> Path:
    target = source.with_suffix(".jrc")
    outputs.write(Output(target, b"data", source, force=True))
    return target


def acl(path: Path) -> list[str]:
    """The entries of an ACL without comments, which contain the name."""
    text = subprocess.run(["getfacl", "-n", "-p", path], capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def give(path: Path, *entries: str) -> None:
    if not which("setfacl") or not which("getfacl"):
        pytest.skip("needs the package acl")
    command: list[str | Path] = ["setfacl", *(part for entry in entries for part in ("-m", entry)), path]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("the file system has no ACLs")


def tag(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except (AttributeError, OSError):
        pytest.skip("no extended attributes here")


@needs_root
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o4755, 0o2755])
def test_owner_and_group(source: Path, mode: int) -> None:
    """Setuid and setgid, which a file of data has no use for, are not copied."""
    os.chown(source, 1234, 5678)
    source.chmod(mode)
    status = written(source).stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, mode & 0o777)


def test_who_may_not_give_files_away(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group is still kept where the user belongs to it; otherwise the file is written all the same."""
    asked: list[tuple[int, int]] = []

    def chown(target: Path | int, owner: int, group: int) -> None:
        asked.append((owner, group))
        if owner >= 0 or len(asked) > 2:
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", chown)
    status = source.stat()
    for _ in range(2):
        assert stat.S_IMODE(written(source).stat().st_mode) == 0o640
    assert asked == [(status.st_uid, status.st_gid), (-1, status.st_gid)] * 2


def test_extended_attributes(source: Path) -> None:
    tag(source, "user.comment", b"holiday\0\xff")
    tag(source, "user.empty", b"")
    target = written(source)
    assert {name: os.getxattr(target, name) for name in os.listxattr(target)} == {
        "user.comment": b"holiday\0\xff",
        "user.empty": b"",
    }


@needs_root
def test_capabilities_are_not_copied(source: Path) -> None:
    tag(source, "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))
    assert os.listxattr(source) == ["security.capability"]
    assert os.listxattr(written(source)) == []


def test_acl(source: Path) -> None:
    give(source, "u:1234:rw", "g:5678:r", "g::-", "o::-")
    target = written(source)
    assert acl(target) == acl(source)
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(source.stat().st_mode) == 0o660


def test_without_its_acl_the_group_has_no_access(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an ACL, the permissions of the group are those of everybody in it; here the group has none."""
    give(source, "u:1234:rw", "g::-")
    setxattr = os.setxattr

    def refuse(target: Path | int, name: str, value: bytes) -> None:
        if name == attributes.ACL:
            raise OSError(95, "Operation not supported")
        setxattr(target, name, value)

    monkeypatch.setattr(os, "setxattr", refuse)
    assert stat.S_IMODE(source.stat().st_mode) == 0o660
    assert stat.S_IMODE(written(source).stat().st_mode) == 0o600


@pytest.mark.parametrize("refused", ["chown", "chmod", "utime", "listxattr", "setxattr"])
def test_what_the_system_refuses_is_left_out(
    source: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    tag(source, "user.comment", b"holiday")
    monkeypatch.setattr(os, refused, refuse)
    target = written(source)
    assert target.read_bytes() == b"data"
    assert not target.stat().st_mode & 0o007


@pytest.mark.parametrize("absent", [["chown"], ["listxattr", "setxattr", "getxattr"]])
def test_other_systems(source: Path, monkeypatch: pytest.MonkeyPatch, absent: list[str]) -> None:
    for name in absent:
        monkeypatch.delattr(os, name)
    assert stat.S_IMODE(written(source).stat().st_mode) == 0o640


def test_nobody_else_sees_an_unfinished_output(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The umask lets everybody read; the source does not. The group of the source gets access to it only."""
    seen: list[int] = []
    copy = attributes.copy

    def look(source: Path, status: os.stat_result, target: Path | int) -> None:
        assert isinstance(target, int)
        seen.append(stat.S_IMODE(os.fstat(target).st_mode))
        copy(source, status, target)

    monkeypatch.setattr(attributes, "copy", look)
    written(source)
    assert seen == [0o600]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    return tree


def dress(folder: Path, mode: int, seconds: int) -> None:
    if ROOT:
        os.chown(folder, 1234, 5678)
    folder.chmod(mode)
    os.utime(folder, ns=(seconds * 10**9 + 1, seconds * 10**9 + 2))


def look(folder: Path) -> tuple[int, int, int, int]:
    status = folder.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), status.st_mtime_ns


def test_folders_keep_owner_mode_and_times(tree: Path, tmp_path: Path) -> None:
    """Also times, though files are written into them, and folders that nobody may write to."""
    dress(tree / "a" / "b", 0o555, 1_300_000_000)
    dress(tree / "a", 0o2750, 1_400_000_000)
    dress(tree, 0o700, 1_500_000_000)
    out = tmp_path / "x" / "out"
    mirror = Mirror(tree, out)
    for name in ("a/b/c.jrc", "a/d.jrc", "e.jrc"):
        mirror.make(out / name)
        outputs.write(Output(out / name, b"data", None))
    mirror.finish()
    for name in (".", "a", "a/b"):
        assert look(out / name) == look(tree / name)
    assert (out / "a" / "b" / "c.jrc").read_bytes() == b"data"
    (out / "a" / "b").chmod(0o755)
    (tree / "a" / "b").chmod(0o755)


def test_existing_folders_stay_as_they_are(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "a").mkdir(parents=True)
    dress(tree, 0o700, 1_500_000_000)
    dress(tree / "a", 0o700, 1_500_000_000)
    before = look(out), look(out / "a")
    mirror = Mirror(tree, out)
    mirror.make(out / "a" / "x.jrc")
    mirror.finish()
    assert (look(out), look(out / "a")) == before


def test_acls_of_folders(tree: Path, tmp_path: Path) -> None:
    """Those for new files, too."""
    give(tree / "a", "u:1234:rwx", "d:u:1234:rwx")
    mirror = Mirror(tree, tmp_path / "out")
    mirror.make(tmp_path / "out" / "a" / "x.jrc")
    mirror.finish()
    assert acl(tmp_path / "out" / "a") == acl(tree / "a")
