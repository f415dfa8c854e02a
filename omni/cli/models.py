"""`omni models`: which brains one can name, and what each would take."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omni.cli.screen import Screen, size, table
from omni.errors import UsageError

SUMMARY = "list the brains one can name, and the download and memory each takes"
_ROOM = 1.2  # memory beside the weights: activations and cache of a short talk


@dataclass(frozen=True, slots=True)
class Brain:
    """A model that `--model` takes.

    Attributes:
        name: what to write after `--model`.
        kind: `embedded`, `hub`, `folder` or `provider`.
        takes: the kinds of media that it takes beside text, as its publisher says.
        gives: the kinds of media that it gives beside text through Omni.
        download: about how many bytes are fetched; 0 where nothing is, `None` where unknown.
        memory: about how many bytes it needs in bfloat16 (the embedded one: float32).
        note: what else one should know.
    """

    name: str
    kind: str
    takes: str
    gives: str
    download: int | None
    memory: int | None
    note: str


def _hub(name: str, takes: str, billions: float, note: str) -> Brain:
    weights = round(billions * 2e9)
    return Brain(name, "hub", takes, "", weights, round(weights * _ROOM), note)


_HUB = (
    _hub("HuggingFaceTB/SmolVLM-256M-Instruct", "image", 0.26, "the smallest; CPU will do"),
    _hub("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "image, video", 0.89, "CPU will do"),
    _hub("Qwen/Qwen3-VL-2B-Instruct", "image, video", 2.1, "wants a GPU"),
    _hub("Qwen/Qwen2.5-VL-3B-Instruct", "image, video", 3.8, "wants a GPU"),
    _hub("Qwen/Qwen2.5-Omni-3B", "image, audio, video", 5.5, "wants a GPU"),
    _hub("Qwen/Qwen2.5-Omni-7B", "image, audio, video", 10.7, "wants a large GPU"),
)
_PROVIDERS = (
    Brain("openai:NAME", "provider", "image, audio", "", 0, 0, "a key; extra openai"),
    Brain("PROVIDER:NAME", "provider", "", "", 0, 0, "any name of LangChain's init_chat_model"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """The flags of this verb."""
    parser.add_argument("folder", nargs="?", help="estimate the model in this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or the estimate for one folder."""
    screen = Screen()
    if arguments.folder:
        brains = [in_folder(Path(arguments.folder).expanduser())]
    else:
        brains = [nano(), *_HUB, *_PROVIDERS]
    if arguments.json:
        listed: dict[str, Any] = {"models": [asdict(brain) for brain in brains]}
        if not arguments.folder:
            listed["figures"] = figures()
        screen.raw(json.dumps(listed, ensure_ascii=False, indent=1) + "\n")
        return 0
    for line in table(map(_row, brains), screen.columns):
        screen.line(line)
    if not arguments.folder:
        screen.line("A folder or hub id of any transformers image-text-to-text model works too;")
        screen.line("omni models FOLDER  estimates one. Sizes are estimates from parameter counts.")
        skills = [tuple(row.values())[:-1] for row in figures()]
        if skills:
            screen.line()
            screen.line("What nano was measured to do (input, output, split, number, right):")
        for line in table(skills, screen.columns):
            screen.line(line)
    return 0


def _row(brain: Brain) -> tuple[str, ...]:
    takes = f"text, {brain.takes}" if brain.takes else "text"
    gives = f"text, {brain.gives}" if brain.gives else "text"
    if brain.kind == "provider":
        cost = "no download"
    elif brain.kind == "hub":
        cost = f"{size(brain.download or 0)} to download, {size(brain.memory or 0)} of memory"
    else:
        cost = f"{size(brain.memory or 0)} of memory" if brain.memory else "not here"
    return brain.name, f"{takes} → {gives}", f"{cost}; {brain.note}"


def weights_folder() -> Path:
    """Where the embedded model lies."""
    import omni

    return Path(omni.__file__).parent / "nano" / "weights"


def nano() -> Brain:
    """The embedded model, as its files say."""
    found = sum(path.stat().st_size for path in weights_folder().glob("**/*.safetensors"))
    note = f"embedded, {size(found)}" if found else "no weights: python -m omni.nano.train"
    takes = "image, audio, video, points, series"
    return Brain("nano", "embedded", takes, "image, audio", 0, round(found * 2 * _ROOM), note)


def figures() -> list[dict[str, str]]:
    """The rows of the embedded model's card: each skill and how often it is right."""
    try:
        text = (weights_folder() / "README.md").read_text("utf-8")
    except (OSError, ValueError):
        return []
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row] for row in rows]
    if len(cells) < 3:
        return []
    return [dict(zip(cells[0], row, strict=False)) for row in cells[2:]]


def in_folder(folder: Path) -> Brain:
    """An estimate for weights on disk.

    Raises:
        UsageError: if there are none.
    """
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        raise UsageError(f"no *.safetensors in {folder}: name the folder of a saved model")
    total = sum(path.stat().st_size for path in files)
    config = folder / "config.json"
    try:
        kind = json.loads(config.read_text("utf-8")).get("model_type", "unknown")
    except (OSError, ValueError, AttributeError):
        kind = "unknown"
    note = f"model type {kind}, {size(total)} on disk"
    return Brain(str(folder), "folder", "", "", 0, round(total * _ROOM), note)
