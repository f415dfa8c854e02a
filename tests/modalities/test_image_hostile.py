"""Damaged and hostile images: refused in one line, from their headers, with little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omni.errors import MediaError
from omni.media import Media
from tests.modalities import pictures
from tests.modalities.pictures import (
    FORMATS,
    IMAGE,
    as_media,
    bmp_of_size,
    encoded,
    gif_of_size,
    load,
    photo,
    png_of_raw,
    webp_of_size,
)

ImageModality: Any = type(IMAGE)


@pytest.mark.parametrize(
    "data",
    [
        png_of_raw(100_000, 100_000, b""),
        png_of_raw(12_000, 12_000, b""),
        bmp_of_size(100_000, 100_000),
        gif_of_size(65_535, 65_535),
    ],
    ids=["png", "png-below-pillow's-limit", "bmp", "gif"],
)
def test_bomb_is_refused_from_its_header(data):
    with pytest.raises(MediaError, match=r"bomb.*(pixels|64,000,000)") as caught:
        load(data, "bomb")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_webp_bomb_is_refused():
    with pytest.raises(MediaError, match="bomb"):
        load(webp_of_size(16_383, 16_383), "bomb")


def test_bombs_cost_little_memory():
    """Measured in a process of its own: all bombs together stay far below a gigabyte."""
    here = Path(pictures.__file__)
    code = f"""
import importlib.util, resource
from omni.errors import MediaError
spec = importlib.util.spec_from_file_location("pictures", {str(here)!r})
pictures = importlib.util.module_from_spec(spec); spec.loader.exec_module(pictures)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in (pictures.png_of_raw(100_000, 100_000, b""), pictures.bmp_of_size(100_000, 100_000),
             pictures.gif_of_size(65_535, 65_535), pictures.webp_of_size(16_383, 16_383)):
    try:
        pictures.load(data, "bomb")
    except MediaError:
        continue
    raise SystemExit("not refused")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300


@pytest.mark.parametrize("format", FORMATS.values())
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
def test_truncated_file_is_one_clear_line(format, share):
    data = encoded(photo(200, 150), format)
    cut = data[: max(32, int(len(data) * share))]
    media = Media.from_bytes(cut, modality="image", mime=f"image/{format.lower()}", name="cut.img")
    with pytest.raises(MediaError, match=r"cut\.img is (a damaged|not a readable)") as caught:
        IMAGE.load(media)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("format", FORMATS.values())
def test_random_damage_loads_or_is_refused(format):
    """Whatever byte is broken, only a `MediaError` comes out."""
    data = encoded(photo(), format)
    chance = np.random.default_rng(7)
    for _ in range(60):
        broken = bytearray(data)
        for place in chance.integers(4, len(data), 3):
            broken[place] = chance.integers(256)
        media = Media.from_bytes(bytes(broken), modality="image", mime="image/png", name="broken")
        try:
            assert IMAGE.load(media).mode in ("RGB", "RGBA")
        except MediaError as error:
            assert "broken" in str(error)


def test_other_formats_of_pillow_stay_closed():
    """An EPS would start a program; only the listed formats are opened, whatever the type says."""
    data = encoded(photo(), "PPM")
    media = Media.from_bytes(data, modality="image", mime="image/png", name="a.png")
    with pytest.raises(MediaError, match="not a readable image"):
        IMAGE.load(media)


def test_limit_is_an_attribute_of_the_plug_in():
    small = ImageModality(max_pixels=100)
    with pytest.raises(MediaError, match=r"x is 60×40 pixels; the limit is 100 pixels"):
        small.load(as_media(encoded(photo(), "PNG"), "x"))
