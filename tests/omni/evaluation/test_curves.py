"""Thirty methods in one picture, of which a few can be told apart."""

from itertools import pairwise

import numpy as np

from omni.evaluation import curves

RED, BLUE = curves._COLOURS[:2]


def row(method, keep, score, task="counting"):
    return {"task": task, "method": method, "keep": keep, "score": score}


def near(picture, colour):
    """Places `[x, y]` of a colour, the legend left out."""
    pixels = np.asarray(picture.convert("RGB"), int)[: curves._PANEL[1]]
    return [
        (int(x), int(y))
        for y, x in np.argwhere(np.abs(pixels - colour).sum(-1) < 30)
        if x < curves._PANEL[0] - curves._MARGIN[2]
    ]


def test_a_line_falls_from_the_score_with_all_tokens():
    rows = [row("full", 1.0, 0.9), row("a", 0.05, 0.2), row("a", 0.33, 0.8), row("b", 0.1, None)]
    picture = curves.accuracy(rows)
    assert picture.size == (curves._PANEL[0], curves._PANEL[1] + 26)
    left, right = min(near(picture, RED)), max(near(picture, RED))
    assert left[0] < 60 and right[0] > 280
    assert left[1] < right[1] - 80, "much is lost where few tokens are kept"


def test_baselines_and_the_best_are_highlighted_and_the_rest_is_a_band():
    methods = {"random": 0.1, "pool": 0.2} | {f"m{place}": place / 40 for place in range(30)}
    rows = [row("full", 1.0, 0.9)]
    rows += [row(name, keep, own) for name, own in methods.items() for keep in (0.05, 0.33)]
    rows += [row("brief", 0.33, 1.0)]
    shown = curves.highlighted(rows)
    assert shown == ["random", "pool", "m29", "m28", "m27", "m26", "m25"]
    picture = curves.accuracy(rows)
    assert len(near(picture, RED)) > 100 and len(near(picture, BLUE)) > 100
    assert len(near(picture, curves._BAND)) > 2000


def test_names_never_lie_over_one_another():
    rows = [row(f"m{place}", keep, 0.5) for place in range(7) for keep in (0.05, 0.2)]
    told = []

    class Pen:
        def text(self, place, text, **ignored):
            told.append(place[1])

        def __getattr__(self, name):
            return lambda *args, **kwargs: None

    panel = curves._Panel(Pen(), (0, 0))  # type: ignore[arg-type]
    shown = curves.highlighted(rows)
    panel._names([(120.0, name) for name in shown], shown)
    assert all(b - a >= curves._GAP for a, b in pairwise(told))
    assert max(told) <= curves._PANEL[1]


def test_tasks_have_panels_of_their_own():
    rows = [row("full", 1.0, 0.5, task) for task in ("a", "b", "c", "d")]
    assert curves.accuracy(rows).size == (3 * curves._PANEL[0], 2 * curves._PANEL[1] + 26)
