"""Layers import downwards only, start-up stays light, and nothing undeclared is imported."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

import jrecomp

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "jrecomp"

LAYERS = {
    "jrecomp": 1,
    "jrecomp.array_types": 0,
    "jrecomp.attributes": 0,
    "jrecomp.digest": 0,
    "jrecomp.errors": 0,
    "jrecomp.options": 0,
    "jrecomp.t81": 0,
    "jrecomp.system": 0,
    "jrecomp.temporary": 1,
    "jrecomp.native": 0,
    "jrecomp.jpeg": 1,
    "jrecomp.coding": 1,
    "jrecomp.threads": 1,
    "jrecomp.cache": 2,
    "jrecomp.skeleton": 2,
    "jrecomp.features": 2,
    "jrecomp.metrics": 2,
    "jrecomp.container": 3,
    "jrecomp.info": 3,
    "jrecomp.targets": 2,
    "jrecomp.notes": 4,
    "jrecomp.model": 3,
    "jrecomp.lossy": 5,
    "jrecomp.encoder": 4,
    "jrecomp.codec": 4,
    "jrecomp.restoration": 4,
    "jrecomp.pictures": 5,
    "jrecomp.salvaging": 6,
    "jrecomp.writers": 6,
    "jrecomp.rate": 7,
    "jrecomp.pipeline": 8,
    "jrecomp.restoring": 9,
    "jrecomp.thumbnails": 9,
    "jrecomp.files": 9,
    "jrecomp.outputs": 10,
    "jrecomp.jobs": 10,
    "jrecomp.deleting": 10,
    "jrecomp.work": 11,
    "jrecomp.encoding": 10,
    "jrecomp.mount": 10,
    "jrecomp.dct": 9,
    "jrecomp.doctor": 9,
    "jrecomp.sharing": 12,
    "jrecomp.batch": 12,
    "jrecomp.pillow": 11,
    "jrecomp.gallery": 12,
    "jrecomp.cluster": 12,
    "jrecomp.overview": 12,
    "jrecomp.access": 12,
    "jrecomp.fsspec": 13,
    "jrecomp.torch": 13,
    "jrecomp.cli": 13,
    "jrecomp.__main__": 14,
    "jrecomp.train": 14,
    "jrecomp.bench": 14,
}
"""The table of docs/architecture.md; a module imports only from lower layers."""

RUNTIME = {"numpy", "constriction", "click", "brotli", "threadpoolctl", "PIL", "tqdm"}
LOSSY_OR_RARE = {
    "jrecomp.encoder",
    "jrecomp.lossy",
    "jrecomp.metrics",
    "jrecomp.native.metrics",
    "jrecomp.native.restoration",
    "jrecomp.rate",
    "jrecomp.restoration",
    "jrecomp.writers",
    "PIL",
    "constriction",
    "jrecomp.codec.array_engines",
    "jrecomp.codec.gpu",
    "jrecomp.model.blocks",
    "jrecomp.model.latents",
    "numpy.random",
    "zipfile",
    "secrets",
    "threadpoolctl",
    "tqdm",
}
"""What lossless commands do without, so that they start sooner."""

SIDE = {"jrecomp.train", "jrecomp.bench"}
OPTIONAL = {
    "jrecomp.mount.filesystem": {"mfusepy"},
    "jrecomp.codec.gpu.batch": {"torch"},
    "jrecomp.codec.gpu.coders": {"torch"},
    "jrecomp.codec.gpu.kernels": {"triton"},
    "jrecomp.codec.gpu.planes": {"torch"},
    "jrecomp.codec.gpu.walk": {"torch"},
    "jrecomp.codec.gpu.weights": {"torch"},
    "jrecomp.torch": {"torch"},
    "jrecomp.access": {"fsspec"},
    "jrecomp.fsspec": {"fsspec"},
    "jrecomp.cluster.manifest": {"pyarrow"},
    "jrecomp.cluster.runner": {"ray"},
    "jrecomp.cluster.storage": {"fsspec"},
    "jrecomp.overview.charts": {"matplotlib"},
    "jrecomp.overview.page": {"jinja2", "markupsafe"},
    "jrecomp.gallery.app": {"starlette", "jinja2", "anyio"},
    "jrecomp.gallery.guard": {"starlette"},
    "jrecomp.gallery.server": {"starlette", "uvicorn"},
}
"""What extras are needed for, each in few places."""


def part_of(module: str) -> str:
    """The row of LAYERS that a module belongs to."""
    return ".".join(module.split(".")[:2])


def imported(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports while it is loaded or run."""
    tree = ast.parse(path.read_text())
    guarded = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{path}: relative import"
            if node.module == "jrecomp":
                yield from (f"jrecomp.{alias.name}" for alias in node.names)
            else:
                yield node.module


