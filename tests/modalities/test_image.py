"""Images in and out, against Pillow, NumPy and colours computed by hand."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from omni.errors import MediaError
from omni.media import Media
from omni.modality import modality, sniff
from omni.pixels import fitted, flatten, letterbox

IMAGE = modality("image")
ImageModality: Any = type(IMAGE)
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/tiff": "TIFF",
}


def as_media(data: bytes, name: str = "test") -> Media:
    mime = IMAGE.sniff(data[:4096], name)
    assert mime is not None, data[:16]
    return Media.from_bytes(data, modality="image", mime=mime, name=name)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def load(data: bytes, name: str = "test") -> Image.Image:
    return IMAGE.load(as_media(data, name))


def photo(width: int = 60, height: int = 40) -> Image.Image:
    """A smooth picture in which every corner differs."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / max(1, width - 1), 255 * y / max(1, height - 1)
    return Image.fromarray(np.stack([red, green, 255 - red], -1).astype(np.uint8))


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


# --- colours


def test_sixteen_bit_grey_is_scaled_to_eight_bits_not_clipped():
    ramp = np.linspace(0, 65535, 512).astype(np.uint16).reshape(16, 32)
    for format in ("PNG", "TIFF"):
        loaded = np.asarray(load(encoded(Image.fromarray(ramp), format)), float)
        assert np.abs(loaded - ramp[..., None] / 257).max() <= 0.5


def test_sixteen_bit_colour_keeps_its_high_byte():
    rows = np.linspace(0, 65535, 48).astype(">u2").reshape(4, 4, 3)
    loaded = np.asarray(load(png_of_raw(4, 4, rows.tobytes(), depth=16, colour=2)), float)
    assert np.abs(loaded - rows.astype(float) / 257).max() <= 1


def test_fractions_within_one_are_taken_as_they_are_and_others_stretched():
    quarter = np.full((4, 4), 0.25, np.float32)
    assert np.asarray(load(encoded(Image.fromarray(quarter), "TIFF")))[0, 0, 0] == 64
    wide = np.array([[-100.0, 0.0], [100.0, np.nan]], np.float32)
    loaded = np.asarray(load(encoded(Image.fromarray(wide), "TIFF")))[..., 0]
    assert loaded.tolist() == [[0, 128], [255, 0]]


@pytest.mark.parametrize(
    "inks, colour",
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_becomes_the_colour_of_its_inks(inks, colour, format):
    loaded = load(encoded(Image.new("CMYK", (16, 16), inks), format))
    assert loaded.mode == "RGB"
    assert np.abs(np.asarray(loaded)[8, 8].astype(int) - colour).max() <= 2


def test_grey_bilevel_and_palette_become_rgb():
    grey = load(encoded(Image.new("L", (4, 4), 77), "PNG"))
    assert (grey.mode, grey.getpixel((0, 0))) == ("RGB", (77, 77, 77))
    bilevel = load(encoded(Image.new("1", (4, 4), 1), "PNG"))
    assert (bilevel.mode, bilevel.getpixel((0, 0))) == ("RGB", (255, 255, 255))
    palette = load(encoded(Image.new("RGB", (4, 4), "teal").quantize(4), "PNG"))
    assert (palette.mode, palette.getpixel((0, 0))) == ("RGB", (0, 128, 128))


def test_transparent_palette_grey_and_rgb_key_become_rgba():
    indexed = Image.new("P", (2, 1))
    indexed.putpalette([255, 0, 0, 0, 0, 255])
    indexed.putdata([0, 1])
    loaded = load(encoded(indexed, "PNG", transparency=1))
    assert loaded.mode == "RGBA"
    assert [loaded.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0, 255), (0, 0, 255, 0)]
    grey = load(encoded(Image.new("LA", (1, 1), (9, 100)), "PNG"))
    assert grey.getpixel((0, 0)) == (9, 9, 9, 100)
    key = load(encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG", transparency=(1, 2, 3)))
    assert key.getpixel((0, 0)) == (1, 2, 3, 0)


def test_alpha_shows_white_beneath():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert IMAGE.features(clear)["pixels"].min() == 1
    assert flatten(half).getpixel((0, 0)) == (127, 127, 127)
    assert IMAGE.picture(clear, width=8).getpixel((0, 0)) == (255, 255, 255)
    saved = IMAGE.save(clear, name="clear.jpg", mime="image/jpeg")
    assert min(IMAGE.load(saved).getpixel((3, 3))) >= 254
    assert IMAGE.facts(clear)["transparency"] is True
    assert IMAGE.facts(clear.convert("RGB"))["transparency"] is False


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(orientation, format):
    """The stored pixels are made by NumPy from the upright ones, as the EXIF standard tells."""
    upright = np.asarray(photo(64, 32))
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), format, exif=exif)
    loaded = load(data)
    assert loaded.size == (64, 32)
    assert np.abs(np.asarray(loaded, int) - upright).mean() < 6
    again = IMAGE.load(IMAGE.save(loaded, name="again"))
    assert again.size == (64, 32)  # saving does not keep the tag and turn it twice


