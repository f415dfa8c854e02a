"""What is written is read as people see it, and in the order in which they read it."""

from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from omni.recognition import writing
from omni.recognition.writing import Line, in_order

needs_reader = pytest.mark.skipif(not writing.can_read(), reason="no rapidocr")


def sign(words, mode="RGB", size=(360, 100), ground: Any = "white"):
    image = Image.new(mode, size, ground)
    ImageDraw.Draw(image).text((20, 25), words, fill="black", font=ImageFont.load_default(40))
    return image


@needs_reader
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_words_are_where_they_were_drawn(mode):
    ground = (255, 255, 255, 0) if mode == "RGBA" else "white"  # transparent shows white
    (line,) = writing.read(sign("HARBOUR", mode, ground=ground))
    left, top, right, bottom = ImageDraw.Draw(sign("")).textbbox(
        (20, 25), "HARBOUR", font=ImageFont.load_default(40)
    )
    assert line.text == "HARBOUR" and line.score > 0.8
    drawn = (left / 360, top / 100, right / 360, bottom / 100)
    assert line.box == pytest.approx(drawn, abs=0.2)  # it leaves some room above and below
    assert line.box[0] <= drawn[0] and line.box[1] <= drawn[1]
    assert line.box[2] >= drawn[2] and line.box[3] >= drawn[3]


@needs_reader
def test_large_pictures_are_read_smaller_with_the_same_shares():
    whole = sign("HARBOUR").resize((3600, 1000))
    (line,) = writing.read(whole, largest=400)
    assert line.text == "HARBOUR" and 0 < line.box[0] < 0.15


@needs_reader
@pytest.mark.parametrize("size", [(1, 1), (400, 5), (64, 64)])
def test_nothing_is_read_where_there_are_no_letters(size):
    assert writing.read(Image.new("RGB", size, "white")) == []


def test_lines_of_a_row_are_read_from_the_left():
    def line(text, left, top):
        return Line(text, (left, top, left + 0.2, top + 0.1), 1.0)

    given = [line("d", 0.6, 0.52), line("a", 0.1, 0.1), line("c", 0.1, 0.5), line("b", 0.5, 0.08)]
    assert [one.text for one in in_order(given)] == ["a", "b", "c", "d"]


def test_without_a_reader_its_name_is_empty(monkeypatch):
    monkeypatch.setattr(writing, "available", lambda name: False)
    assert writing.reader() == "" and not writing.can_read()
