"""A selection written down, replayed and drawn."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from omni import plugins
from omni.compression.budget import Grid
from omni.compression.overlay import draw
from omni.compression.record import SelectionRecord, record
from omni.compression.selector import Tokens
from omni.errors import UsageError


def colour(picture, x, y):
    return tuple(np.asarray(picture)[y, x].tolist())


def tokens_of(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Tokens(torch.randn(34, 6, generator=generator), [24, 10], [Grid(6, 2, 2), Grid(10)])


@pytest.mark.parametrize("name", ["farthest", "holitom", "evs"])
def test_a_record_in_json_takes_the_same_rows(name):
    tokens = tokens_of()
    chosen = plugins.load("compression", name)()(tokens, [9, 4], None)
    written = record(chosen, name, {"still": 0.8}, 1.5, ["img-1", "snd-1"])
    line = written.to_json()
    assert "\n" not in line and isinstance(json.loads(line), dict)
    read = SelectionRecord.from_json(line)
    assert read == written and read.method == name and read.milliseconds == 1.5
    again = read.replay()
    for field in ("places", "rows", "scores", "dropped"):
        assert torch.equal(getattr(again, field), getattr(chosen, field)), field
    assert (again.kept, again.lengths) == (chosen.kept, chosen.lengths)
    assert torch.equal(read.take(tokens.x), chosen.take(tokens.x))
    half = tokens.x.bfloat16()
    assert torch.equal(read.take(half), chosen.take(half))
    with pytest.raises(UsageError, match="of 34 tokens, not of 33"):
        read.take(tokens.x[1:])


def test_a_record_says_what_json_cannot():
    chosen = plugins.load("compression", "evs")()(tokens_of(), [9, 4], None)
    chosen.scores[3] = torch.nan
    written = record(chosen, "evs")
    assert written.items[0].scores[3] is None and written.items[1].handle == "item-2"
    again = SelectionRecord.from_json(written.to_json()).replay()
    assert again.scores[3].isnan() and torch.equal(again.scores[4:], chosen.scores[4:])
    with pytest.raises(UsageError, match="parameters of 'evs' cannot be written as JSON"):
        record(chosen, "evs", {"device": torch.device("cpu")})
    with pytest.raises(UsageError, match="1 handles for 2 items"):
        record(chosen, "evs", handles=["a"])


def test_what_is_no_record_is_refused():
    chosen = plugins.load("compression", "evs")()(tokens_of(), [9, 4], None)
    good = json.loads(record(chosen, "evs").to_json())
    bad = ["", "[]", "{}", "null", json.dumps({**good, "items": [1]})]
    for places in ([3, 2], [1, 1], [99], [-1]):
        item = {**good["items"][0], "places": places}
        bad.append(json.dumps({**good, "items": [item]}))
    bad.append(json.dumps({**good, "items": [{**good["items"][0], "scores": [1.0]}]}))
    for text in bad:
        with pytest.raises(UsageError, match="no record of a selection"):
            SelectionRecord.from_json(text)


def test_dropped_cells_are_dimmed_and_kept_ones_are_not():
    picture = Image.new("RGB", (30, 20), (200, 100, 50))
    scores = [0.9, 0.0, 1.0, 0.2, 0.4, 0.7]
    drawn = draw(picture, Grid(1, 2, 3), [0, 5], scores)
    assert colour(picture, 15, 5) == (200, 100, 50), "the given picture stays as it is"
    assert drawn.size == picture.size and drawn.mode == "RGB"
    pixels = np.asarray(drawn)
    for x in range(30):
        for y in range(20):
            cell = y // 10 * 3 + x // 10
            bright = pixels[y, x, 0]
            if cell in (0, 5):
                assert pixels[y, x].tolist() == [200, 100, 50]
            else:
                assert bright == pytest.approx(200 * (0.15 + 0.3 * scores[cell]), abs=1)
    plain = draw(picture, Grid(1, 2, 3), [0, 5])
    assert colour(plain, 15, 5) == colour(plain, 5, 15) == (60, 30, 15)
    assert draw(picture, Grid(1, 2, 3), range(6)).tobytes() == picture.tobytes()


def test_cells_cover_pictures_of_any_size_and_frame():
    picture = Image.new("L", (7, 5), 200)
    drawn = draw(picture, Grid(2, 2, 3), [0, 1, 2, 3, 4, 5], [0.5] * 11 + [None], frame=1)
    reds = {colour(drawn, x, y)[0] for x in range(7) for y in range(5)}
    assert reds == {60, 30} and colour(drawn, 6, 4)[0] == 30
    assert colour(draw(picture, Grid(2, 2, 3), range(6)), 3, 3) == (200, 200, 200)


def test_what_cannot_be_drawn_is_refused():
    picture = Image.new("RGB", (4, 4))
    with pytest.raises(UsageError, match="token 6 lies outside a grid of 6 tokens"):
        draw(picture, Grid(1, 2, 3), [6])
    with pytest.raises(UsageError, match="2 scores for 6 tokens"):
        draw(picture, Grid(1, 2, 3), [0], [1.0, 2.0])
    with pytest.raises(UsageError, match="frames 0 to 0, not 1"):
        draw(picture, Grid(1, 2, 3), [0], frame=1)
    with pytest.raises(UsageError, match="4 × 4 pixels cannot show 5 × 2 cells"):
        draw(picture, Grid(1, 2, 5), [0])
