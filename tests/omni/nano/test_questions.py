"""Questions about one thing, answered again from its labels by a reader who shares no code."""

import random
import re
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from omni.nano import wordings as w
from omni.nano.questions import audio, image, points, series, video
from omni.nano.world import curves, group, motion, solid, tones, utterances, words

COLOURS, SHAPES = tuple(words.COLOURS), words.SHAPES
NOUNS = tuple(dict.fromkeys((*image.NOUNS, *points.NOUNS)))
PLURALS = {f"{shape}es" if shape == "cross" else f"{shape}s": shape for shape in SHAPES}
PLACES = {
    **{"On the left.": "left", "On the right.": "right", "In the middle.": "middle"},
    **{"At the top.": "top", "At the bottom.": "bottom"},
}
DOES = {
    **{way: f"moves {way}" for way in ("left", "right", "up", "down")},
    **{"growing": "grows", "shrinking": "shrinks", "still": "stays still", "turning": "turns"},
    **{"appearing": "appears", "bouncing": "bounces"},
}
WHEN = {"early": "Early.", "middle": "In the middle.", "late": "Late."}


def asked_as(question, wordings, **fillings):
    """What fills the braces, from lists or patterns, if it is one of these wordings; or `None`."""
    options = tuple(
        (name, values if isinstance(values, str) else "|".join(map(re.escape, values)))
        for name, values in fillings.items()
    )
    for start, pattern in patterns(tuple(wordings), options):
        if question.startswith(start) and (found := compiled(pattern).fullmatch(question)):
            return found.groupdict()
    return None


@cache
def patterns(wordings, options):
    """How such questions start, and what they look like as a whole."""
    fillings, found = dict(options), []
    for wording in wordings:
        parts = re.split(r"{(\w+)}", wording)
        pattern = "".join(
            f"(?P<{part}>{fillings[part]})" if odd % 2 else re.escape(part)
            for odd, part in enumerate(parts)
        )
        found.append((parts[0], pattern))
    return found


compiled = cache(re.compile)


def an(noun):
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def named(thing):
    return f"{thing['colour']} {thing['shape']}"


def the(things, words_for_it):
    """The one thing that is called so: there must be exactly one."""
    parts = words_for_it.split()
    found = [
        thing
        for thing in things
        if (parts[0] not in COLOURS or thing["colour"] == parts[0])
        and (parts[-1] not in SHAPES or thing["shape"] == parts[-1])
    ]
    assert len(found) == 1, f"the {words_for_it} is not clear among {things}"
    return found[0]


_SHAPES, _COLOURS = "|".join(SHAPES), "|".join(COLOURS)
CALLED = f"(?:{_COLOURS}) (?:{_SHAPES}|thing|object|one|shape)|{_SHAPES}"
RELATIONS = {word: name for name, several in w.RELATION_WORDS.items() for word in several}
BEYOND = {"left of": ("x", -1), "right of": ("x", 1), "above": ("y", -1), "below": ("y", 1)}


def how_far(first, relation, second):
    """By how much the first thing lies so relative to the second; negative on the other side."""
    axis, sign = BEYOND[relation]
    return sign * (first[axis] - second[axis])


