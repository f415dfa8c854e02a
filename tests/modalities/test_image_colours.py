"""Images become upright RGB of their true colours, against NumPy and colours by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.modalities.pictures import IMAGE, encoded, load, photo, png_of_raw


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
