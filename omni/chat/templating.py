"""From LangChain messages to the inputs of any vision model of transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage, ToolMessage

from omni.chat.presenting import Presenter
from omni.errors import UsageError
from omni.modality import modality
from omni.values import Clip
from omni.wire import block_media, is_media

_AUDIO_RATE = 16_000


def model_inputs(loaded: Any, messages: Sequence[BaseMessage], tools: Sequence[Any] | None) -> Any:
    """Model inputs of a conversation, through the processor's own chat template."""
    presenter = Presenter(loaded.inputs, convert=False)
    values: dict[str, list[Any]] = {"image": [], "audio": [], "video": [], "metadata": []}
    dialogue = [_message(message, presenter, values) for message in messages]
    processor = loaded.processor
    template = getattr(processor, "chat_template", None) or getattr(
        processor.tokenizer, "chat_template", None
    )
    if not template:
        raise UsageError("this model has no chat template: it was not made to be talked with")
    more = {"tools": list(tools)} if tools else {}
    text = processor.apply_chat_template(
        dialogue, add_generation_prompt=True, tokenize=False, **more
    )
    given = {
        key: found
        for key, found in (
            ("images", values["image"]),
            ("audio", values["audio"]),
            ("videos", values["video"]),
        )
        if found
    }
    if values["video"] and getattr(processor, "video_processor", None) is not None:
        given["video_metadata"] = values["metadata"]
    encoded = processor(text=[text], return_tensors="pt", add_special_tokens=False, **given)
    dtype = loaded.model.dtype
    return {
        key: _placed(value, loaded.model.device, dtype)
        for key, value in encoded.items()
        if hasattr(value, "to")
    }


def _placed(value: Any, device: Any, dtype: Any) -> Any:
    return value.to(device, dtype) if value.is_floating_point() else value.to(device)


def _message(
    message: BaseMessage, presenter: Presenter, values: dict[str, list[Any]]
) -> dict[str, Any]:
    blocks = message.content if isinstance(message.content, list) else [message.content]
    content: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, str) or block.get("type") == "text":
            text = block if isinstance(block, str) else block.get("text", "")
            content += [{"type": "text", "text": text}] if text else []
        elif is_media(block):
            content += _shown(block, presenter, values)
    written: dict[str, Any] = {"role": _role(message), "content": content}
    if isinstance(message, AIMessage) and message.tool_calls:
        written["tool_calls"] = [
            {"type": "function", "function": {"name": call["name"], "arguments": call["args"]}}
            for call in message.tool_calls
        ]
    return written


def _shown(
    block: Mapping[str, Any], presenter: Presenter, values: dict[str, list[Any]]
) -> Iterator[dict[str, Any]]:
    """Blocks that the chat template knows, whose values are collected beside it."""
    for shown in presenter.blocks(block_media(block)):
        if not is_media(shown):
            yield shown
            continue
        media = block_media(shown)
        value = modality(media.modality).load(media)
        if media.modality == "image":
            values["image"].append(value.convert("RGB"))
        elif media.modality == "audio":
            values["audio"].append(_mono(value))
        else:
            values["video"].append(value.frames)
            values["metadata"].append(video_metadata(value))
        yield {"type": media.modality}


def video_metadata(clip: Clip) -> dict[str, Any]:
    """When the frames of a film were shown, as processors are told it.

    They count in frames of even distance: the rate is that of the frames at hand, not of the file.
    Without it, Qwen3-VL takes them for 24 a second, and thins them out and dates them by that.
    """
    count, height, width = clip.frames.shape[:3]
    seconds = float(clip.times[-1] - clip.times[0]) if count > 1 else 0.0
    rate = (count - 1) / seconds if seconds > 0 else 1.0
    return {
        "total_num_frames": count,
        "fps": rate,
        "duration": count / rate,
        "frames_indices": list(range(count)),
        "height": height,
        "width": width,
    }


def _mono(waveform: Any) -> Any:
    """Samples at the rate that nearly every speech processor expects."""
    import soxr

    mono = waveform.samples.mean(axis=1)
    return soxr.resample(mono, waveform.sample_rate, _AUDIO_RATE)


def _role(message: BaseMessage) -> str:
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, ToolMessage):
        return "tool"
    return "system" if isinstance(message, SystemMessage) else "user"


def media_tokens(config: Any, ids: Any) -> dict[str, int]:
    """How many tokens of a prompt are placeholders of each modality."""
    counts: dict[str, int] = {}
    for name in ("image", "audio", "video"):
        for attribute in (f"{name}_token_id", f"{name}_token_index"):
            token = getattr(config, attribute, None)
            if isinstance(token, int) and (count := int((ids == token).sum())):
                counts[name] = count
                break
    return counts