def check_several(things, question, answer):
    """What is asked about several things is answered rightly; returns what kind of question."""
    if asked_as(question, w.WHAT + w.WHAT_IMAGE) is not None:
        shown = [an(named(thing)) for thing in sorted(things, key=lambda thing: thing["x"])]
        if len(things) > 3:
            assert answer == f"{words.NUMBERS[len(things) - 1].capitalize()} coloured shapes."
        else:
            listed = f"{', '.join(shown[:-1])} and {shown[-1]}"
            assert answer == f"{('Two', 'Three')[len(things) - 2]} things: {listed}."
        return "what"
    if asked_as(question, w.HOW_MANY) is not None:
        assert answer == f"{words.NUMBERS[len(things) - 1].capitalize()}."
        return "count"
    for wordings, options, key in (
        (w.HOW_MANY_SHAPES, PLURALS, "shape"),
        (w.HOW_MANY_COLOURED, dict(zip(COLOURS, COLOURS, strict=True)), "colour"),
    ):
        if found := asked_as(question, wordings, asked=options):
            number = len([1 for thing in things if thing[key] == options[found["asked"]]])
            assert answer == f"{('none', *words.NUMBERS)[number].capitalize()}."
            return f"count {key}"
    if found := asked_as(question, w.COLOUR_OF, noun=SHAPES):
        assert answer == f"{the(things, found['noun'])['colour'].capitalize()}."
        return "colour"
    if found := asked_as(question, w.SHAPE_OF, colour=COLOURS):
        assert answer == f"{an(the(things, found['colour'])['shape']).capitalize()}."
        return "shape"
    if found := asked_as(question, w.SIZE_OF, noun=CALLED):
        assert answer == f"{the(things, found['noun'])['size'].capitalize()}."
        return "size"
    if found := asked_as(question, w.EXISTS, thing=f"an? (?:{CALLED})"):
        there = found["thing"].partition(" ")[2] in [named(thing) for thing in things]
        assert answer == ("Yes, there is." if there else "No, there is none.")
        return "exists"
    if found := asked_as(question, w.WHERE_RELATIVE, a=CALLED, b=CALLED):
        first, second = the(things, found["a"]), the(things, found["b"])
        said = answer.removesuffix(" it.").lower()
        assert how_far(first, said, second) == max(
            how_far(first, relation, second) for relation in words.RELATIONS
        )
        return "where"
    if found := asked_as(question, w.IS_RELATIVE, a=CALLED, b=CALLED, relation=RELATIONS):
        first, second = the(things, found["a"]), the(things, found["b"])
        asked = RELATIONS[found["relation"]]
        true = max(words.RELATIONS, key=lambda relation: how_far(first, relation, second))
        assert answer == ("Yes, it is." if asked == true else f"No, it is {true} it.")
        assert asked == true or how_far(first, asked, second) < 0
        return "relation"
    if found := asked_as(question, w.WHAT_BESIDE, a=CALLED, relation=RELATIONS):
        it, asked = the(things, found["a"]), RELATIONS[found["relation"]]
        there = [other for other in things if other is not it and how_far(other, asked, it) > 0]
        assert answer == (f"{an(named(there[0])).capitalize()}." if there else "Nothing.")
        assert len(there) <= 1
        return "beside"
    for side, relation in zip(w.OUTERMOST, words.RELATIONS, strict=True):
        if asked_as(question, w.OUTERMOST[side]) is not None:
            (most,) = [
                thing
                for thing in things
                if all(how_far(thing, relation, it) > 0 for it in things if it is not thing)
            ]
            assert answer == f"{an(named(most)).capitalize()}."
            return f"outermost {side}"
    wishes = ("larger", "bigger", "smaller", "littler")
    if found := asked_as(question, w.WHICH_SIZE, a=CALLED, b=CALLED, wish=wishes):
        both = [the(things, found[name]) for name in "ab"]
        both.sort(key=lambda thing: thing["radius"], reverse=found["wish"] in wishes[:2])
        assert answer == f"The {named(both[0])}." and both[0]["size"] != both[1]["size"]
        return "compare"
    found = asked_as(question, w.SAME_COLOUR, a=SHAPES, b=SHAPES)
    assert found is not None, question
    one, other = (the(things, found[name])["colour"] for name in "ab")
    assert answer == (f"Yes, both are {one}." if one == other else "No, they differ.")
    return "same"


def counts(question):
    return (
        asked_as(question, w.HOW_MANY) is not None
        or asked_as(question, w.HOW_MANY_SHAPES, asked=PLURALS) is not None
        or asked_as(question, w.HOW_MANY_COLOURED, asked=COLOURS) is not None
    )


def check_yes_no(question, answer, colour, shape, kinds):
    if found := asked_as(question, w.IS_COLOUR, asked=COLOURS, noun=kinds):
        assert answer == f"{'Yes' if found['asked'] == colour else 'No'}, it is {colour}."
        return "is colour"
    found = asked_as(question, w.IS_SHAPE, asked=[an(kind) for kind in kinds])
    assert found is not None, question
    assert answer == f"{'Yes' if found['asked'] == an(shape) else 'No'}, it is {an(shape)}."
    return "is shape"


def asked_about(question, wordings):
    """Whether it is one of these wordings, and what noun it calls the thing; else `None`."""
    found = asked_as(question, wordings, noun=(*SHAPES, *words.SOLIDS, *NOUNS))
    return None if found is None else {"noun": next(iter(found.values()), "thing")}


def check_single(thing, question, answer, shapes=SHAPES):
    if found := asked_about(question, w.COLOUR):
        assert found["noun"] in (thing["shape"], *NOUNS)
        assert answer == f"{thing['colour'].capitalize()}."
        return "colour"
    if asked_as(question, w.SHAPE) is not None:
        assert answer == f"{an(thing['shape']).capitalize()}."
        return "shape"
    if found := asked_about(question, w.HOW_BIG):
        assert found["noun"] in (thing["shape"], *NOUNS)
        assert answer == f"{thing['size'].capitalize()}."
        return "size"
    if found := asked_about(question, w.PLACE):
        assert found["noun"] in (thing["shape"], *NOUNS)
        assert PLACES[answer] == thing["place"]
        return "place"
    return check_yes_no(question, answer, thing["colour"], thing["shape"], shapes)


