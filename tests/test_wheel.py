"""The built wheel holds only `omni/`, and works beside a user's own `tools.py` and `memory.py`."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
import tools, memory                      # the user's own files
import omni, omni.tools, omni.memory
from omni.modality import open_media
assert tools.MINE and memory.MINE
media = open_media("note.txt")
print(omni.__file__)
print(media.modality, media.mime)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build from a copy, so that nothing is left in the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    copy = tmp_path_factory.mktemp("source")
    for name in listed.stdout.splitlines():
        source = ROOT / name
        if source.is_file() and name.split("/")[0] not in {"tests", "benchmarks"}:
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(out), str(copy)],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_only_omni(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"omni", "omni_agent"}
    for path in ("omni/py.typed", "omni/modalities/image/__init__.py", "omni/tools/__init__.py"):
        assert path in names
    assert any(name.startswith("omni/nano/weights/") for name in names)


def test_the_wheel_works_beside_the_users_own_modules(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    project = tmp_path / "project"
    project.mkdir()
    for name in ("tools", "memory"):
        (project / f"{name}.py").write_text("MINE = True\n")
    (project / "note.txt").write_text("hello")
    (project / "main.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=project,
        env={"PYTHONPATH": str(site), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where, what = done.stdout.splitlines()
    assert Path(where).is_relative_to(site)
    assert what == "text text/plain"
