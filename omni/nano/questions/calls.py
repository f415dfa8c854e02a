"""Tools: which of them helps, with which arguments, and what it answers.

The tools are those of Omni, and a few that nobody has, so that a call is read off the list and not
known by heart. A tool is listed as the chat template lists it: its name and what it must be given.
"""

from __future__ import annotations

import json
import operator
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from omni.modality import modality
from omni.nano.asked import errands
from omni.nano.questions import results

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "analyse_series": ("series",),
    "calculator": ("expression",),
    "crop_image": ("image", "left", "top", "right", "bottom"),
    "cut_video": ("video", "what"),
    "edit_image": ("image", "change"),
    "fetch_url": ("url",),
    "find_files": (),
    "forecast": ("series",),
    "join_images": ("images",),
    "measure_points": ("points",),
    "open_file": ("path",),
    "python": ("code",),
    "read_table": ("table",),
    "read_text": ("image",),
    "search_web": ("query",),
    "send_mail": ("to", "text"),
    "set_timer": ("minutes",),
    "speak": ("text",),
    "transcribe": ("recording",),
    "translate": ("text", "language"),
    "weather": ("place",),
}
"""A tool's name → what it must be given, as the chat template lists it."""

FICTION = frozenset({"search_web", "send_mail", "set_timer", "translate", "weather"})
"""Tools that Omni does not have."""

MOST = 7
"""Tools that are listed besides the one that helps, at most."""

_FAILS = 0.06
_CITIES = ("Oslo", "Rome", "Lagos", "Lima", "Kyoto", "Cairo", "Perth", "Riga", "Quito", "Bern")


@dataclass(frozen=True, slots=True)
class Called:
    """A question and the one call that helps.

    Attributes:
        question: what is asked for.
        name: the tool to call.
        arguments: what it is called with.
        result: what it answers, in words.
        made: modalities of what it makes, in order.
        failed: whether it did not work.
    """

    question: str
    name: str
    arguments: Mapping[str, Any]
    result: str
    made: tuple[str, ...] = ()
    failed: bool = False

    def call(self) -> str:
        """The call as the chat template writes it, without its marks."""
        return json.dumps({"name": self.name, "arguments": dict(self.arguments)})


@dataclass(frozen=True, slots=True)
class Errand:
    """A kind of question that a tool helps with.

    Attributes:
        tool: its name.
        about: modalities of the media that it is about, in order.
        make: from a source of chance, handles and the same as one calls them, the call.
    """

    tool: str
    about: tuple[str, ...]
    make: Callable[[random.Random, Sequence[str], Sequence[str]], Called] = field(compare=False)


def listed(rng: random.Random, *, needed: str = "", without: Sequence[str] = ()) -> list[str]:
    """Names of tools in any order, the needed one among them."""
    others = [name for name in REQUIRED if name != needed and name not in without]
    names = rng.sample(others, rng.randint(0 if needed else 1, MOST)) + [needed] * bool(needed)
    rng.shuffle(names)
    return names


def line(name: str) -> str:
    """A tool as the chat template lists it."""
    return f"{name}({', '.join(REQUIRED[name])})\n"


def schema(name: str) -> dict[str, Any]:
    """A tool in the form of OpenAI's functions."""
    fields = REQUIRED[name]
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": f"{name.replace('_', ' ')}.",
            "parameters": {
                "type": "object",
                "properties": {each: {"type": "string"} for each in fields},
                "required": list(fields),
            },
        },
    }


def errand(rng: random.Random) -> Errand:
    """Any kind of question that a tool helps with."""
    return rng.choices(ERRANDS, _OFTEN)[0]


def failing(rng: random.Random, called: Called) -> Called:
    """The same call, which now and then did not work."""
    if rng.random() >= _FAILS:
        return called
    return replace(called, result=results.reason(rng), made=(), failed=True)


def spoken(question: str, words: str) -> Called:
    """What an agent does that is to say something about a thing, and has a tool that speaks."""
    said = results.spoken(words)
    return Called(question, "speak", {"text": words}, said, ("audio",))


def written(called: Called) -> list[str]:
    """Every text of the conversation: for the tokeniser."""
    lines = [line(called.name), *(line(name) for name in REQUIRED)]
    return [*lines, called.question, called.call(), called.result]


