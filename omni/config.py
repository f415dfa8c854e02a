"""Settings, and the folder where sessions and media are kept."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omni.errors import UsageError


class Settings(BaseModel):
    """What one may set in `config.toml`, or as `OMNI_<NAME>` in the environment, or by a flag.

    Attributes:
        model: the brain: `nano`, `provider:name`, a folder or a hub id.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`.
        dtype: `auto`, `float32`, `bfloat16` or `float16`.
        budget: at most this many media tokens a turn; not set means no limit.
        selector: the method that keeps tokens within the budget; not set means the model's own.
        seed: seed of the sampling; not set means a new one each time.
        memory: what `omni chat` recalls from: `auto` for the memory beside the sessions, the folder
            of another, or `off`.
        experience: where lessons of runs are kept: `auto` for the home, a folder, or `off`.
        tools: names of the tools that the brain may call, or `all`.
        makers: who makes what the brain cannot, as `image=stabilityai/sd-turbo`.
        max_steps: at most this many model calls a turn; not set means what `Limits` say.
        max_tokens: at most this many tokens a turn, in and out.
        max_seconds: at most this long a turn.
        max_money: at most this much a turn, in the currency of the prices.
        prices: what a million tokens cost, in and out, as `gpt-5-mini=0.25/2`; without a name,
            those of the brain.
        roots: folders that files may be attached from; empty allows every folder.
        max_bytes: largest file that is opened.
        graphics: how pictures are drawn: `auto`, `kitty`, `sixel`, `blocks` or `none`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field("nano", min_length=1)
    device: str = Field("auto", min_length=1)
    dtype: str = Field("auto", min_length=1)
    budget: int | None = Field(None, ge=1)
    selector: str | None = Field(None, min_length=1)
    seed: int | None = Field(None, ge=0, lt=2**63)
    memory: str = Field("auto", min_length=1)
    experience: str = Field("off", min_length=1)
    tools: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    max_steps: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    max_seconds: float | None = Field(None, gt=0, allow_inf_nan=False)
    max_money: float | None = Field(None, gt=0, allow_inf_nan=False)
    prices: tuple[str, ...] = ()
    roots: tuple[Path, ...] = ()
    max_bytes: int = Field(4 << 30, ge=1)
    graphics: str = Field("auto", pattern="^(auto|kitty|sixel|blocks|none)$")


def home() -> Path:
    """The folder of sessions, media and logs: `OMNI_HOME`, or where the system keeps such data."""
    if chosen := os.environ.get("OMNI_HOME"):
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("omni"))


def config_path() -> Path:
    """The file of settings: `OMNI_CONFIG`, or `config.toml` in the home."""
    if chosen := os.environ.get("OMNI_CONFIG"):
        return Path(chosen).expanduser().absolute()
    return home() / "config.toml"


def settings(**given: Any) -> Settings:
    """The settings in force: what is given (and not `None`), then environment, file, defaults.

    Raises:
        UsageError: for an unknown name or a value that is refused, saying where it stands.
    """
    path = config_path()
    values: dict[str, Any] = {}
    _take(values, _read(path), str(path))
    for name in Settings.model_fields:
        variable = f"OMNI_{name.upper()}"
        if text := os.environ.get(variable):
            _take(values, {name: _split(name, text)}, variable)
    _take(values, {name: value for name, value in given.items() if value is not None}, "")
    return Settings(**values)


def _take(values: dict[str, Any], more: Mapping[str, Any], where: str) -> None:
    """Add values from one source, which a refusal names."""
    known = list(Settings.model_fields)
    for name in more:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(
                f"unknown setting {name!r}{_in(where)}: {hint}known are {', '.join(known)}"
            )
    try:
        Settings(**more)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        reason = first["msg"][0].lower() + first["msg"][1:]
        raise UsageError(f"{name} = {first['input']!r}{_in(where)} is refused: {reason}") from None
    values.update(more)


def _in(where: str) -> str:
    return f" in {where}" if where else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if os.environ.get("OMNI_CONFIG"):
            raise UsageError(f"OMNI_CONFIG names {path}, which does not exist") from None
        return {}
    except OSError as error:
        raise UsageError(f"cannot read the settings in {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _split(name: str, text: str) -> Any:
    """Lists are written in the environment as paths are there, and names with commas."""
    if name in ("tools", "makers", "prices"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return tuple(text.split(os.pathsep)) if name == "roots" else text
