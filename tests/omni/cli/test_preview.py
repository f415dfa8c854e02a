"""Pictures in the terminal: the right way is chosen, the shape is kept, colours are the file's."""

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from omni.cli import preview
from omni.cli.screen import Screen
from omni.errors import UsageError
from omni.modality import modality, open_media

CELL = re.compile(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▀")


@pytest.fixture(autouse=True)
def forget():
    preview.graphics.cache_clear()
    yield
    preview.graphics.cache_clear()


def test_blocks_hold_the_pixels_of_a_resized_picture():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    lines = preview.draw(Image.fromarray(pixels), "blocks", 16, 6).splitlines()
    assert len(lines) == 6
    cells = [[tuple(map(int, cell)) for cell in CELL.findall(line)] for line in lines]
    drawn = np.array(cells).reshape(6, 16, 2, 3).transpose(0, 2, 1, 3).reshape(12, 16, 3)
    assert (drawn == pixels).all()


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (1000, 10), (10, 1000), (3, 7)])
@pytest.mark.parametrize("way", ["blocks", "shades"])
def test_any_shape_keeps_within_its_columns_and_rows(size, way):
    picture = Image.new("RGB", size, (200, 30, 30))
    text = preview.draw(picture, "blocks", 40, 12, colour=way == "blocks")
    lines = re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()
    assert 1 <= len(lines) <= 12
    assert max(map(len, lines)) <= 40


def test_shades_show_light_and_dark_without_an_escape():
    picture = Image.new("L", (20, 20), 0)
    ImageDraw.Draw(picture).rectangle((10, 0, 20, 20), fill=255)
    text = preview.draw(picture, "blocks", 20, 10, colour=False)
    assert "\x1b" not in text
    assert text.splitlines()[5] == " " * 10 + "█" * 10


@pytest.mark.parametrize("way", ["sixel", "kitty"])
def test_inline_graphics_come_from_the_library(way, monkeypatch):
    sent = io.StringIO()
    monkeypatch.setattr("sys.__stdout__", sent)
    text = preview.draw(Image.new("RGB", (40, 20), (200, 30, 30)), way, 20, 8)
    assert {"sixel": "\x1bP", "kitty": "\x1b_G"}[way] in text + sent.getvalue()


@pytest.mark.parametrize("way", ["kitty", "sixel", "blocks", "none"])
def test_the_way_can_be_forced(way):
    assert preview.graphics(way) == preview.Graphics(way, "asked for")


def test_an_unknown_way_lists_the_known_ones():
    with pytest.raises(UsageError, match="unknown graphics 'ascii': wanted auto, kitty, sixel"):
        preview.graphics("ascii")


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "dumb"}, "none"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"KITTY_WINDOW_ID": "1", "TERM": "xterm"}, "kitty"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "linux"}, "blocks"),
    ],
)
def test_known_terminals_are_not_asked(environment, way, monkeypatch, terminal):
    monkeypatch.delenv("KITTY_WINDOW_ID", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", terminal())
    assert preview.graphics().way == way


def test_a_pipe_gets_no_pictures(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert preview.graphics().way == "none"


def test_a_pipe_gets_one_line(red):
    out = io.StringIO()
    preview.show(open_media(red), Screen(out, out), handle="img-1", way="blocks")
    assert out.getvalue().startswith("img-1  red one.png: image, width 32, height 24")
    assert out.getvalue().count("\n") == 1 and "\x1b" not in out.getvalue()


@pytest.mark.parametrize("name", ["image", "audio", "video", "points", "series"])
def test_every_modality_is_shown_within_forty_columns(name, terminal, monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "24")
    plugin = modality(name)
    media = plugin.save(plugin.example(), name=f"a rather long file name of kind {name}")
    out = terminal()
    preview.show(media, Screen(out, out), handle=f"{plugin.prefix}-1", way="blocks")
    lines = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue()).splitlines()
    assert len(lines) >= 2
    assert max(map(len, lines)) <= 40


def test_none_leaves_only_the_caption(red, terminal):
    out = terminal()
    preview.show(open_media(red), Screen(out, out), way="none")
    assert out.getvalue().count("\n") == 1


def test_a_preview_that_fails_is_a_line(tmp_path):
    from omni.media import Media

    media = Media.from_bytes(b"x", modality="image", mime="image/png", name="bad.png")
    out, err = io.StringIO(), io.StringIO()
    preview.try_to_show(media, Screen(out, err))
    assert err.getvalue().startswith("omni: no preview of bad.png: ")
    assert err.getvalue().count("\n") == 1