def _read(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    question = rng.choice(errands.READ).format(h=named[0])
    arguments = {"image": handles[0]}
    if rng.random() < 0.15:
        result = f"No writing was found in {handles[0]} (by rapidocr)."
        return Called(question, "read_text", arguments, result)
    words = results.text(rng)
    result = f"Written in {handles[0]}:\n{words}"
    return Called(question, "read_text", arguments, result)


def _transcribe(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    question = rng.choice(errands.TRANSCRIBE).format(h=named[0])
    arguments = {"recording": handles[0]}
    by, seconds = rng.choice(("pocketsphinx en-us", "whisper base")), f"{rng.random() * 9:.1f} s"
    if rng.random() < 0.15:
        result = f"No speech in {handles[0]} (by {by}, {seconds})."
        return Called(question, "transcribe", arguments, result)
    words = results.transcript(rng)
    result = f"Heard in {handles[0]} by {by}:\n{words}"
    return Called(question, "transcribe", arguments, result)


def _forecast(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    arguments: dict[str, Any] = {"series": handles[0]}
    kind = rng.random()
    if kind < 0.3:
        number = rng.randint(2, 40)
        question = rng.choice(errands.AHEAD).format(h=named[0], n=number)
        arguments["horizon"] = number
    else:
        wordings = errands.PLOTTED if kind < 0.6 else errands.FORECAST
        question = rng.choice(wordings).format(h=named[0])
    result = results.forecast(rng, handles[0], arguments.get("horizon", 12))
    return Called(question, "forecast", arguments, result, ("series", "image"))


def _analyse(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    question = rng.choice(errands.ANALYSE).format(h=named[0])
    result = results.analysis(rng)
    arguments = {"series": handles[0]}
    return Called(question, "analyse_series", arguments, result, ("image",))


def _measure(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    kind = rng.choice(("size", "points", "views"))
    wordings = {"size": errands.SIZE, "points": errands.POINTS, "views": errands.VIEWS}[kind]
    return Called(
        rng.choice(wordings).format(h=named[0]),
        "measure_points",
        {"points": handles[0]},
        results.measures(rng, handles[0]),
        ("image",),
    )


def _edit(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    change = rng.choice(tuple(errands.EDIT))
    question = rng.choice(errands.EDIT[change]).format(h=named[0])
    result = f"{handles[0]} changed: {change.replace('_', ' ')}."
    arguments = {"image": handles[0], "change": change}
    return Called(question, "edit_image", arguments, result, ("image",))


def _join(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    column = rng.random() < 0.3
    wording = rng.choice(errands.BELOW if column else errands.BESIDE)
    arguments: dict[str, Any] = {"images": list(handles)}
    if column:
        arguments["direction"] = "column"
    size = f"{rng.randint(100, 900)}×{rng.randint(100, 900)}"
    result = f"{', '.join(handles)} in a {'column' if column else 'row'}, {size}."
    question = wording.format(h=named[0], g=named[1])
    return Called(question, "join_images", arguments, result, ("image",))


def _cut(rng: random.Random, handles: Sequence[str], named: Sequence[str]) -> Called:
    if rng.random() < 0.5:
        question = rng.choice(errands.SOUND).format(h=named[0])
        arguments: dict[str, Any] = {"video": handles[0], "what": "sound"}
        result, made = f"The sound of {handles[0]} from 0.00 to {rng.random() * 9:.2f} s.", "audio"
    else:
        number = rng.randint(0, 60)
        question = rng.choice(errands.FRAME).format(h=named[0], n=number)
        arguments = {"video": handles[0], "what": "frames", "seconds": [number]}
        result, made = f"{handles[0]} at {number:.2f} s:", "image"
    return Called(question, "cut_video", arguments, result, (made,))


_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_SPOKEN = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


def _sum(rng: random.Random, _: Sequence[str], __: Sequence[str]) -> Called:
    first, second = rng.randint(1, 10 ** rng.randint(1, 4)), rng.randint(1, 10 ** rng.randint(1, 3))
    sign = rng.choice(tuple(_SIGNS))
    total = f"{first} {sign} {second}"
    number = f"{_SIGNS[sign](first, second):.12g}"
    asked = rng.choice(
        (total, total, f"{first}{sign}{second}", f"{first} {_SPOKEN[sign]} {second}")
    )
    question = rng.choice(errands.SUM).format(sum=asked)
    return Called(question, "calculator", {"expression": total}, number)


def _say(rng: random.Random, _: Sequence[str], __: Sequence[str]) -> Called:
    words = results.phrase(rng)
    return spoken(rng.choice(errands.SAY).format(words=words), words)


def _weather(rng: random.Random, _: Sequence[str], __: Sequence[str]) -> Called:
    place = rng.choice((*_CITIES, results.name(rng)))
    result = results.weather(rng, place)
    question = rng.choice(errands.WEATHER).format(words=place)
    return Called(question, "weather", {"place": place}, result)


def _search(rng: random.Random, _: Sequence[str], __: Sequence[str]) -> Called:
    words, result = results.phrase(rng), results.text(rng)
    question = rng.choice(errands.SEARCH).format(words=words)
    return Called(question, "search_web", {"query": words}, result)


def _timer(rng: random.Random, _: Sequence[str], __: Sequence[str]) -> Called:
    number = rng.randint(1, 90)
    question = rng.choice(errands.TIMER).format(n=number)
    return Called(question, "set_timer", {"minutes": number}, "set")


ERRANDS = (
    Errand("read_text", ("image",), _read),
    Errand("transcribe", ("audio",), _transcribe),
    Errand("forecast", ("series",), _forecast),
    Errand("analyse_series", ("series",), _analyse),
    Errand("measure_points", ("points",), _measure),
    Errand("edit_image", ("image",), _edit),
    Errand("join_images", ("image", "image"), _join),
    Errand("cut_video", ("video",), _cut),
    Errand("calculator", (), _sum),
    Errand("speak", (), _say),
    Errand("weather", (), _weather),
    Errand("search_web", (), _search),
    Errand("set_timer", (), _timer),
)
_OFTEN = (5, 2, 4, 1.5, 1.5, 5, 1.5, 1, 4, 2, 1, 3, 1)


def example(rng: random.Random) -> Called:
    """Any call, of media that are not there."""
    kind = errand(rng)
    handles = [f"{modality(name).prefix}-{rng.randint(1, 12)}" for name in kind.about]
    return kind.make(rng, handles, handles)
