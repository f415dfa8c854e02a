"""What Qwen3-VL tells its model of a film's times, by the real processor's own code.

Its video processor needs torchvision, which is not here: the steps before the pixels (metadata,
choice of frames) and the one that writes the prompt are called one by one.
"""

import re
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from langchain_core.messages import HumanMessage
from transformers import Qwen3VLProcessor
from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
from transformers.video_utils import VideoMetadata, make_batched_metadata

from omni.chat.templating import model_inputs, video_metadata
from omni.modality import modality
from omni.values import Clip
from omni.wire import media_block

_TIME = re.compile(r"<([\d.]+) seconds>")


def clip(frames: int, rate: float) -> Clip:
    """A film, each frame of which is of the grey of its number."""
    numbers = np.arange(frames, dtype=np.uint8)
    pixels = np.broadcast_to(numbers[:, None, None, None], (frames, 32, 48, 3)).copy()
    return Clip(pixels, np.arange(frames) / rate, frames / rate, rate)


class Written:
    """The processor as far as films go: which frames it takes, and what it writes of them."""

    chat_template = "none"
    tokenizer = None
    video_processor = SimpleNamespace(
        merge_size=2, temporal_patch_size=2, fps=2, min_frames=4, max_frames=768
    )

    def apply_chat_template(self, dialogue, **settings):
        return "<video>"

    def __call__(self, text, videos, video_metadata=None, **settings):
        metadata = make_batched_metadata(videos, cast(Any, video_metadata))
        chosen = Qwen3VLVideoProcessor.sample_frames(cast(Any, self.video_processor), metadata[0])
        metadata[0].frames_indices = cast(Any, chosen)
        self.shown = [int(frame[0, 0, 0]) for frame in videos[0][chosen]]
        grid = np.array([[(len(chosen) + 1) // 2, 2, 2]])
        self.prompt = written(metadata[0], grid)
        return {"input_ids": torch.zeros(1, 1, dtype=torch.long)}


def written(metadata: VideoMetadata, grid: Any) -> str:
    processor = object.__new__(Qwen3VLProcessor)
    for name, value in {
        "video_token": "<video>",
        "vision_start_token": "",
        "vision_end_token": "",
        "video_processor": Written.video_processor,
    }.items():
        setattr(processor, name, value)
    return processor.replace_video_token({"video_grid_thw": grid, "video_metadata": [metadata]}, 0)


@pytest.mark.parametrize(("frames", "rate"), [(32, 8.0), (32, 1.0), (9, 2.0), (3, 0.5), (32, 0.05)])
def test_the_times_in_the_prompt_are_those_of_the_film(monkeypatch, frames, rate):
    film = clip(frames, rate)
    monkeypatch.setattr(type(modality("video")), "load", lambda self, media, **_: film)
    processor = Written()
    loaded: Any = SimpleNamespace(
        inputs=frozenset({"video"}),
        processor=processor,
        model=SimpleNamespace(dtype=torch.float32, device="cpu"),
    )
    data = modality("video").save(modality("video").example(), name="film.mp4")
    model_inputs(loaded, [HumanMessage([media_block(data)])], None)
    shown = film.times[processor.shown]
    if len(shown) % 2:
        shown = np.append(shown, shown[-1])
    true = (shown[::2] + shown[1::2]) / 2  # a patch is of two frames, and has the mean of its times
    told = [float(one) for one in _TIME.findall(processor.prompt)]
    np.testing.assert_allclose(told, true, atol=0.051)  # it writes tenths
    wanted = min(max(int(frames / rate * 2), 4), frames)  # two a second, as the model was trained
    assert len(processor.shown) == wanted


def test_without_it_four_seconds_are_told_as_one():
    """What there was before: the reason why times are handed over."""
    metadata = make_batched_metadata(cast(Any, [clip(32, 8.0).frames]), cast(Any, None))
    told = written(metadata[0], np.array([[16, 2, 2]]))
    assert max(float(one) for one in _TIME.findall(told)) == pytest.approx(1.3)


def test_films_of_one_frame_and_of_frames_at_one_time():
    assert video_metadata(clip(1, 8.0))["fps"] == 1.0
    still = clip(2, 8.0)
    assert video_metadata(Clip(still.frames, np.zeros(2), 0.0, 0.0))["fps"] == 1.0
    assert set(video_metadata(still)) <= set(VideoMetadata.__dataclass_fields__)