def test_sixteen_bit_orientation_is_applied_too():
    ramp = np.linspace(0, 65535, 32).astype(np.uint16).reshape(4, 8)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert load(encoded(Image.fromarray(ramp), "PNG", exif=exif)).size == (4, 8)


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


# --- pictures, features, tokens


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (3000, 10), (10, 3000), (2, 70_000)])
def test_picture_has_the_asked_width_and_a_bounded_height(size):
    picture = IMAGE.picture(Image.new("RGB", size, "blue"), width=200)
    assert picture.mode == "RGB"
    assert picture.width == 200
    assert 1 <= picture.height <= 800


def test_features_are_the_frozen_ones():
    features = IMAGE.features(photo())
    assert list(features) == ["pixels"]
    assert tuple(features["pixels"].shape) == (3, 96, 96)
    assert str(features["pixels"].dtype) == "torch.float32"
    assert IMAGE.estimate_tokens(photo()) == 144


def test_letterbox_agrees_with_pillow_and_a_grey_frame():
    image = photo(96, 48)
    square = letterbox(image, 96)
    inner = np.asarray(image, np.float32).transpose(2, 0, 1) / 255
    assert np.array_equal(square[:, 24:72], inner)
    assert (square[:, :24] == 0.5).all() and (square[:, 72:] == 0.5).all()
    half = letterbox(photo(192, 96), 96)[:, 24:72]
    reference = photo(192, 96).resize((96, 48), Image.Resampling.LANCZOS)
    assert np.array_equal(half, np.asarray(reference, np.float32).transpose(2, 0, 1) / 255)


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    size=st.integers(1, 256),
)
def test_fitted_fills_one_side_keeps_the_aspect_and_is_centred(width, height, size):
    left, top, wide, high = fitted(width, height, size)
    assert max(wide, high) == size and min(wide, high) >= 1
    assert abs(wide / size - width / max(width, height)) <= 1 / size
    assert abs(high / size - height / max(width, height)) <= 1 / size
    assert left == (size - wide) // 2 and top == (size - high) // 2


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 300), height=st.integers(1, 300), colour=st.integers(0, 255))
def test_letterbox_of_one_colour_has_that_colour_and_grey(width, height, colour):
    square = letterbox(Image.new("L", (width, height), colour), 96)
    left, top, wide, high = fitted(width, height, 96)
    assert square.shape == (3, 96, 96)
    inside = square[:, top : top + high, left : left + wide]
    assert np.allclose(inside, colour / 255, atol=1e-6)
    assert np.isclose(square.sum(), 0.5 * 3 * (96 * 96 - wide * high) + inside.sum(), rtol=1e-4)


def test_example_is_the_same_for_the_same_seed():
    assert IMAGE.example(3).tobytes() == IMAGE.example(3).tobytes()
    assert IMAGE.example(3).tobytes() != IMAGE.example(4).tobytes()


# --- hostile files


def png_of_raw(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG written by hand, so that its header can say anything."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    length = len(rows) // height if rows else 0
    filtered = b"".join(
        b"\0" + rows[i * length : (i + 1) * length] for i in range(height if rows else 0)
    )
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(filtered))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def bmp_of_size(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header + b"\0" * 64


def gif_of_size(width: int, height: int) -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0" * 6
    block = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + block + b";"


def webp_of_size(width: int, height: int) -> bytes:
    exif = Image.Exif()
    exif[0x0110] = "camera"
    data = bytearray(encoded(photo().convert("RGBA"), "WEBP", exif=exif))
    assert data[12:16] == b"VP8X"
    data[24:27], data[27:30] = (side.to_bytes(3, "little") for side in (width - 1, height - 1))
    return bytes(data)


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
    here = Path(__file__)
    code = f"""
import importlib.util, resource
spec = importlib.util.spec_from_file_location("bombs", {str(here)!r})
tests = importlib.util.module_from_spec(spec); spec.loader.exec_module(tests)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in (tests.png_of_raw(100_000, 100_000, b""), tests.bmp_of_size(100_000, 100_000),
             tests.gif_of_size(65_535, 65_535), tests.webp_of_size(16_383, 16_383)):
    try:
        tests.load(data, "bomb")
    except tests.MediaError:
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


def test_sniffing_imports_neither_pillow_nor_torch():
    code = (
        "import sys\nfrom omni.modality import modality\n"
        "assert modality('image').sniff(b'\\x89PNG\\r\\n\\x1a\\n', 'x') == 'image/png'\n"
        "sys.exit(any(m in sys.modules for m in ('PIL', 'torch', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
