"""The import table of the house, checked on the source: who may name whom."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WINGS = ("modalities", "tools", "memory")
FLOORS = ("omni", *WINGS)
KERNELS_MAY = ("omni.kernels", "omni.errors", "omni.extras", "omni.device")
HEAVY = ("torch", "transformers", "diffusers", "langchain", "langgraph", "faiss", "whisper")
LIGHT_MODULES = (
    "omni",
    "omni.errors",
    "omni.media",
    "omni.values",
    "omni.modality",
    "omni.plugins",
    "omni.extras",
    "omni.device",
    "omni.config",
    "omni.content",
    "omni.compression.budget",
    "omni.cli.main",
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    prefix = ("omni",) if parts[0] in WINGS else ()
    return ".".join((*prefix, *parts)).removesuffix(".__init__")


def imports(path: Path, *, at_import_time: bool = False) -> list[str]:
    """Absolute names that a file imports; without those under TYPE_CHECKING and in functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = (
        module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    )
    found = []
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if at_import_time and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_import_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join((*above, base)).rstrip(".")
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        todo.extend(ast.iter_child_nodes(node))
    return found


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("path", sources(*FLOORS, "recipes"), ids=module_name)
def test_nobody_imports_a_wing_by_its_folder_name(path):
    bare = [name for name in imports(path) if name.partition(".")[0] in WINGS]
    assert not bare, f"write omni.{bare[0]} instead"


@pytest.mark.parametrize("path", sources("omni"), ids=module_name)
def test_the_core_names_no_wing(path):
    named = [name for name in imports(path) for wing in WINGS if inside(name, f"omni.{wing}")]
    assert not named, "reach a wing with omni.plugins.load"


@pytest.mark.parametrize("path", sources(*WINGS), ids=module_name)
def test_a_wing_names_no_other_wing_and_its_own_files_relatively(path):
    own = f"omni.{path.relative_to(ROOT).parts[0]}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    absolute = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module
    }
    assert not [name for name in absolute if inside(name, own)], "import your own files relatively"
    others = [f"omni.{wing}" for wing in WINGS if f"omni.{wing}" != own]
    assert not [name for name in imports(path) for other in others if inside(name, other)]


@pytest.mark.parametrize("path", sources("omni/kernels"), ids=module_name)
def test_kernels_stand_alone(path):
    named = [name for name in imports(path) if inside(name, "omni") and name != "omni"]
    assert all(any(inside(name, allowed) for allowed in KERNELS_MAY) for name in named)


@pytest.mark.parametrize("name", LIGHT_MODULES)
def test_contracts_import_nothing_heavy(name):
    path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
    path = path if path.exists() else ROOT.joinpath(*name.split("."), "__init__.py")
    heavy = [
        found
        for found in imports(path, at_import_time=True)
        if found.partition(".")[0] in HEAVY or found.startswith("langchain")
    ]
    assert not heavy


def test_no_import_circles():
    graph = {
        module_name(path): set(imports(path, at_import_time=True)) for path in sources(*FLOORS)
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"circle: {' -> '.join((*trail[trail.index(name) :], name))}"
        if name in done or name not in graph:
            return
        for other in sorted(graph[name]):
            if other != name and other in graph:
                visit(other, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_every_package_is_listed_for_the_wheel():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    found = {module_name(path) for path in sources(*FLOORS) if path.name == "__init__.py"}
    assert set(settings["packages"]) == found
    assert settings["packages"] == sorted(settings["packages"])


@pytest.mark.parametrize("path", sources(*FLOORS, "recipes", "benchmarks"), ids=module_name)
def test_files_have_their_measure(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 420, "one idea a file, at most about 400 lines"
    assert path.stem not in {"utils", "misc", "common", "helpers"}


@pytest.mark.parametrize("wing", WINGS)
def test_a_wing_refuses_its_folder_name(wing, monkeypatch):
    import importlib.util

    spec = importlib.util.spec_from_file_location(wing, ROOT / wing / "__init__.py")
    assert spec and spec.loader
    with pytest.raises(ModuleNotFoundError, match=rf"'omni\.{wing}'.*pip install -e \."):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_the_tree_speaks_only_of_itself():
    """No path of a machine and no package host in what is committed."""
    import re
    import subprocess

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    forbidden = re.compile(r"(^|[\s\"'=(:])/(work|root|home/\w+|opt/(wheels|pypi))/")
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".toml", ".md", ".txt", ".yml", ""} and path.is_file():
            for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
                assert not forbidden.search(line), f"{name}: {line.strip()}"
