"""Cutting, changing and joining pictures: measured on their pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from omni.errors import Retry
from omni.extras import available
from omni.plugins import load


def picture_in(blocks) -> Image.Image:
    (block,) = [block for block in blocks if block["type"] == "image"]
    return Image.open(io.BytesIO(base64.b64decode(block["base64"])))


def test_a_part_is_the_pixels_that_were_asked_for(bench):
    crop = load("tools", "crop_image")(bench=bench)
    found = crop.work("img-1", 10, 10, 30, 30)
    assert "Pixels 10…30 across and 10…30 down of img-1, which has 80×60" in found[0]["text"]
    assert (np.asarray(picture_in(found).convert("RGB")) == (220, 20, 20)).all()
    shares = crop.work("img-1", 0.125, 1 / 6, 0.375, 0.5)
    assert picture_in(shares).tobytes() == picture_in(found).tobytes()
    assert picture_in(crop.work("img-1", 10, 10, 30, 30, zoom=3)).size == (60, 60)
    assert picture_in(crop.work("img-1", -5, -5, 500, 500)).size == (80, 60)


@pytest.mark.parametrize("box", [(30, 10, 10, 30), (90, 0, 95, 10), (5, 5, 5, 9)])
def test_an_empty_part_is_refused(bench, box):
    with pytest.raises(Retry, match="holds nothing of a picture of 80×60 pixels"):
        load("tools", "crop_image")(bench=bench).work("img-1", *box)


def test_a_zoom_that_would_not_fit_is_refused(bench, shelf, put):
    large = put(shelf, "image", Image.new("RGB", (2000, 100)), "wide.png")
    with pytest.raises(Retry, match="too large"):
        load("tools", "crop_image")(bench=bench).work(large, 0, 0, 1, 1, zoom=8)


def changed(bench, name, **how) -> np.ndarray:
    tool = load("tools", "edit_image")(bench=bench)
    return np.asarray(picture_in(tool.work(name, **how)).convert("RGB"), dtype=float)


def test_changes_do_what_they_say(bench, shelf, put):
    pixels = np.random.default_rng(0).integers(0, 200, (12, 20, 3)).astype(np.uint8)
    name = put(shelf, "image", Image.fromarray(pixels), "noise.png")
    light = changed(bench, name, change="brighten", amount=1.25)
    assert np.abs(light - pixels * 1.25).max() <= 1
    assert np.abs(changed(bench, name, change="darken", amount=0.5) - pixels * 0.5).max() <= 1
    dark = changed(bench, name, change="darken", amount=2)  # twice as dark
    assert np.abs(dark - pixels * 0.5).max() <= 1
    assert np.array_equal(changed(bench, name, change="invert"), 255 - pixels)
    assert np.array_equal(changed(bench, name, change="mirror"), pixels[:, ::-1])
    assert np.array_equal(changed(bench, name, change="flip"), pixels[::-1])
    assert np.array_equal(changed(bench, name, change="rotate_left"), np.rot90(pixels))
    assert np.array_equal(changed(bench, name, change="turn_around"), pixels[::-1, ::-1])
    grey = changed(bench, name, change="grey")
    assert (np.ptp(grey, axis=2) == 0).all()
    assert changed(bench, name, change="resize", amount=3).shape == (36, 60, 3)
    assert changed(bench, name, change="blur", amount=5).std() < pixels.std() / 2
    assert changed(bench, name, change="sharpen").std() > pixels.std()
    assert changed(bench, name, change="contrast").std() > pixels.std()
    assert changed(bench, name, change="saturate").std(2).mean() > pixels.std(2).mean()
    with pytest.raises(Retry, match="at most 4096 a side"):
        load("tools", "edit_image")(bench=bench).work("img-1", "resize", 60)


def test_what_is_see_through_stays_so(bench, shelf, put):
    glass = Image.new("RGBA", (6, 6), (200, 10, 10, 0))
    name = put(shelf, "image", glass, "glass.png")
    for change in ("darken", "grey", "invert", "blur", "mirror"):
        found = picture_in(load("tools", "edit_image")(bench=bench).work(name, change))
        assert (np.asarray(found.convert("RGBA"))[..., 3] == 0).all(), change


def test_joined_pictures_share_a_side(bench, shelf, put):
    small = put(shelf, "image", Image.new("RGB", (10, 30), (0, 0, 250)), "tall.png")
    join = load("tools", "join_images")(bench=bench)
    row = np.asarray(picture_in(join.work(["img-1", small])).convert("RGB"))
    assert row.shape == (60, 80 + 8 + 20, 3)
    assert (row[:, 88:] == (0, 0, 250)).all()
    assert (row[:, 80:88] == 255).all()
    assert picture_in(join.work(["img-1", small], "column")).size == (80, 60 + 8 + 240)
    with pytest.raises(Retry, match="resize them first"):
        join.work(["img-1"] * 16 + [put(shelf, "image", Image.new("RGB", (9000, 60)), "w.png")])


@pytest.mark.skipif(not available("rapidocr"), reason="rapidocr is not installed")
def test_writing_is_read_with_the_boxes_where_it_stands(bench, shelf, put):
    page = Image.new("RGB", (520, 220), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(36)
    places = {"Invoice 4711": (20, 20), "Total 12.50": (200, 140)}
    boxes = {}
    for text, place in places.items():
        draw.text(place, text, font=font, fill="black")
        boxes[text] = draw.textbbox(place, text, font=font)
    name = put(shelf, "image", page, "page.png")
    read = load("tools", "read_text")(bench=bench)
    assert read.work(name) == f"Written in {name}:\nInvoice 4711\nTotal 12.50"
    for line in read.work(name, boxes=True).splitlines()[1:]:
        box, text = line[1:].split("] ")
        assert overlap([float(edge) for edge in box.split(",")], boxes[text]) > 0.5
    blank = put(shelf, "image", Image.new("RGB", (200, 80), (240, 240, 250)), "blank.png")
    assert f"No writing was found in {blank} (by rapidocr)" in read.work(blank)


def overlap(one, other) -> float:
    """Intersection over union."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    both = max(0, right - left) * max(0, bottom - top)
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(area) - both)
