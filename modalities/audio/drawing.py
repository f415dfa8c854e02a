"""A picture of a sound: its waveform above, its spectrogram below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from omni.compression.overlay import spans

from .features import FLOOR, MAX_SECONDS, log_mel, resample
from .levels import outline

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

    from omni.values import Waveform

_INK, _PAPER, _GREY = (31, 90, 160), (255, 255, 255), (110, 110, 110)
_HEAT = ((8, 6, 30), (70, 20, 110), (170, 50, 110), (240, 120, 70), (252, 240, 170))
"""Colours from silence to the loudest spot, dark to light."""
_MARGIN = 18


def picture(waveform: Waveform, width: int) -> Image.Image:
    """The waveform above, the mel spectrogram of its first 30 seconds below, time under both."""
    from PIL import Image, ImageDraw

    height = max(80, width * 9 // 16)
    upper = (height - 2 * _MARGIN) // 2
    image = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(image)
    _draw_waveform(draw, waveform.samples, width, upper)
    _draw_times(draw, waveform.seconds, width, upper)
    bottom = upper + _MARGIN
    spectrum = _heat(waveform).resize((width, height - bottom - _MARGIN), Image.Resampling.BILINEAR)
    image.paste(spectrum, (0, bottom))
    _draw_times(draw, min(waveform.seconds, MAX_SECONDS), width, height - _MARGIN)
    draw.text((3, bottom + 1), "8 kHz (mel)", fill=_PAPER)
    return image


def kept(waveform: Waveform, count: int, places: Sequence[int], width: int) -> Image.Image:
    """The picture with those of `count` spans of what is heard dimmed that are not in `places`."""
    image = picture(waveform, width)
    upper = (image.height - 2 * _MARGIN) // 2
    heard = min(1.0, MAX_SECONDS / max(waveform.seconds, 1e-9))
    image = spans(image, (0, 0, width, upper), count, places, heard)
    lower = (0, upper + _MARGIN, width, image.height - _MARGIN)
    return spans(image, lower, count, places)


def _draw_waveform(draw: ImageDraw.ImageDraw, samples: np.ndarray, width: int, height: int) -> None:
    middle, reach = height / 2, height / 2 - 2
    low, high = outline(samples, width)
    draw.line((0, middle, width, middle), fill=(220, 220, 220))
    for x in range(width):
        top, bottom = middle - high[x] * reach, middle - low[x] * reach
        draw.line((x, top, x, max(bottom, top + 1)), fill=_INK)
    draw.text((3, 1), "+1", fill=_GREY)
    draw.text((3, height - 12), "-1", fill=_GREY)


def _draw_times(draw: ImageDraw.ImageDraw, seconds: float, width: int, top: int) -> None:
    """Five marks in seconds under a graph whose lower edge is `top`."""
    marks = 5 if width >= 240 else 2
    for number in range(marks):
        share = number / (marks - 1)
        x = share * (width - 1)
        draw.line((x, top, x, top + 3), fill=_GREY)
        anchor = "lt" if number == 0 else "rt" if number == marks - 1 else "mt"
        draw.text((x, top + 4), f"{share * seconds:.3g} s", fill=_GREY, anchor=anchor)


def _heat(waveform: Waveform) -> Image.Image:
    """The log-mel spectrogram as colours, low notes at the bottom."""
    import torch
    from PIL import Image

    heard = waveform.samples[: MAX_SECONDS * waveform.sample_rate]
    mel = log_mel(torch.from_numpy(resample(heard, waveform.sample_rate))).numpy()
    floor = float(np.log(FLOOR))
    share = (mel - floor) / max(1.0, float(mel.max()) - floor)
    stops = np.linspace(0, 1, len(_HEAT))
    colours = [np.interp(share, stops, [stop[band] for stop in _HEAT]) for band in range(3)]
    rgb = np.stack(colours, axis=-1).round().astype(np.uint8)  # [time, mels, 3]
    return Image.fromarray(np.ascontiguousarray(rgb.transpose(1, 0, 2)[::-1]))
