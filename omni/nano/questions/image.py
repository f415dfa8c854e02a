"""Questions about pictures of one to six flat shapes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

from omni.nano import wordings as w
from omni.nano.questions.exchange import Exchange, Labels, article, listing, sentence
from omni.nano.world.words import COLOURS, HELD_OUT, HELD_OUT_SOLIDS, NUMBERS, SHAPES

PLACE_PHRASES = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
    "middle": "in the middle",
}

APART = 0.14
"""Two centres are to the left or above one another if they are this share of the picture apart."""

DIAGONAL = 0.06
"""Two things lie beside or above one another if one way is longer than the other by this share."""

NOUNS = ("object", "thing", "shape", "figure", "item")
"""What one thing in a picture is called if its shape is not."""

Thing = Labels


def ask(rng: random.Random, labels: Labels) -> Exchange:
    """A question that is answered in words."""
    things: Sequence[Thing] = labels["objects"]
    if len(things) == 1:
        return _one(rng, things[0])
    kinds = (
        _what,
        how_many,
        attribute_of,
        _exists,
        relation_of,
        _beside,
        _outermost,
        _compare,
        _same,
    )
    order = rng.choices(kinds, (4, 4, 5, 2.5, 4, 2, 2, 1.5, 1), k=12)
    for kind in order:
        found = kind(rng, things)
        if found is not None:
            return found
    return _what(rng, things)


def say(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to hear what is seen."""
    things = labels["objects"]
    if len(things) > 2:
        count = NUMBERS[len(things) - 1]
        return Exchange(rng.choice(w.SAY_COUNT), f"{count} objects", "audio")
    spoken, *also = (" and ".join(order) for order in _orders([named(thing) for thing in things]))
    return Exchange(rng.choice(w.SAY_THIS + w.SAY_PICTURE), spoken, "audio", tuple(also))


def draw(rng: random.Random, labels: Labels) -> Exchange | None:
    """A wish to see it drawn again, cleanly; `None` if it cannot be drawn."""
    things = labels["objects"]
    if len(things) == 1:
        only = things[0]
        key = f"{only['size']} {only['colour']} {only['shape']} {only['place']}"
        return Exchange(rng.choice(w.DRAW_THIS + w.DRAW_PICTURE), key, "image")
    if len(things) == 2:
        key = two(*things)
        return Exchange(rng.choice(w.DRAW_THIS + w.DRAW_PICTURE), key, "image") if key else None
    return None


def two(first: Thing, second: Thing) -> str | None:
    """The key of a drawing of two things as they lie; `None` if neither way is clear."""
    across, down = second["x"] - first["x"], second["y"] - first["y"]
    if _unclear(across, down):
        return None
    places = ("left", "right") if abs(across) >= abs(down) else ("top", "bottom")
    if (across if abs(across) >= abs(down) else down) < 0:
        first, second = second, first
    pairs = zip((first, second), places, strict=True)
    return ", ".join(f"{thing['colour']} {thing['shape']} {place}" for thing, place in pairs)


def named(thing: Thing) -> str:
    """Colour and shape."""
    return f"{thing['colour']} {thing['shape']}"


def _one(rng: random.Random, thing: Thing) -> Exchange:
    kind = rng.choices(
        ("what", "colour", "shape", "size", "place", "yes-no", "count"), (5, 3, 3, 2, 2, 2.5, 1)
    )[0]
    if kind == "what":
        shown = article(f"{thing['size']} {named(thing)}")
        whole = f"{shown} {PLACE_PHRASES[thing['place']]}"
        return Exchange(rng.choice(w.WHAT + w.WHAT_IMAGE), sentence(whole))
    if kind == "count":
        return how_many(rng, [thing])
    return attribute(rng, kind, thing["colour"], thing["shape"], thing["size"], thing["place"])


def attribute(
    rng: random.Random,
    kind: str,
    colour: str,
    shape: str,
    size: str = "",
    place: str = "",
    nouns: Sequence[str] = NOUNS,
) -> Exchange:
    """A question about one attribute of a single thing, of any modality, that is called a noun."""
    noun = rng.choice((shape, *nouns))
    if kind == "yes-no":
        return yes_no(rng, colour, shape, SHAPES)
    wordings, answer = {
        "colour": (w.COLOUR, sentence(colour)),
        "shape": (w.SHAPE, sentence(article(shape))),
        "size": (w.HOW_BIG, sentence(size) if size else ""),
        "place": (w.PLACE, sentence(PLACE_PHRASES[place]) if place else ""),
    }[kind]
    return Exchange(rng.choice(wordings).format(noun=noun), answer)


