"""Every example in the README, in CONTRIBUTING and in docstrings does what it shows."""

import doctest
import importlib
import importlib.util
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "CONTRIBUTING.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list:
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for number, match in enumerate(FENCE.finditer(text), 1):
            if match[1] == language:
                found.append(pytest.param(match[2], id=f"{page}-{number}"))
    return found


def commands(block: str) -> list[tuple[str, str]]:
    """Each `$ command` of a console block and the output shown below it."""
    pieces = re.split(r"^\$ ", block, flags=re.MULTILINE)
    assert not pieces[0].strip(), "a console block begins with a command"
    return [
        (command.strip(), shown) for command, _, shown in (p.partition("\n") for p in pieces[1:])
    ]


def pattern(shown: str) -> re.Pattern[str]:
    """What is shown as a pattern: a line `...` stands for any lines, `…` for anything in a line."""
    lines = []
    for line in shown.rstrip("\n").splitlines():
        lines.append(
            r"(?:.*\n)*?" if line == "..." else re.escape(line).replace("…", ".*?") + r"\n"
        )
    return re.compile("".join(lines))


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder that looks like the checkout to the commands of the README."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    return tmp_path


def run(command: str, folder: Path) -> str:
    """What a command prints, with this Python's environment in place of a new one."""
    command = re.sub(
        r"\bmake\b",
        f"make -s VENV={sys.prefix} -o {sys.prefix}/.chat -o {sys.prefix}/.test",
        command,
    )
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("block", blocks("console"))
def test_commands_print_what_is_shown(block, checkout):
    for command, shown in commands(block):
        printed = run(command, checkout)
        assert pattern(shown).fullmatch(printed), f"$ {command}\n{printed}\nshown:\n{shown}"


@pytest.mark.parametrize("block", blocks("python"))
def test_python_blocks_run(block, checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    exec(compile(block, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("block", blocks("text"))
def test_help_is_what_the_program_prints(block, checkout):
    if not block.startswith("usage: omni"):
        pytest.skip("not a help text")
    assert run("omni --help", checkout).strip() == block.strip()


def modules_with_examples() -> list[str]:
    import omni

    found = [module.name for module in pkgutil.walk_packages(omni.__path__, "omni.")]
    for wing in ("modalities", "tools", "memory"):
        package = importlib.import_module(f"omni.{wing}")
        found += [m.name for m in pkgutil.walk_packages(package.__path__, f"omni.{wing}.")]
    return sorted({name for name in found if has_example(name)})


def has_example(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    assert spec and spec.origin
    source = Path(spec.origin).read_text(encoding="utf-8")
    return re.search(r"^\s*>>> ", source, re.MULTILINE) is not None


@pytest.mark.parametrize("name", modules_with_examples())
def test_docstrings(name):
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.attempted > 0 and results.failed == 0