@pytest.mark.parametrize("held_out", [False, True])
def test_pictures_are_asked_about_truly_and_clearly(held_out):
    kinds, answers = [], set()
    for seed in range(350):
        rng = random.Random(seed)
        things = group.describe(group.sample(seed + 1000 * held_out, held_out=held_out))
        for _ in range(6):
            exchange = image.ask(rng, {"objects": things})
            question, answer = exchange.question, exchange.answer
            assert exchange.makes == "text"
            if len(things) > 1 or counts(question):
                kinds.append(check_several(things, question, answer))
            elif asked_as(question, w.WHAT + w.WHAT_IMAGE) is not None:
                (only,) = things
                start = f"{an(only['size'])} {named(only)} ".capitalize()
                assert answer.startswith(start)
                assert PLACES[answer.removeprefix(start).capitalize()] == only["place"]
            else:
                kinds.append(check_single(things[0], question, answer))
            answers.add(answer.split()[0])
    assert len(set(kinds)) == 20
    assert min(map(kinds.count, set(kinds))) >= 8
    assert {"Yes,", "No,", "None.", "Nothing."} <= answers


def test_twins_are_never_asked_for_by_their_name():
    twin = {"colour": "red", "shape": "circle", "size": "small", "place": ""}
    things = [
        twin | {"x": 0.1, "y": 0.5, "radius": 0.1},
        twin | {"x": 0.5, "y": 0.1, "radius": 0.25, "size": "large", "colour": "blue"},
        twin | {"x": 0.9, "y": 0.5, "radius": 0.1},
    ]
    rng = random.Random(0)
    for _ in range(600):
        exchange = image.ask(rng, {"objects": things})
        check_several(things, exchange.question, exchange.answer)


def test_half_of_what_can_be_denied_is_denied():
    rng = random.Random(3)
    for ask in (
        lambda: image.yes_no(rng, "red", "circle", SHAPES),
        lambda: series.named(rng, "spike"),
    ):
        answers = [ask().answer.partition(",")[0] for _ in range(400)]
        assert set(answers) == {"Yes", "No"}
        assert 120 < answers.count("Yes") < 280


def test_what_is_not_there_is_never_a_held_out_pair():
    held_out = words.HELD_OUT | words.HELD_OUT_SOLIDS
    rng = random.Random(4)
    for seed in range(400):
        labels = {"objects": group.describe(group.sample(seed, count=2 + seed % 4))}
        question = image._exists(rng, labels["objects"]).question
        asked = re.findall(r"[a-z]+", question)
        assert not held_out & set(pairwise(asked))
    for colour, shape, kinds in (("purple", "heart", SHAPES), ("red", "cube", words.SOLIDS)):
        for _ in range(200):
            exchange = image.yes_no(rng, colour, shape, kinds)
            found = set(re.findall(r"[a-z]+", exchange.question))
            named_kinds = found & set(kinds) or {shape}
            named_colours = found & set(COLOURS) or {colour}
            assert not {(c, s) for c in named_colours for s in named_kinds} & held_out


def test_films_are_asked_about_truly():
    kinds = []
    rng = random.Random(5)
    for seed in range(500):
        labels = motion.describe(motion.sample(seed, held_out=None))
        exchange = video.ask(rng, labels)
        question, answer = exchange.question, exchange.answer
        if labels["motion"] == "colliding":
            both = [labels, labels["other"]]
            if asked_as(question, w.WHAT + w.WHAT_VIDEO) is not None:
                first, second = (an(named(each)) for each in both)
                assert answer == f"{first} and {second} collide.".capitalize()
            elif found := asked_as(question, w.COLOUR_OF, noun=SHAPES):
                assert answer == f"{the(both, found['noun'])['colour'].capitalize()}."
            elif asked_as(question, w.HOW_MANY) is not None:
                assert answer == "Two."
            else:
                assert question in w.COLLIDE and answer == "Yes, they collide."
            continue
        does = DOES[labels["motion"]]
        if asked_as(question, w.WHAT + w.WHAT_VIDEO) is not None:
            assert answer == f"{an(named(labels)).capitalize()} {does}."
            kinds.append("what")
        elif asked_about(question, w.MOTION):
            assert answer == f"It {does}."
            kinds.append("motion")
        elif asked_about(question, w.DOES_MOVE):
            still = labels["motion"] == "still"
            assert answer == f"{'No' if still else 'Yes'}, it {does}."
            kinds.append("moves")
        else:
            kinds.append(check_single(labels, question, answer))
    assert len(set(kinds)) == 7