def yes_no(rng: random.Random, colour: str, shape: str, kinds: Sequence[str]) -> Exchange:
    """Is it of this colour, or of this shape? In half of the cases it is.

    What it is not is never a held-out pair: of such, "no" would be all that is ever learned.
    """
    if rng.random() < 0.5:
        others = [c for c in COLOURS if c != colour and not _held_out(c, shape)]
        asked = colour if rng.random() < 0.5 else rng.choice(others)
        question = rng.choice(w.IS_COLOUR).format(asked=asked, noun=shape)
        return Exchange(question, f"{'Yes' if asked == colour else 'No'}, it is {colour}.")
    others = [s for s in kinds if s != shape and not _held_out(colour, s)]
    asked = shape if rng.random() < 0.5 else rng.choice(others)
    question = rng.choice(w.IS_SHAPE).format(asked=article(asked))
    return Exchange(question, f"{'Yes' if asked == shape else 'No'}, it is {article(shape)}.")


def _held_out(colour: str, shape: str) -> bool:
    return (colour, shape) in HELD_OUT or (colour, shape) in HELD_OUT_SOLIDS


def _what(rng: random.Random, things: Sequence[Thing]) -> Exchange:
    count = NUMBERS[len(things) - 1]
    question = rng.choice(w.WHAT + w.WHAT_IMAGE)
    if len(things) > 3:
        return Exchange(question, sentence(f"{count} coloured shapes"))
    orders = _orders([article(named(thing)) for thing in things])
    whole, *also = (sentence(f"{count} things: {listing(order)}") for order in orders)
    return Exchange(question, whole, also=tuple(also))


def everything(rng: random.Random, things: Sequence[Thing]) -> Exchange:
    """Each of the things, from left to right, with its size."""
    count = NUMBERS[len(things) - 1]
    told = listing([article(f"{thing['size']} {named(thing)}") for thing in things])
    noun = "thing" if len(things) == 1 else "things"
    return Exchange(rng.choice(w.EVERYTHING), sentence(f"{count} {noun}: {told}"))


def _orders(names: Sequence[str]) -> list[tuple[str, ...]]:
    """The names in every order, first as they are given: from left to right."""
    return list(dict.fromkeys(itertools.permutations(names)))


def how_many(rng: random.Random, things: Sequence[Thing]) -> Exchange:
    """How many things there are, or how many of a shape or a colour."""
    roll = rng.random()
    if roll < 0.45:
        return Exchange(rng.choice(w.HOW_MANY), sentence(NUMBERS[len(things) - 1]))
    present = rng.random() < 0.85
    attribute, options = ("shape", SHAPES) if roll < 0.75 else ("colour", tuple(COLOURS))
    found = [thing[attribute] for thing in things]
    asked = rng.choice(found) if present else rng.choice([o for o in options if o not in found])
    number = found.count(asked)
    wordings = w.HOW_MANY_SHAPES if attribute == "shape" else w.HOW_MANY_COLOURED
    plural = asked + ("es" if asked == "cross" else "s")
    question = rng.choice(wordings).format(asked=plural if attribute == "shape" else asked)
    return Exchange(question, sentence(NUMBERS[number - 1] if number else "none"))


def attribute_of(rng: random.Random, things: Sequence[Thing]) -> Exchange | None:
    """An attribute of one of the things; `None` if nothing names just that one."""
    thing = rng.choice(things)
    ways: list[Callable[[], Exchange]] = []
    if _unique(things, "shape", thing):
        question = rng.choice(w.COLOUR_OF).format(noun=thing["shape"])
        ways.append(lambda: Exchange(question, sentence(thing["colour"])))
    if _unique(things, "colour", thing):
        asked = rng.choice(w.SHAPE_OF).format(colour=thing["colour"])
        ways.append(lambda: Exchange(asked, sentence(article(thing["shape"]))))
    if _only(things, thing):
        size = rng.choice(w.SIZE_OF).format(noun=named(thing))
        ways.append(lambda: Exchange(size, sentence(thing["size"])))
    return rng.choice(ways)() if ways else None


def _exists(rng: random.Random, things: Sequence[Thing]) -> Exchange:
    present = {named(thing) for thing in things}
    thing = rng.choice(things)
    asked = named(thing)
    if rng.random() < 0.5:
        while asked in present or _held_out(*asked.split()):
            colour = thing["colour"] if rng.random() < 0.5 else rng.choice(tuple(COLOURS))
            asked = f"{colour} {rng.choice(SHAPES)}"
    answer = "Yes, there is." if asked in present else "No, there is none."
    return Exchange(rng.choice(w.EXISTS).format(thing=article(asked)), answer)


def relation_of(rng: random.Random, things: Sequence[Thing]) -> Exchange | None:
    """How two things lie to one another; `None` if neither way is clear."""
    pair = _clear_pair(rng, things)
    if pair is None:
        return None
    first, second, relation = pair
    a, b = _calls(rng, things, first), _calls(rng, things, second)
    if rng.random() < 0.5:
        return Exchange(rng.choice(w.WHERE_RELATIVE).format(a=a, b=b), sentence(f"{relation} it"))
    true = rng.random() < 0.5
    opposite = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
    asked = relation if true else opposite[relation]
    spoken = _spoken(rng, asked)
    question = rng.choice(w.IS_RELATIVE).format(a=a, b=b, relation=spoken)
    return Exchange(question, "Yes, it is." if true else f"No, it is {relation} it.")