def modules() -> list[tuple[str, Path]]:
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names.append((".".join(parts).removesuffix(".__init__"), path))
    return names


def test_documented_layers_are_these() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| `([^`]+)` \|", text, re.MULTILINE)
    documented = {
        f"jrecomp.{place.removesuffix('.py').removesuffix('/')}".removesuffix(".__init__"): int(layer)
        for layer, place in rows
    }
    assert documented == LAYERS
    assert len(rows) == len(documented)


@pytest.mark.parametrize(("module", "path"), modules())
def test_layers(module: str, path: Path) -> None:
    own = part_of(module)
    assert own in LAYERS, f"{own} has no layer"
    for name in imported(path):
        if not name.startswith("jrecomp"):
            continue
        other = part_of(name) if part_of(name) in LAYERS else "jrecomp"  # a name such as __version__
        assert other == own or LAYERS[other] < LAYERS[own], f"{module} imports {name} from above or beside"


@pytest.mark.parametrize(("module", "path"), [m for m in modules() if part_of(m[0]) not in SIDE])
def test_nothing_undeclared_is_imported(module: str, path: Path) -> None:
    outside = {name.split(".")[0] for name in imported(path)} - {"jrecomp"} - sys.stdlib_module_names
    assert outside <= RUNTIME | OPTIONAL.get(module, set())


def test_runtime_dependencies_are_the_declared_ones() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    modules = {"pillow": "PIL"}
    names = {name.split(">")[0] for name in declared}
    assert {modules.get(name, name) for name in names} == RUNTIME


def loaded_by(code: str) -> set[str]:
    """Modules that are loaded after running `code` in a new Python."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd="/"
    )
    return set(result.stdout.splitlines()[-1].split())


def test_import_is_light() -> None:
    assert not loaded_by("import jrecomp") & RUNTIME


def test_version_is_light() -> None:
    code = "from jrecomp.cli.app import main\ntry: main(['--version'])\nexcept SystemExit: pass"
    assert loaded_by(code) & (RUNTIME | {"torch"}) == {"click"}


def test_the_progress_bar_is_loaded_for_terminals_only(photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo)
    arguments = ["compress", "--fast", str(tmp_path / "a.jpg")]
    code = f"from jrecomp.cli.app import main\ntry: main({arguments})\nexcept SystemExit: pass"
    assert not loaded_by(code) & {"tqdm", "difflib"}
    assert (tmp_path / "a.jpg.jrc").exists()


@pytest.mark.parametrize("command", ["compress", "decompress", "verify", "info"])
def test_lossless_commands_load_nothing_of_lossy_ones(command: str, photo: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo)
    (tmp_path / "b.jrc").write_bytes(jrecomp.compress(photo))
    name = tmp_path / ("a.jpg" if command == "compress" else "b.jrc")
    code = f"""
import gc
from jrecomp.cli import start
sys.argv = ["jrecomp", {command!r}, {str(name)!r}]
try: start()
except SystemExit as end: assert not end.code
assert gc.isenabled() and gc.get_freeze_count()
"""
    assert not loaded_by(code) & LOSSY_OR_RARE
    assert len(list(tmp_path.iterdir())) == (3 if "compress" in command else 2)


def test_torch_is_loaded_for_a_gpu_only(photo: bytes) -> None:
    code = f"""
import pathlib, jrecomp, jrecomp.cli.compress
from jrecomp.codec import devices
devices.Path = lambda name: pathlib.Path("no driver")
devices.shutil.which = lambda name: None
compressed = jrecomp.compress({photo!r})
jrecomp.decompress(compressed, device='cpu')
jrecomp.verify(compressed)
assert jrecomp.inspect(compressed).mode == 'lossless'
"""
    assert "torch" not in loaded_by(code)


def test_version_has_one_value() -> None:
    assert version("jrecomp") == jrecomp.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"] and "version" not in project
