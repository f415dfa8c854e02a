"""Tools: when one has to be called, with which arguments, and what is said of its result."""

from __future__ import annotations

import json
import operator
import random
from dataclasses import dataclass
from typing import Any

from omni.nano.asked.wishes import FORECAST
from omni.nano.questions.exchange import sentence
from omni.nano.world.words import NUMBERS


@dataclass(frozen=True, slots=True)
class Called:
    """A conversation in which a tool is called.

    Attributes:
        tools: the JSON schemas that the model is shown, the right one among them.
        question: what is asked for.
        name: the tool to call.
        arguments: what it is called with.
        result: what it answers.
        answer: what is then said.
    """

    tools: tuple[dict[str, Any], ...]
    question: str
    name: str
    arguments: dict[str, Any]
    result: str
    answer: str

    def call(self) -> str:
        """The call as the chat template writes it, without its marks."""
        return json.dumps({"name": self.name, "arguments": self.arguments})


_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_PREFIXES = {"image": "img", "audio": "aud", "video": "vid", "points": "pts", "series": "ser"}

# name → (modality, what it does, ways to ask for it, result, answer)
_TOOLS: dict[str, tuple[str, str, tuple[str, ...], str, str]] = {
    "forecast": (
        "series",
        "Forecast how a series goes on.",
        (
            *("How will {h} go on?", "Forecast {h}.", "Predict the next values of {h}."),
            *(
                "What comes next in {h}?",
                "How does {h} continue? Plot it.",
                "Give a forecast of {h}.",
            ),
            *FORECAST,
        ),
        "{made}: forecast of {h}",
        "Here is the forecast: {made}.",
    ),
    "transcribe": (
        "audio",
        "Write down the words that are spoken in a recording.",
        (
            *(
                "Transcribe {h} with the tool.",
                "Make a transcript of {h}.",
                "Get the words in {h}.",
            ),
            *("What is said in {h}, word by word?", "Turn {h} into text."),
        ),
        "{words}",
        'It says "{words}".',
    ),
    "read_text": (
        "image",
        "Read the text in a picture.",
        (
            *("What does the text in {h} say?", "Read {h}.", "Which words are written in {h}?"),
            *("What is written on {h}?", "Read the letters in {h} to me.", "OCR {h}."),
        ),
        "{words}",
        'It says "{words}".',
    ),
    "edit_image": (
        "image",
        "Change a picture.",
        (
            *("Make {h} darker.", "Darken {h}.", "Make {h} brighter.", "Turn {h} upside down."),
            *("Make {h} grey.", "Mirror {h}."),
        ),
        "{made}",
        "Here it is: {made}.",
    ),
    "measure": (
        "points",
        "Measure a solid: bounds, area and volume.",
        ("Measure {h}.", "What is the volume of {h}?", "How large is {h} exactly?"),
        "volume {number}",
        "Its volume is {number}.",
    ),
    "calculator": (
        "",
        "Work out an arithmetic expression.",
        ("What is {sum}?", "Work out {sum}.", "Calculate {sum}.", "How much is {sum}?"),
        "{number}",
        "It is {number}.",
    ),
}


def calling(rng: random.Random) -> Called:
    """A question, one to three tools, and the one call that helps."""
    name = rng.choice(tuple(_TOOLS))
    modality, _, wordings, result, answer = _TOOLS[name]
    handle = f"{_PREFIXES[modality]}-{rng.randint(1, 12)}" if modality else ""
    made = f"img-{rng.randint(2, 20)}"
    first, second = rng.randint(1, 40), rng.randint(1, 40)
    sign = rng.choice(tuple(_SIGNS))
    total = f"{first} {sign} {second}"
    words = " ".join(rng.choices((*NUMBERS, *_WRITTEN), k=rng.randint(1, 4)))
    number = _SIGNS[sign](first, second) if name == "calculator" else rng.randint(2, 400)
    filled = {"h": handle, "made": made, "words": words, "number": str(number)}
    wording = rng.choice(wordings)
    question = wording.format(**filled, sum=total)
    arguments = _arguments(name, wording, handle, total)
    others = rng.sample([other for other in _TOOLS if other != name], rng.randint(0, 2))
    tools = [schema(each) for each in (name, *others)]
    rng.shuffle(tools)
    return Called(
        tuple(tools), question, name, arguments, result.format(**filled), answer.format(**filled)
    )


_WRITTEN = (
    *("OPEN", "CLOSED", "EXIT", "STOP", "SALE", "TICKET", "HELLO", "WORLD", "INVOICE", "TOTAL"),
    *("platform", "north", "south", "meeting", "Monday", "Friday", "coffee", "garden", "station"),
)


def _arguments(name: str, wording: str, handle: str, total: str) -> dict[str, Any]:
    if name == "calculator":
        return {"expression": total}
    if name == "edit_image":
        return {"media": handle, "change": _change(wording)}
    return {"media": handle}


def _change(wording: str) -> str:
    """The change that a wording of `edit_image` asks for."""
    changes = {"dark": "darker", "bright": "brighter", "upside": "rotate", "grey": "grey"}
    found = (change for word, change in changes.items() if word in wording.lower())
    return next(found, "mirror")


def schema(name: str) -> dict[str, Any]:
    """A tool as models are told of it, in the form of OpenAI's functions."""
    fields = {"calculator": ("expression",), "edit_image": ("media", "change")}.get(
        name, ("media",)
    )
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": _TOOLS[name][1],
            "parameters": {
                "type": "object",
                "properties": {field: {"type": "string"} for field in fields},
                "required": list(fields),
            },
        },
    }


def written(called: Called) -> list[str]:
    """Every text of the conversation: for the tokeniser."""
    texts = [json.dumps(tool) for tool in called.tools]
    return [*texts, called.question, called.call(), called.result, sentence(called.answer[:-1])]
