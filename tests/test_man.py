"""Manual pages and completion scripts are complete and well-formed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from shutil import which
from types import ModuleType

import click
import pytest

from jrecomp.cli.app import main

SCRIPT = Path(__file__).parents[1] / "docs" / "generate_man.py"


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_man", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_and_option_has_its_place(share: Path) -> None:
    root = click.Context(main, info_name="jrecomp")
    for name in main.list_commands(root):
        text = (share / "man" / "man1" / f"jrecomp-{name}.1").read_text().replace("\\-", "-")
        command = main.get_command(root, name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"{parameter.opts[-1]}" in text
        assert f"\n.B {name}\n" in (share / "man" / "man1" / "jrecomp.1").read_text()


def test_pages_are_formatted_without_warnings(share: Path) -> None:
    if not which("man"):
        pytest.skip("needs man")
    for path in sorted((share / "man" / "man1").iterdir()):
        result = subprocess.run(
            ["man", "--warnings=w", "-l", str(path)],
            capture_output=True,
            text=True,
            env=os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""},
        )
        assert (result.returncode, result.stderr) == (0, ""), path.name
        assert "DESCRIPTION" in result.stdout and "OPTIONS" in result.stdout
    shown = subprocess.run(
        ["man", "-l", share / "man/man1/jrecomp-compress.1"], capture_output=True, text=True
    )
    assert "--delete-source" in shown.stdout and "JRECOMP_MODEL" in shown.stdout
    assert "jrecomp compress --quality 80 photo.jpg\n" in shown.stdout


def test_what_troff_would_take_for_requests(generator: ModuleType) -> None:
    assert generator.escaped(".jpg") == "\\&.jpg"
    assert generator.escaped("a\\b-c'd") == "a\\eb\\-c\\(aqd"
    assert generator.paragraph("\b\n.x\ny") == [".PP", ".EX", "\\&.x", "y", ".EE"]


def test_completion(share: Path) -> None:
    """bash asks the program; names of models are among the answers."""
    if not which("bash"):
        pytest.skip("needs bash")
    script = share / "bash-completion" / "completions" / "jrecomp"
    program = Path(sys.executable).parent / "jrecomp"
    ask = f'source "{script}"; COMP_WORDS=("{program}" compress --model f); COMP_CWORD=3'
    ask += f'; _jrecomp_completion "{program}"; echo "${{COMPREPLY[@]}}"'
    result = subprocess.run(["bash", "-c", ask], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("fast\n", "")
    assert {path.name for path in share.rglob("*jrecomp*") if path.parent.name != "man1"} == {
        "jrecomp",
        "_jrecomp",
        "jrecomp.fish",
    }
