"""`import omni` costs next to nothing, and so does asking for help."""

import subprocess
import sys

HEAVY = (
    "torch",
    "langchain",
    "langchain_core",
    "langgraph",
    "transformers",
    "diffusers",
    "PIL",
    "av",
)


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_import_omni_loads_nothing_heavy():
    assert not loaded_after("import omni") & set(HEAVY)


def test_contracts_load_nothing_heavy():
    code = "import omni.errors, omni.media, omni.values, omni.modality, omni.plugins, omni.device"
    assert not loaded_after(code) & set(HEAVY)


def test_sniffing_a_file_loads_no_torch(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    code = f"from omni.modality import open_media; open_media({str(tmp_path / 'a.txt')!r})"
    assert not loaded_after(code) & {"torch", "langchain_core", "transformers"}


def test_help_loads_nothing_heavy():
    code = (
        "import contextlib, io\n"
        "from omni.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])"
    )
    assert not loaded_after(code) & set(HEAVY)
