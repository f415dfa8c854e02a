"""Descriptions of things of the world in varied English, and what each of them says.

A description may leave things out, so it may be true of several things: it fits those whose
`omni.nano.facts` hold all that it says.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from omni.nano import phrases
from omni.nano import synonyms as s
from omni.nano.facts import Labels, bare, large_thing, named, pair
from omni.nano.questions.exchange import article, listing
from omni.nano.world import words


class Caption(NamedTuple):
    """A description, and which facts it claims."""

    text: str
    said: frozenset[str]


OUTSIDE = (
    *("something that is not of this world", "an unknown thing", "something unfamiliar"),
    *("a photograph of something else", "real life", "an ordinary photo", "a song", "music"),
    *("none of the known things", "something without a name", "an everyday recording"),
)


def describe(rng: random.Random, modality: str, labels: Labels) -> Caption:
    """A description in one of many wordings; it may leave out some of what is true."""
    if labels.get("outside"):
        return Caption(rng.choice(OUTSIDE), frozenset({"outside"}))
    text, said = _DESCRIBE[modality](rng, labels)
    if modality == "series" or rng.random() < 0.3:  # what tells of a series names it already
        return Caption(text, frozenset(said))
    if rng.random() < 0.3:
        return Caption(rng.choice(_OPENINGS).format(text), frozenset(said))
    medium = article(rng.choice(s.MEDIA[modality]))
    framed = rng.choice(_FRAMES).format(medium=medium, text=text)
    return Caption(framed, frozenset({f"a {modality}", *said}))


_FRAMES = (
    *("{medium} of {text}", "{medium} showing {text}", "{medium} with {text}", "{medium}: {text}"),
    *("{text}, {medium}", "{medium} in which there is {text}", "{text} in {medium}"),
    *("{medium} that contains {text}", "{medium} depicting {text}", "{medium} that shows {text}"),
    *("{medium} where there is {text}", "{medium} presenting {text}", "{medium} featuring {text}"),
    *("{text} shown in {medium}", "{text} as {medium}", "{medium} where one finds {text}"),
)
_OPENINGS = (
    *("here is {}", "there is {}", "I see {}", "{} can be seen", "you can see {}", "find {}"),
    *(
        "show me {}",
        "it is {}",
        "this is {}",
        "the one with {}",
        "one with {}",
        "I am looking for {}",
    ),
    *("{}, nothing else", "only {}", "something like {}", "that is {}", "simply {}", "{} is there"),
    *("I spotted {}", "do you have {}", "any {}", "somebody made {}", "we see {}", "imagine {}"),
    *("what I want is {}", "it looks like {}", "please get me {}", "the file with {}", "notice {}"),
    *(
        "{} and that is all",
        "nothing but {}",
        "plainly {}",
        "basically {}",
        "where is {}",
        "look: {}",
    ),
    *("there's {}", "one can make out {}", "I remember {}", "which one has {}", "search for {}"),
    *("{}, I believe", "{}, it seems", "the thing is {}", "mainly {}", "give me {}", "I found {}"),
)


# One coloured thing.


def _thing(rng: random.Random, colour: str, nouns: Sequence[str], *adjectives: str) -> str:
    """A thing with its article, its colour said in one of many ways."""
    hue, noun = rng.choice(s.COLOURS[colour]), rng.choice(nouns)
    if rng.random() < 0.25:
        hue = colour
    if rng.random() < 0.25:
        noun = nouns[0]
    before = " ".join(word for word in adjectives if word)
    whole, uncoloured = named(before, named(hue, noun)), article(named(before, noun))
    if rng.random() < 0.6:
        return article(whole)
    if before and rng.random() < 0.2:
        return f"{article(named(hue, noun))} that is {before}"
    form = (
        *("{uncoloured} in {hue}", "{uncoloured} painted {hue}", "{uncoloured} coloured {hue}"),
        *("{uncoloured} whose colour is {hue}", "{uncoloured} of {hue} colour", "{whole}"),
        *("{uncoloured}, {hue} in colour", "{uncoloured} that is {hue}", "the {whole}"),
    )
    return rng.choice(form).format(uncoloured=uncoloured, hue=hue, whole=whole)


# Pictures.


def _image(rng: random.Random, labels: Labels) -> tuple[str, set[str]]:
    objects = labels["objects"]
    if len(objects) == 1:
        return _single(rng, objects[0])
    roll = rng.random()
    if roll < 0.4:
        return _row(rng, objects)
    if roll < 0.85 or len(objects) > 3:
        return _crowd(rng, objects)
    return _beside(rng, objects)


def _seen(rng: random.Random, labels: Labels, *, sized: bool) -> tuple[str, set[str]]:
    size, after = _sizing(rng, labels["size"]) if sized else ("", "")
    text = named(_thing(rng, labels["colour"], s.SHAPES[labels["shape"]], size), after)
    said = {pair(labels)} | ({large_thing(labels)} if sized else set())
    return text, said


def _sizing(rng: random.Random, size: str) -> tuple[str, str]:
    """How big something is, in words before or after it; one of them is empty."""
    if rng.random() < 0.15:
        return "", rng.choice(phrases.DIMENSIONS[size])
    word = rng.choice(s.SIZES[size])
    return (f"{rng.choice(phrases.DEGREES)} {word}" if rng.random() < 0.12 else word), ""


def _single(rng: random.Random, labels: Labels) -> tuple[str, set[str]]:
    text, said = _seen(rng, labels, sized=rng.random() < 0.75)
    said.add("1 things")
    if labels["place"] and rng.random() < 0.75:
        place = rng.choice(s.PLACES[labels["place"]])
        if place.endswith(phrases.SIDES) and rng.random() < 0.3:
            place = f"{place} of the {rng.choice(phrases.VIEWS)}"
        form = (
            *("{text} {place}", "{text} {place}", "{text} {place}", "{place}, {text}"),
            *("{text}, {place}", "{text} {lying} {place}", "{text} {lying} {place}"),
            *("{text} {lies} {place}", "{text} that {lies} {place}", "{place} {lies} {text}"),
        )
        lying, lies = rng.choice(phrases.LYING), rng.choice(phrases.LIES)
        text = rng.choice(form).format(text=text, place=place, lying=lying, lies=lies)
        said.add(f"at {labels['place']}")
    return text, said


def _row(rng: random.Random, objects: Sequence[Labels]) -> tuple[str, set[str]]:
    """All things, from left to right."""
    told = [_seen(rng, each, sized=True) for each in objects]
    form = (
        *("from left to right: {}", "{}, from left to right", "left to right, {}"),
        *("a row of {}", "{} (from the left)", "starting at the left, {}"),
    )
    said = {f"{len(objects)} things", "in order " + ", ".join(map(large_thing, objects))}
    text = rng.choice(form).format(listing([each for each, _ in told]))
    return text, said.union(*(each for _, each in told))


def _crowd(rng: random.Random, objects: Sequence[Labels]) -> tuple[str, set[str]]:
    """All things in any order, or their number and some of them."""
    sized = rng.random() < 0.6
    chosen = rng.sample(list(objects), len(objects))
    total = f"{len(objects)} things"
    partial = len(objects) > 2 and rng.random() < 0.15
    if partial:
        chosen = chosen[: max(2, len(objects) - 2)]
    told = [_seen(rng, each, sized=sized) for each in chosen]
    said = {total}.union(*(each for _, each in told))
    things = listing([each for each, _ in told])
    number = words.NUMBERS[len(objects) - 1]
    if partial:
        form = (
            "{number} shapes, among them {things}",
            "{number} things, some of which are {things}",
        )
    else:
        form = ("{things}", "{things}", "{things} together", "{number} things: {things}")
    return rng.choice(form).format(number=number, things=things), said


def _beside(rng: random.Random, objects: Sequence[Labels]) -> tuple[str, set[str]]:
    """Two things, and which is further to the left."""
    one, other = sorted(rng.sample(range(len(objects)), 2))
    (first, said), (second, more) = (
        _seen(rng, objects[place], sized=rng.random() < 0.5) for place in (one, other)
    )
    said = said | more | {f"{pair(objects[one])} left of {pair(objects[other])}"}
    text = rng.choice(
        (
            f"{first} to the left of {second}",
            f"{first} left of {second}",
            f"{second} to the right of {first}",
            f"{second} with {first} on its left",
            f"{first}, and {second} further right",
        )
    )
    if len(objects) == 2:
        return text, said | {"2 things"}
    return f"{text}, and more besides", said


# Films.


def _video(rng: random.Random, labels: Labels) -> tuple[str, set[str]]:
    said = {pair(labels), f"it is {labels['motion']}"}
    one = _thing(rng, labels["colour"], s.SHAPES[labels["shape"]])
    doing, does = (
        rng.choice(s.MOTIONS[labels["motion"]]),
        rng.choice(phrases.MOVES[labels["motion"]]),
    )
    if labels["motion"] == "colliding":
        other = _thing(rng, labels["other"]["colour"], s.SHAPES[labels["other"]["shape"]])
        if rng.random() < 0.4:
            one, other = other, one
        hits = rng.choice(
            (
                *("bumping into", "crashing into", "hitting", "colliding with", "running into"),
                *(
                    "bumps into",
                    "crashes into",
                    "hits",
                    "collides with",
                    "runs into",
                    "smashes into",
                ),
                *("knocking into", "bangs into", "strikes", "that collides with"),
            )
        )
        form = (
            *("{one} and {other} {doing}", "{one} and {other} {does}", "{one} {hits} {other}"),
            *("a collision of {one} with {other}", "{one} and {other} that {does}"),
            *("the moment {one} meets {other}", "{doing}: {one} and {other}"),
        )
        text = rng.choice(form).format(one=one, other=other, doing=doing, does=does, hits=hits)
        return text, said | {pair(labels["other"])}
    form = (
        *("{one} {doing}", "{one} {doing}", "{one} that is {doing}", "{one} which is {doing}"),
        *("{one}, {doing}", "{doing}: {one}", "{one} seen {doing}", "how {one} is {doing}"),
        *("{one} {does}", "{one} {does}", "{one} that {does}", "{one} which {does}"),
        *("how {one} {does}", "see how {one} {does}", "{one} and it {does}", "it {does}: {one}"),
    )
    return rng.choice(form).format(one=one, doing=doing, does=does), said


# Solids.


def _points(rng: random.Random, labels: Labels) -> tuple[str, set[str]]:
    """What is tall or flat is always called so; what is not called so is neither."""
    proportion = labels.get("proportion", "even")
    size, extent = _sizing(rng, labels["size"]) if rng.random() < 0.8 else ("", "")
    adjectives = [size, rng.choice(s.PROPORTIONS[proportion])]
    rng.shuffle(adjectives)
    if adjectives[0].startswith("of "):
        adjectives.reverse()
    after = adjectives.pop() if adjectives[-1].startswith("of ") else ""
    text = _thing(rng, labels["colour"], s.SOLIDS[labels["solid"]], *adjectives)
    said = {named(labels["colour"], labels["solid"]), f"it is {proportion}"}
    if size or extent:
        said.add(f"it is {labels['size']}")
    return named(named(text, after), extent), said


# Series.


def _series(rng: random.Random, labels: Labels) -> tuple[str, set[str]]:
    """A season or an event is always told; what is not told of is not there."""
    trend, cycles, event = labels["trend"], labels["cycles"], labels["event"]
    said = {"a series", f"it is {trend}", f"{cycles} cycles", f"event {event}"}
    extras, clauses = [_season(rng, cycles)], []
    when = ""
    if labels.get("when") and rng.random() < 0.9:
        when = rng.choice(s.TIMES[labels["when"]])
        said.add(f"{event} {labels['when']}")
    if event and rng.random() < 0.3:
        clauses.append(named(rng.choice(phrases.HAPPENS[event]), when))
    elif event:
        told = rng.choice(s.EVENTS[event])
        early = when in ("early", "late") and rng.random() < 0.5
        extras.append(article(named(when, told) if early else named(told, when)))
    elif rng.random() < 0.12:
        extras.append(rng.choice(("nothing unusual", "no events", "no surprises")))
    extras = [extra for extra in extras if extra]
    rng.shuffle(extras)
    text = _course(rng, trend)
    if extras:
        joint = rng.choice((" with ", " with ", ", ", " and ", ", having ", ", showing "))
        text = f"{text}{joint}{listing(extras)}"
    return ", and ".join((text, *clauses)), said


def _course(rng: random.Random, trend: str) -> str:
    """What one says first of a series: where it goes."""
    way, noun = rng.choice(s.TRENDS[trend]), rng.choice(s.MEDIA["series"])
    goes, values = (
        rng.choice(phrases.GOES[trend]),
        rng.choice(("values", "numbers", "measurements")),
    )
    return rng.choice(
        (
            f"{values} {way}",
            f"{values} that are {way}",
            f"{article(noun)} {way}",
            f"{article(noun)} that is {way}",
            f"{article(trend)} {noun}",
            f"{article(trend)} trend",
            f"{article(noun)} {way} over time",
            f"{article(noun)} that {goes}",
            f"{article(noun)} which {goes}",
            f"it {goes}",
        )
    )


def _season(rng: random.Random, cycles: int) -> str:
    if not cycles:
        return rng.choice(("", "", "", "no season", "no cycles", "no seasonality", "no waves"))
    number = rng.choice((words.NUMBERS[cycles - 1], words.NUMBERS[cycles - 1], str(cycles)))
    form = (
        *("{} cycles", "{} cycles", "{} waves", "{} periods", "{} oscillations", "{} seasons"),
        *("a season of {} cycles", "a pattern that repeats {} times", "{} ups and downs"),
        *("a wave repeated {} times", "{} repeated waves"),
    )
    return rng.choice(form).format(number)


# Sounds.


_SPOKEN = (
    *('a voice says "{}"', 'somebody saying "{}"', 'the spoken words "{}"', 'the words "{}"'),
    *('a person says "{}"', 'speech: "{}"', "someone says {}", "a voice speaking the words {}"),
    *('"{}", spoken', "{}", '"{}"', 'someone is saying: "{}"', "a speaker who says {}"),
    *('a man or a woman saying "{}"', "the phrase {} said aloud", 'a voice that utters "{}"'),
)
_SWEEPS = {
    "rising": ("rising", "going up", "climbing", "getting higher", "upward", "ascending"),
    "falling": ("falling", "going down", "sinking", "getting lower", "downward", "descending"),
}
_NOISE = (
    *("noise", "white noise", "hiss", "static", "a hissing sound", "rushing noise", "a rustle"),
    *("nothing but noise", "random noise", "the sound of static", "a steady hiss"),
)


def _audio(rng: random.Random, labels: Labels) -> tuple[str, set[str]]:
    kind = labels["kind"]
    if kind == "speech":
        text = labels["text"] if rng.random() < 0.7 else bare(labels["text"])
        return rng.choice(_SPOKEN).format(text), {"speech", f"says {bare(text)}"}
    if kind == "noise":
        return rng.choice(_NOISE), {"noise"}
    detail = labels["detail"]
    if kind == "beep":
        return _beeps(rng, detail), {"beep", f"beep {detail}"}
    noun = rng.choice(("sweep", "tone", "sweep", "siren", "pitch", "whistle", "glissando"))
    way = rng.choice(_SWEEPS[detail])
    form = ("{noun} {way}", "{noun} that is {way}", "{noun} whose pitch is {way}")
    said = {"sweep", f"sweep {detail}"}
    if rng.random() < 0.35:
        return article(f"{detail} {noun}"), said
    return article(rng.choice(form).format(noun=noun, way=way)), said


def _beeps(rng: random.Random, detail: str) -> str:
    count = words.NUMBERS.index(detail) + 1
    noun = rng.choice(("beep", "beep", "bleep", "short tone", "blip", "signal tone", "peep"))
    if count == 1:
        form = ("one {noun}", "a single {noun}", "just one {noun}", "1 {noun}", "a {noun}, once")
        return rng.choice(form).format(noun=noun)
    number = rng.choice((detail, detail, str(count)))
    form = (
        *(
            "{number} {noun}s",
            "{number} {noun}s",
            "{number} {noun}s in a row",
            "{number} times a {noun}",
        ),
        *("a {noun} that sounds {number} times", "a series of {number} {noun}s"),
    )
    return rng.choice(form).format(number=number, noun=noun)


_DESCRIBE: Mapping[str, Callable[[random.Random, Labels], tuple[str, set[str]]]] = {
    "image": _image,
    "video": _video,
    "points": _points,
    "series": _series,
    "audio": _audio,
}