def test_solids_are_asked_about_truly():
    kinds = []
    rng = random.Random(6)
    for seed in range(500):
        labels = solid.describe(solid.sample(seed, held_out=None))
        exchange = points.ask(rng, labels)
        question, answer = exchange.question, exchange.answer
        kind, proportion = labels["solid"], labels["proportion"]
        if asked_as(question, w.WHAT + w.WHAT_POINTS) is not None:
            shape = [] if proportion == "even" else [proportion]
            whole = " ".join([labels["size"], *shape, labels["colour"], kind])
            assert answer == f"{an(whole).capitalize()}."
            kinds.append("what")
        elif asked_about(question, w.PROPORTION):
            assert answer == ("Neither." if proportion == "even" else f"{proportion.capitalize()}.")
            kinds.append("proportion")
        elif asked_as(question, w.SOLID) is not None:
            assert answer == f"{an(kind).capitalize()}."
            kinds.append("solid")
        else:
            thing = labels | {"shape": kind}
            kinds.append(check_single(thing, question, answer, words.SOLIDS))
    assert len(set(kinds)) == 7


def test_series_are_asked_about_truly():
    kinds = []
    rng, numbers = random.Random(7), np.random.default_rng(7)
    for _ in range(600):
        labels: dict[str, Any] = {**curves.describe(curves.course(numbers, held_out=None))}
        exchange = series.ask(rng, labels)
        question, answer = exchange.question, exchange.answer
        cycles, event = labels["cycles"], labels["event"]
        asked = next((e for e, several in w.EVENT_NAMED.items() if question in several), None)
        if question in w.TREND:
            wanted, kind = f"{labels['trend'].capitalize()}.", "trend"
        elif question in w.SEASON:
            wanted = "Yes, it has a season." if cycles else "No, it has no season."
            kind = "season"
        elif question in w.CYCLES:
            count = ("None, it has no season", *words.NUMBERS)[cycles]
            wanted, kind = f"{count[0].upper()}{count[1:]}.", "cycles"
        elif asked:
            yes = "Yes" if asked == event else "No"
            wanted = f"{yes}, there is {an(event)}." if event else "No, nothing unusual."
            kind = f"named {yes}"
        elif question in w.EVENT:
            wanted = f"Yes, there is {an(event)}." if event else "No, nothing unusual."
            kind = "event"
        elif question in w.WHEN_EVENT:
            wanted = WHEN[labels["when"]] if event else "Nothing unusual happens."
            kind = "when"
        else:
            assert question in w.WHAT + w.WHAT_SERIES
            season = [f"a season of {words.NUMBERS[cycles - 1]} cycles"] if cycles else []
            when = WHEN[labels["when"]].lower().strip(".") if event else ""
            parts = [*season, *([f"{an(event)} {when}"] if event else [])]
            tail = f" with {' and '.join(parts)}" if parts else ""
            wanted, kind = f"A {labels['trend']} series{tail}.", "what"
        assert answer == wanted, question
        kinds.append(kind)
    assert len(set(kinds)) == 8


def test_sounds_are_asked_about_truly():
    rng, numbers = random.Random(8), np.random.default_rng(8)
    for _ in range(400):
        text = utterances.phrase(numbers)
        exchange = audio.ask(rng, {"kind": "speech", "text": text})
        if exchange.question in w.COLOUR_NAMED:
            (colour,) = [word for word in text.split() if word in COLOURS]
            assert exchange.answer == f"{colour.capitalize()}."
        elif exchange.question in w.SHAPE_NAMED:
            (shape,) = [word for word in text.split() if word in (*SHAPES, *words.SOLIDS)]
            assert exchange.answer == f"{shape.capitalize()}."
        else:
            assert exchange.answer == f'Someone says "{text}".'
    for _ in range(100):
        tone = tones.tone(numbers)
        way = {"up": "rising", "down": "falling", None: ""}[tone.direction]
        detail = words.NUMBERS[tone.count - 1] if tone.count else way
        exchange = audio.ask(rng, {"kind": tone.kind, "detail": detail})
        if exchange.question in w.SAID:
            assert exchange.answer == "Nothing is said."
        elif exchange.question in w.BEEPS + w.SWEEP:
            assert exchange.answer == f"{detail.capitalize()}."
        elif tone.kind == "beep":
            assert exchange.answer == f"{detail} beep{'s' * (tone.count != 1)}.".capitalize()
        else:
            wanted = {"sweep": f"A {detail} sweep.", "noise": "Noise."}
            assert exchange.answer == wanted[tone.kind]


@pytest.mark.parametrize(
    ("spoken", "key"),
    [
        ("draw a red circle", "large red circle middle"),
        ("a small red circle on the left", "small red circle left"),
        ("red circle moving left", "large red circle middle"),
        ("a tall blue cone", "blue cone"),
        ("which shape is red", None),
        ("a red circle above a blue star", None),
    ],
)
def test_what_is_said_is_drawn_if_it_is_one_thing(spoken, key):
    assert audio.drawn(spoken) == key
