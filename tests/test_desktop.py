"""The snippets of docs/desktop.md do what the page says."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import jrecomp
import jrecomp.pillow

PAGE = (Path(__file__).parents[1] / "docs" / "desktop.md").read_text()
SCRIPT = Path(sys.executable).with_name("jrecomp")


def snippet(kind: str) -> str:
    """The code of a kind."""
    (code,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(code)


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


@needs("file")
def test_file_knows_containers(tmp_path: Path, photo: bytes) -> None:
    (tmp_path / ".magic").write_text(snippet("magic"))
    lossy = jrecomp.compress(photo, quality=50, model="fast")
    made = {
        "stored": jrecomp.compress(b"text"),
        "lossless": jrecomp.compress(photo, model="fast"),
        "lossy": lossy,
        "to be shown restored": lossy[:4] + b"\3" + lossy[5:],
    }
    for mode, data in made.items():
        (tmp_path / "x").write_bytes(data)
        assert told_by_file(tmp_path) == f"JPEG image compressed by jrecomp, format version 1, {mode}"
        assert told_by_file(tmp_path, "--mime-type") == jrecomp.pillow.MIME
    (tmp_path / "x").write_bytes(photo)
    assert told_by_file(tmp_path).startswith("JPEG image data")


def told_by_file(home: Path, *options: str) -> str:
    """What `file` tells about the file x of a user."""
    command, environment = ["file", "-b", *options, str(home / "x")], {**os.environ, "HOME": str(home)}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return result.stdout.strip()


@needs("update-mime-database")
def test_mime_type(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/jrecomp.xml").write_text(snippet("xml"))
    result = subprocess.run(["update-mime-database", tmp_path], capture_output=True, text=True, check=True)
    assert "rror" not in result.stderr
    assert f":{jrecomp.pillow.MIME}:*.jrc" in (tmp_path / "globs2").read_text()
    magic = (tmp_path / "magic").read_bytes()
    assert f"[80:{jrecomp.pillow.MIME}]\n>0=".encode() in magic
    assert jrecomp.compress(b"text")[:3] in magic


@pytest.mark.skipif(not SCRIPT.exists(), reason="the command jrecomp is not installed")
def test_thumbnailer(tmp_path: Path, photo: bytes) -> None:
    """As desktops call it: the output exists, and its name has no ending."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(snippet("ini"))
    entry = parser["Thumbnailer Entry"]
    assert entry["MimeType"] == f"{jrecomp.pillow.MIME};" and entry["TryExec"] == "jrecomp"
    (tmp_path / "a b.jpg.jrc").write_bytes(jrecomp.compress(photo))
    (tmp_path / "output").touch()
    values = {"%s": "64", "%i": str(tmp_path / "a b.jpg.jrc"), "%o": str(tmp_path / "output")}
    command = [values.get(word, word) for word in shlex.split(entry["Exec"])]
    environment = {**os.environ, "PATH": f"{SCRIPT.parent}:{os.environ['PATH']}"}
    result = subprocess.run(command, capture_output=True, env=environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    with Image.open(tmp_path / "output") as image:
        assert (image.format, image.size) == ("PNG", (64, 43))


@needs("bash")
@pytest.mark.skipif(not SCRIPT.exists(), reason="the command jrecomp is not installed")
@pytest.mark.parametrize(
    ("line", "expected"), [("jrecomp ser", {"serve"}), ("jrecomp thumbnail --fo", {"--force", "--format"})]
)
def test_completion(line: str, expected: set[str], tmp_path: Path) -> None:
    words = line.split()
    script = f"""{snippet("bash")}
COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
_jrecomp_completion jrecomp {words[-1]} {words[-2]}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environment = {**os.environ, "PATH": f"{SCRIPT.parent}:{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert set(result.stdout.split()) == expected, result.stderr


@pytest.mark.skipif(not SCRIPT.exists(), reason="the command jrecomp is not installed")
@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_of_other_shells(shell: str) -> None:
    assert f"_JRECOMP_COMPLETE={shell}_source jrecomp" in snippet(shell)
    environment = {**os.environ, "_JRECOMP_COMPLETE": f"{shell}_source"}
    result = subprocess.run([SCRIPT], capture_output=True, text=True, env=environment)
    assert result.returncode == 0 and f"_JRECOMP_COMPLETE={shell}_complete" in result.stdout
