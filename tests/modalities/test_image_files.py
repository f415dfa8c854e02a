"""Image files: told by content, the first frame read, what is saved loaded again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from omni.errors import MediaError
from omni.media import Media
from omni.modality import sniff
from omni.pixels import flatten
from tests.modalities.pictures import FORMATS, IMAGE, encoded, load, photo


def gif_of(count: int, *, size: int = 16, **options) -> bytes:
    frames = []
    for index in range(count):
        frame = Image.new("RGB", (size, size), "white")
        ImageDraw.Draw(frame).rectangle((index, index, index + 4, index + 4), fill="red")
        frames.append(frame)
    return encoded(frames[0], "GIF", save_all=count > 1, append_images=frames[1:], **options)


# --- sniffing


@pytest.mark.parametrize("mime, format", FORMATS.items())
def test_every_format_is_sniffed_and_loaded_whatever_it_is_called(mime, format):
    data = encoded(photo(), format)
    assert sniff(data[:4096], "holiday.csv") == ("image", mime)
    loaded = load(data, "holiday.csv")
    assert loaded.mode == "RGB"
    assert loaded.size == (60, 40)
    difference = np.abs(np.asarray(loaded, int) - np.asarray(photo(), int))
    assert difference.mean() < (0.5 if format in ("PNG", "BMP", "TIFF") else 12)


def test_single_frame_gif_is_an_image_and_an_animated_one_a_video():
    assert sniff(gif_of(1)[:4096], "a.gif") == ("image", "image/gif")
    assert sniff(gif_of(5, duration=100)[:4096], "a.gif") == ("video", "image/gif")
    assert sniff(gif_of(5, loop=0)[:4096], "a.gif") == ("video", "image/gif")


def test_animation_is_told_from_a_head_that_ends_in_the_first_frame():
    noise = [
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (200, 200), np.uint8))
        for seed in range(3)
    ]
    moving = encoded(noise[0], "GIF", save_all=True, append_images=noise[1:], duration=80, loop=0)
    still = encoded(noise[0], "GIF")
    assert len(still) > 4096
    assert sniff(moving[:4096], "a.gif")[0] == "video"
    assert sniff(still[:4096], "a.gif")[0] == "image"


@pytest.mark.parametrize(
    "head", [b"", b"\x89PNG", b"BMW is a car, BM is not", b"RIFF\0\0\0\0WAVE", b"GIF", b"II*"]
)
def test_what_only_begins_alike_is_not_claimed(head):
    assert IMAGE.sniff(head, "a.png") is None


def test_sniffing_imports_neither_pillow_nor_torch():
    code = (
        "import sys\nfrom omni.modality import modality\n"
        "assert modality('image').sniff(b'\\x89PNG\\r\\n\\x1a\\n', 'x') == 'image/png'\n"
        "sys.exit(any(m in sys.modules for m in ('PIL', 'torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- several frames


@pytest.mark.parametrize("format", ["TIFF", "WEBP", "PNG", "GIF"])
def test_first_frame_is_taken_and_the_number_of_frames_told(format):
    colours = ["red", "green", "blue"]
    frames = [Image.new("RGB", (8, 8), colour) for colour in colours]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    media = Media.from_bytes(data, modality="image", mime=f"image/{format.lower()}", name="many")
    loaded = IMAGE.load(media)
    assert flatten(loaded).getpixel((4, 4)) == (255, 0, 0)
    assert IMAGE.facts(loaded)["frames"] == 3
    assert "frames" not in IMAGE.facts(load(encoded(frames[0], format, **options)))


# --- writing


@pytest.mark.parametrize("mime", FORMATS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_is_saved_loads_again(mime, mode):
    image = photo().convert(mode)
    media = IMAGE.save(image, name="picture", mime=mime)
    assert (media.mime, media.modality, media.name) == (mime, "image", "picture")
    assert IMAGE.sniff(media.read()[:4096], "x") == mime
    loaded = IMAGE.load(media)
    assert loaded.size == image.size
    lossless = mime not in ("image/jpeg", "image/gif")
    difference = np.abs(np.asarray(flatten(loaded), int) - np.asarray(photo(), int))
    assert difference.max() == 0 if lossless else difference.mean() < 12


def test_png_is_the_default_and_other_modes_are_saved_too():
    media = IMAGE.save(Image.new("CMYK", (3, 3)), name="x")
    assert media.mime == "image/png"
    assert IMAGE.load(media).getpixel((0, 0)) == (255, 255, 255)


def test_unknown_type_to_write_is_refused_with_the_known_ones():
    with pytest.raises(MediaError, match=r"cannot write x as 'image/svg\+xml'.*image/png"):
        IMAGE.save(photo(), name="x", mime="image/svg+xml")


# --- files that nobody here made


def real_files() -> list[Path]:
    found = []
    for package in ("skimage/data", "sklearn/datasets/images", "matplotlib/mpl-data"):
        for root in sys.path:
            folder = Path(root) / package
            if folder.is_dir():
                found += [
                    path
                    for path in sorted(folder.rglob("*"))
                    if path.suffix.lower() in IMAGE.suffixes and path.stat().st_size < 3 << 20
                ]
    return found


@pytest.mark.parametrize("path", real_files() or [None], ids=lambda p: p.name if p else "none")
def test_real_files_load_with_the_size_that_pillow_sees(path):
    if path is None:
        pytest.skip("no package with bundled images is installed")
    head = path.read_bytes()[:4096]
    if IMAGE.sniff(head, path.name) is None:
        assert sniff(head, path.name)[0] == "video"
        return
    try:
        reference = Image.open(path)
    except Image.UnidentifiedImageError:  # such as colours of 64 bits
        with pytest.raises(MediaError, match="not a readable image"):
            load(path.read_bytes(), path.name)
        return
    with reference:
        loaded = load(path.read_bytes(), path.name)
        assert loaded.size == reference.size
        if reference.mode in ("RGB", "L"):
            assert np.array_equal(np.asarray(loaded), np.asarray(reference.convert("RGB")))
