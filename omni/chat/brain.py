"""A brain by name: one word for any chat model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from omni.errors import MissingExtra, UsageError

FORMS = (
    "nano (the embedded model), provider:name (such as openai:gpt-4o), "
    "a folder with a saved model, or a hub id (such as Qwen/Qwen2.5-VL-3B-Instruct)"
)
_PROVIDER = re.compile(r"([a-z][a-z0-9_]+):([^\\/].*)")
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def brain(
    model: str, *, device: str = "auto", dtype: str = "auto", **settings: Any
) -> BaseChatModel:
    """The chat model of that name; its weights are loaded when it is first used.

    Args:
        model: one of `FORMS`.
        device: where our own models run.
        dtype: number format of our own models.
        settings: further arguments of the chat model, such as `temperature`.

    Raises:
        UsageError: if the name has none of the forms, or the provider is not known.
        MissingExtra: if the provider's package is not installed.
    """
    own = {"device": device, "dtype": dtype, **settings}
    if model == "nano":
        return _omni(model, own)
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        kind = _model_type(folder)
        return _omni(str(folder), own) if kind == "omni" else _transformers(str(folder), own)
    if match := _PROVIDER.fullmatch(model):
        return _provider(match[1], match[2], settings)
    if _HUB_ID.fullmatch(model):
        return _transformers(model, own)
    raise UsageError(f"unknown model {model!r}: give {FORMS}")


def _omni(model: str, settings: dict[str, Any]) -> BaseChatModel:
    from omni.chat.omni import ChatOmni

    return ChatOmni(model=model, **settings)


def _transformers(model: str, settings: dict[str, Any]) -> BaseChatModel:
    from omni.chat.transformers import ChatTransformers

    return ChatTransformers(model=model, **settings)


def _provider(provider: str, name: str, settings: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        return init_chat_model(name, model_provider=provider, **settings)
    except ImportError as error:
        package = f"langchain-{provider.replace('_', '-')}"
        raise MissingExtra(
            f"the brain {provider}:{name} needs another package: run  pip install {package}"
            f"  ({str(error).splitlines()[0]})"
        ) from None
    except ValueError as error:
        text = " ".join(str(error).split())
        raise UsageError(f"cannot use {provider}:{name} as a brain: {text}") from None
    except Exception as error:  # providers raise errors of their own for a missing key
        text = " ".join(str(error).split())
        raise UsageError(f"cannot use {provider}:{name} as a brain: {text}") from None


def _model_type(folder: Path) -> str:
    """What kind of model was saved in a folder.

    Raises:
        UsageError: if none was.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        return str(config["model_type"])
    except FileNotFoundError:
        raise UsageError(f"{folder} holds no saved model (no config.json): give {FORMS}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder / 'config.json'} names no model_type: {error!r}") from None
