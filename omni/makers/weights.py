"""Weights of makers: those in a folder, or in the hub's cache. Nothing is downloaded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from omni.errors import UsageError

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_MARKS = {"model_index.json": "diffusers", "config.json": "transformers"}


def split(target: str) -> tuple[str, dict[str, Any]]:
    """The name of weights, and the arguments that stand behind it as in a web address.

    Values are JSON where they can be, else words: `?num_inference_steps=4&height=256`.
    """
    name, _, query = target.partition("?")
    return name, {key: _value(text) for key, text in parse_qsl(query, keep_blank_values=True)}


def folder_of(name: str) -> Path:
    """The folder in which the weights of that name lie.

    Args:
        name: a folder, or a hub id whose files are in the hub's cache.

    Raises:
        UsageError: if they are not on this machine; the message says how to fetch them.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(name):
        raise UsageError(f"{name!r} is neither a folder nor a hub id")
    from huggingface_hub import try_to_load_from_cache

    for mark in _MARKS:
        found = try_to_load_from_cache(name, mark)
        if isinstance(found, str):
            return Path(found).parent
    raise UsageError(f"its weights are not on this machine: fetch them with  hf download {name}")


def library_of(name: str) -> str:
    """Which library made the weights: `diffusers` or `transformers`.

    Raises:
        UsageError: if they are not here, or are of neither.
    """
    folder = folder_of(split(name)[0])
    for mark, library in _MARKS.items():
        if (folder / mark).is_file():
            return library
    raise UsageError(f"{folder} holds neither {' nor '.join(_MARKS)}")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
