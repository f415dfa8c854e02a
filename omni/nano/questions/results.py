"""What tools answer, in the forms in which those of Omni do, with any words in it."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Sequence
from typing import Any

from omni.nano.asked.frames import split
from omni.nano.world.utterances import VOCABULARY

_SIGNS = split("""
    OPEN | CLOSED | EXIT | STOP | SALE | TICKET | HELLO | WORLD | INVOICE | TOTAL | NORTH
    SOUTH | PUSH | PULL | PLATFORM | MENU | DANGER | WELCOME | PRIVATE | FREE
""")
_PROSE = split("""
    the | of | and | to | in | is | it | that | for | was | on | are | with | as | at | be
    by | this | from | or | have | an | not | they | which | one | all | their | there
    been | many | some | time | very | when | much | new | would | these | other | into
    has | more | two | may | people | made | over | did | down | only | way | find | use
    could | after | work | day | page | part | form | place | year | name | value | number
    order | house | report | office | train | meeting | garden | coffee | station | Monday
    Friday | March | August | price | water | table | north | street | letter | city | money
    school | book
""")
_MARKS = (".", ".", ",", ",", ":", ";", "!", "?")
_WEATHER = ("rain", "sun", "snow", "clouds", "fog", "wind", "storms", "clear sky")


def text(rng: random.Random) -> str:
    """Some lines of writing: words, names, numbers, codes, prices."""
    lines = [_line(rng) for _ in range(rng.choices((1, 2, 3, 4), (5, 3, 2, 1))[0])]
    return "\n".join(lines)


def phrase(rng: random.Random, most: int = 5) -> str:
    """A few words in a row, at most so many."""
    return " ".join(_word(rng) for _ in range(rng.randint(1, most)))


def name(rng: random.Random) -> str:
    """A word that nobody knows, as a name."""
    return _strange(rng).capitalize()


def reason(rng: random.Random) -> str:
    """Why something did not work."""
    handle = f"{rng.choice(('img', 'aud', 'ser', 'vid', 'pts'))}-{rng.randint(1, 20)}"
    seconds = f"{rng.randint(0, 9)} and {rng.randint(10, 60)} s"
    return rng.choice(
        (
            f"there is no {handle!r}: there is {handle.partition('-')[0]}-{rng.randint(1, 20)}.",
            f"{handle} has no sound between {seconds}.",
            f"{handle} cannot be decoded: the file is cut off.",
            f"no answer within {rng.randint(5, 60)} s.",
            f"{_strange(rng)} is not there: {phrase(rng)}.",
        )
    )


def spoken(words: str) -> str:
    """What `speak` answers."""
    return f"{0.25 + 0.32 * len(words.split()):.1f} seconds of speech by espeak-ng (en-us)."


def transcript(rng: random.Random) -> str:
    """What `transcribe` heard, with times."""
    start, lines = 0.0, []
    for _ in range(rng.choices((1, 2, 3), (6, 2, 1))[0]):
        end = start + 0.5 + rng.random() * 4
        words = [rng.choice((*VOCABULARY, *_PROSE)) for _ in range(rng.randint(1, 9))]
        lines.append(f"[{_clock(start)}–{_clock(end)}] {' '.join(words).lower()}")
        start = end
    return "\n".join(lines)


def forecast(rng: random.Random, handle: str, horizon: int) -> str:
    """What `forecast` tells."""
    shown = min(horizon, 12)
    level, step = rng.uniform(-50, 500), rng.uniform(0.1, 20)
    median = [level := level + rng.gauss(0, step) for _ in range(shown)]
    wide = [step * (1 + place) ** 0.5 for place in range(shown)]
    return _json(
        {
            "forecast of": f"{handle}, {rng.choice(('value', 'sales', 'level', _strange(rng)))}",
            "season": rng.choice(("none", 7, 12, 24, rng.randint(2, 60))),
            "median": _rounded(median),
            "8 of 10 within": [
                _rounded([a - b for a, b in zip(median, wide, strict=True)]),
                _rounded([a + b for a, b in zip(median, wide, strict=True)]),
            ],
            "shown": f"{shown} of {horizon} steps",
        }
    )


def analysis(rng: random.Random) -> str:
    """What `analyse_series` tells."""
    rows = rng.randint(30, 900)
    trend = rng.choice(("rising", "falling", "none"))
    mean = float(f"{rng.uniform(-50, 500):.4g}")
    outliers = [
        f"{rng.uniform(-90, 900):.4g} in row {rng.randrange(rows)}"
        for _ in range(rng.choices((0, 1, 2), (3, 2, 1))[0])
    ]
    season = rng.choice(("none", f"every {rng.randint(2, 60)} rows"))
    facts = {
        "column": rng.choice(("value", "sales", _strange(rng))),
        "rows": rows,
        "gaps": rng.choice((0, 0, rng.randint(1, 9))),
        "lowest": f"{mean - rng.uniform(1, 90):.4g} in row {rng.randrange(rows)}",
        "highest": f"{mean + rng.uniform(1, 90):.4g} in row {rng.randrange(rows)}",
        "mean": mean,
        "deviation": float(f"{rng.uniform(1, 60):.4g}"),
        "trend per row": float(f"{rng.gauss(0, 1):.3g}"),
        "trend": trend,
        "season": season,
        "outliers": outliers,
    }
    return _json(facts)


def measures(rng: random.Random, handle: str) -> str:
    """What `measure_points` tells."""
    size = [float(f"{rng.uniform(0.2, 20):.7g}") for _ in range(3)]
    points = rng.randint(50, 9000)
    bounds = [[round(-each / 2, 6) for each in size], [round(each / 2, 6) for each in size]]
    facts: dict[str, Any] = {
        "kind": "point cloud",
        "points": points,
        "faces": 0,
        "size": dict(zip("xyz", size, strict=True)),
        "bounds": bounds,
        "units": None,
        "coloured": rng.random() < 0.5,
        "centre": [float(f"{rng.gauss(0, 0.1):.6g}") for _ in range(3)],
    }
    return (
        f"{_json(facts)}\nThe picture shows {handle} as it is, turned by 90°, turned by 180°, "
        "from above, from left to right."
    )


def weather(rng: random.Random, place: str) -> str:
    """What a tool says of the weather."""
    return f"{place}: {rng.randint(-20, 40)} °C, {rng.choice(_WEATHER)}."


def _line(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return " ".join(rng.choices(_SIGNS, k=rng.randint(1, 3)))
    words = [_word(rng) for _ in range(rng.randint(1, 9))]
    for place in range(len(words)):
        if rng.random() < 0.12:
            words[place] += rng.choice(_MARKS)
    return " ".join(words)


def _word(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(_PROSE)
    if kind < 0.55:
        return rng.choice(VOCABULARY)
    if kind < 0.7:
        return _number(rng)
    word = _strange(rng)
    return word.upper() if kind < 0.76 else word.capitalize() if kind < 0.86 else word


def _strange(rng: random.Random) -> str:
    """A word that nobody knows: syllables, or letters in no order."""
    if rng.random() < 0.7:
        return "".join(
            rng.choice("bcdfghjklmnprstvwz")
            + rng.choice("aeiou")
            + rng.choice(("", "", "n", "r", "s", "l", "st"))
            for _ in range(rng.randint(1, 4))
        )
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 8)))


def _number(rng: random.Random) -> str:
    whole = rng.randint(0, 10 ** rng.randint(1, 5))
    forms = (
        *(f"{whole}", f"{whole}.{rng.randint(0, 99):02d}", f"{whole:,}", f"{whole} %"),
        *(f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}", f"No. {whole}", f"£{whole}"),
        f"20{rng.randint(0, 40):02d}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
    )
    return rng.choice(forms)


def _rounded(values: Sequence[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False, separators=(", ", ": "))
