"""What is true of a thing of the world, as a set of facts and as one plain description.

Labels of which some are missing have fewer facts: these are what a search may ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from omni.nano import synonyms as s
from omni.nano.questions.exchange import article, listing
from omni.nano.world import words

Labels = Mapping[str, Any]


def facts(modality: str, labels: Labels) -> frozenset[str]:
    """Everything that labels, of which some may be missing, say of a thing."""
    if labels.get("outside"):
        return frozenset({f"a {modality}", "outside"})
    return frozenset({f"a {modality}", *_FACTS[modality](labels)})


def wanted(modality: str, labels: Labels) -> frozenset[str]:
    """What a search for such labels asks for: in a picture of several things, not their order."""
    return frozenset(
        fact
        for fact in facts(modality, labels)
        if not fact.startswith("in order ") and " left of " not in fact
    )


def plain(modality: str, labels: Labels) -> str:
    """The one plain description that tells everything; equal for things that are alike."""
    return "something unknown" if labels.get("outside") else _PLAIN[modality](labels)


def named(before: str, noun: str) -> str:
    """A noun with what stands before it, if anything does."""
    return " ".join(word for word in (before, noun) if word)


def pair(labels: Labels) -> str:
    """Colour and shape."""
    return named(labels["colour"], labels["shape"])


def large_thing(labels: Labels) -> str:
    """Size, colour and shape."""
    return named(labels.get("size", ""), pair(labels))


def _object_facts(labels: Labels) -> set[str]:
    found = {named(labels.get("colour", ""), labels.get("shape", ""))}
    if labels.get("size"):
        found.add(named(labels["size"], next(iter(found))))
    return found


def _image_facts(labels: Labels) -> set[str]:
    objects = labels["objects"]
    found = {f"{len(objects)} things"}
    for each in objects:
        found |= _object_facts(each)
    if len(objects) == 1 and objects[0].get("place"):
        found.add(f"at {objects[0]['place']}")
    if len(objects) > 1:
        found.add("in order " + ", ".join(large_thing(each) for each in objects))
        for place, one in enumerate(objects):
            for other in objects[place + 1 :]:
                found.add(f"{pair(one)} left of {pair(other)}")
    return found


def _image_plain(labels: Labels) -> str:
    objects = labels["objects"]
    things = [article(large_thing(each)) for each in objects]
    if len(objects) > 1:
        return f"from left to right: {listing(things)}"
    return f"{things[0]} {s.PLACES[objects[0]['place']][0]}"


def _video_facts(labels: Labels) -> set[str]:
    found = {pair(labels)} if labels.get("colour") and labels.get("shape") else set()
    if labels.get("motion"):
        found.add(f"it is {labels['motion']}")
    return found | ({pair(labels["other"])} if labels.get("other") else set())


def _video_plain(labels: Labels) -> str:
    motion = s.MOTIONS[labels["motion"]][0]
    if labels["motion"] == "colliding":
        both = sorted(article(pair(each)) for each in (labels, labels["other"]))
        return f"{listing(both)} colliding"
    return f"{article(pair(labels))} {motion}"


def _points_facts(labels: Labels) -> set[str]:
    found = set()
    if labels.get("colour") and labels.get("solid"):
        found.add(named(labels["colour"], labels["solid"]))
    if labels.get("size"):
        found.add(f"it is {labels['size']}")
    return found | ({f"it is {labels['proportion']}"} if labels.get("proportion") else set())


def _points_plain(labels: Labels) -> str:
    proportion = labels.get("proportion", "even")
    shown = "" if proportion == "even" else proportion
    before = " ".join(word for word in (labels["size"], shown) if word)
    return article(named(before, named(labels["colour"], labels["solid"])))


def _series_facts(labels: Labels) -> set[str]:
    found = set()
    if "trend" in labels:
        found.add(f"it is {labels['trend']}")
    if "cycles" in labels:
        found.add(f"{labels['cycles']} cycles")
    if "event" in labels:
        found.add(f"event {labels['event']}")
        if labels.get("when"):
            found.add(f"{labels['event']} {labels['when']}")
    return found


def _series_plain(labels: Labels) -> str:
    extras = []
    if labels["cycles"]:
        extras.append(f"{words.NUMBERS[labels['cycles'] - 1]} cycles")
    if labels["event"]:
        when = s.TIMES[labels["when"]][0] if labels.get("when") else ""
        extras.append(named(article(labels["event"]), when))
    tail = f" with {listing(extras)}" if extras else ""
    return f"{article(labels['trend'])} series{tail}"


def bare(text: str) -> str:
    """Spoken words without their articles, which nobody can tell from a recording for sure."""
    kept = [word for word in text.lower().split() if word not in ("a", "an")]
    return " ".join(kept) or text


def _audio_facts(labels: Labels) -> set[str]:
    if labels["kind"] == "speech":
        return {"speech"} | ({f"says {bare(labels['text'])}"} if labels.get("text") else set())
    detail = labels.get("detail")
    return {labels["kind"]} | ({f"{labels['kind']} {detail}"} if detail else set())


def _audio_plain(labels: Labels) -> str:
    kind = labels["kind"]
    if kind == "speech":
        return f'a voice says "{bare(labels["text"])}"'
    if kind == "beep":
        return f"{labels['detail']} beep{'' if labels['detail'] == 'one' else 's'}"
    return f"a {labels['detail']} sweep" if kind == "sweep" else "noise"


_FACTS: Mapping[str, Callable[[Labels], set[str]]] = {
    "image": _image_facts,
    "video": _video_facts,
    "points": _points_facts,
    "series": _series_facts,
    "audio": _audio_facts,
}


_PLAIN: Mapping[str, Callable[[Labels], str]] = {
    "image": _image_plain,
    "video": _video_plain,
    "points": _points_plain,
    "series": _series_plain,
    "audio": _audio_plain,
}