def _beside(rng: random.Random, things: Sequence[Thing]) -> Exchange | None:
    """What is on one side of a thing, where just one other thing is."""
    thing = rng.choice(things)
    if not _only(things, thing):
        return None
    relation = rng.choice(("left of", "right of", "above", "below"))
    axis, sign = (
        ("x" if "of" in relation else "y"),
        (1 if relation in ("right of", "below") else -1),
    )
    away = [sign * (other[axis] - thing[axis]) for other in things if other is not thing]
    others = [other for other in things if other is not thing]
    clear = [other for other, far in zip(others, away, strict=True) if far >= APART]
    if any(0 < far < APART for far in away) or len(clear) > 1:
        return None
    question = rng.choice(w.WHAT_BESIDE).format(
        a=_calls(rng, things, thing), relation=_spoken(rng, relation)
    )
    return Exchange(question, sentence(article(named(clear[0]))) if clear else "Nothing.")


def _outermost(rng: random.Random, things: Sequence[Thing]) -> Exchange | None:
    side = rng.choice(("left", "right", "top", "bottom"))
    axis = "x" if side in ("left", "right") else "y"
    ordered = sorted(things, key=lambda thing: thing[axis], reverse=side in ("right", "bottom"))
    if abs(ordered[0][axis] - ordered[1][axis]) < APART / 2:
        return None
    question = rng.choice(w.OUTERMOST[side])
    return Exchange(question, sentence(article(named(ordered[0]))))


def _compare(rng: random.Random, things: Sequence[Thing]) -> Exchange | None:
    first, second = rng.sample(list(things), 2)
    if first["size"] == second["size"] or first["radius"] == second["radius"]:
        return None
    if not (_only(things, first) and _only(things, second)):
        return None
    a, b = _calls(rng, things, first), _calls(rng, things, second)
    wish = rng.choice(("larger", "smaller"))
    larger = first if first["radius"] > second["radius"] else second
    winner = larger if wish == "larger" else (second if larger is first else first)
    said = rng.choice(w.WHICH_SIZE).format(a=a, b=b, wish=_size_word(rng, wish))
    return Exchange(said, sentence(f"the {named(winner)}"))


def _same(rng: random.Random, things: Sequence[Thing]) -> Exchange | None:
    first, second = rng.sample(list(things), 2)
    if not (_unique(things, "shape", first) and _unique(things, "shape", second)):
        return None
    question = rng.choice(w.SAME_COLOUR).format(a=first["shape"], b=second["shape"])
    if first["colour"] == second["colour"]:
        return Exchange(question, f"Yes, both are {first['colour']}.")
    return Exchange(question, "No, they differ.")


def _clear_pair(rng: random.Random, things: Sequence[Thing]) -> tuple[Thing, Thing, str] | None:
    first, second = rng.sample(list(things), 2)
    if not (_only(things, first) and _only(things, second)):
        return None
    across, down = first["x"] - second["x"], first["y"] - second["y"]
    if _unclear(across, down):
        return None
    if abs(across) > abs(down):
        return first, second, "left of" if across < 0 else "right of"
    return first, second, "above" if down < 0 else "below"


def _unclear(across: float, down: float) -> bool:
    """Whether two things are too near one another, or neither beside nor above one another."""
    return max(abs(across), abs(down)) < APART or abs(abs(across) - abs(down)) < DIAGONAL


def _calls(rng: random.Random, things: Sequence[Thing], thing: Thing) -> str:
    """Words that name just this thing, which has no twin: shape or colour where that is enough."""
    ways = [named(thing)]
    if _unique(things, "shape", thing):
        ways.append(thing["shape"])
    if _unique(things, "colour", thing):
        ways.append(f"{thing['colour']} {rng.choice(('thing', 'object', 'one', 'shape'))}")
    return rng.choice(ways)


def _unique(things: Sequence[Thing], attribute: str, thing: Thing) -> bool:
    return sum(other[attribute] == thing[attribute] for other in things) == 1


def _only(things: Sequence[Thing], thing: Thing) -> bool:
    """Whether no other thing has its colour and its shape."""
    return sum(named(other) == named(thing) for other in things) == 1


def _spoken(rng: random.Random, relation: str) -> str:
    return rng.choice(w.RELATION_WORDS[relation])


def _size_word(rng: random.Random, wish: str) -> str:
    return rng.choice({"larger": ("larger", "bigger"), "smaller": ("smaller", "littler")}[wish])


def facts(labels: Labels) -> dict[str, Any]:
    """What two pictures, or a picture and another thing, can be compared by: of one thing."""
    (only,) = labels["objects"]
    return {"colour": only["colour"], "shape": only["shape"], "size": only["size"]}
