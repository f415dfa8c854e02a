"""Every wording of every kind: that it is whole, that it is there once, that it means one thing."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import pytest

from omni.model.loading import load
from omni.nano import paraphrases, wordings
from omni.nano.asked import pairs, turns, wishes
from omni.nano.questions import image, points

LEAST = 70
BRACES = {
    **{kind: {"noun"} for kind in ("COLOUR", "HOW_BIG", "PLACE", "MOTION", "DOES_MOVE")},
    **{kind: {"noun"} for kind in ("PROPORTION", "COLOUR_OF", "SIZE_OF")},
    **{kind: {"asked"} for kind in ("IS_SHAPE", "HOW_MANY_SHAPES", "HOW_MANY_COLOURED")},
    **{"IS_COLOUR": {"asked", "noun"}, "SHAPE_OF": {"colour"}, "EXISTS": {"thing"}},
    **{"WHERE_RELATIVE": {"a", "b"}, "IS_RELATIVE": {"a", "b", "relation"}},
    **{"WHAT_BESIDE": {"a", "relation"}, "WHICH_SIZE": {"a", "b", "wish"}},
    **{"SAME_COLOUR": {"a", "b"}},
}
"""What a kind of question is filled in with; the others with nothing."""

NEEDED = {
    kind: fields - {"noun"}
    for kind, fields in BRACES.items()
    if kind not in ("COLOUR_OF", "SIZE_OF")
}
"""What must be in every wording of a kind: else nobody would know what is asked for."""

PAIRS = {
    **{kind: {"a", "b"} for kind in ("SAME_COLOUR", "SAME_THING", "DRAW_MIXED")},
    **{kind: {"a"} for kind in ("COLOUR_IN", "SHAPE_IN", "COURSE")},
    **{kind: {"value"} for kind in ("WHICH", "WHICH_SAYS")},
    "SAY_BOTH": set(),
}
NO_KINDS = ("RELATION_WORDS", "LEADS", "BOTH")
SHARED = [
    {"IS_COLOUR", "IS_SHAPE"},
    {"COLOUR", "COLOUR_OF"},
    {"HOW_BIG", "SIZE_OF"},
    {"HOW_MANY_SHAPES", "HOW_MANY_COLOURED"},
    {"SHAPE", "SOLID"},
    {"TREND", "SWEEP"},
    {"EVERYTHING", "WHAT_IMAGE"},
    {"EVENT", "WHAT_AUDIO"},
]
"""Kinds that are told apart by what is filled in, or by what they are about."""


def kinds(module):
    """Kind → its wordings, from every constant of a module of wordings."""
    found = {}
    for name, value in vars(module).items():
        if name not in NO_KINDS and name[0] != "_" and name.isupper() and isinstance(value, tuple):
            found[name] = value
        elif (
            name not in NO_KINDS
            and name[0] != "_"
            and name.isupper()
            and isinstance(value, Mapping)
        ):
            found |= {f"{name} {key}": several for key, several in value.items()}
    return found


ASKED = kinds(wordings)
ALL = {
    **ASKED,
    **{
        f"{module.__name__}.{k}": v
        for module in (pairs, turns, wishes)
        for k, v in kinds(module).items()
    },
}


def plainly(text):
    return " ".join(re.findall("[a-z0-9]+", text.lower()))


def test_every_kind_has_many_ways_and_each_of_them_once():
    for kind, several in ALL.items():
        own = {" ".join(one.lower().split()) for one in several}
        assert len(set(several)) == len(several), kind
        assert len(own) >= LEAST, (kind, len(own))
    assert len(ASKED) >= 60 and sum(map(len, ALL.values())) > 9000


@pytest.mark.parametrize(("module", "braces"), [(wordings, BRACES), (pairs, PAIRS)])
def test_what_stands_in_braces_is_what_the_kind_fills_in(module, braces):
    for kind, several in kinds(module).items():
        for one in several:
            fields = set(re.findall(r"{(\w+)}", one))
            allowed = braces.get(kind, set()) | ({"options"} if "value" in fields else set())
            assert fields <= allowed, (kind, one)
            assert (braces if module is pairs else NEEDED).get(kind, set()) <= fields, (kind, one)
            assert one.count("{") == len(re.findall(r"{\w+}", one)) == one.count("}")
    for several in (wishes.DRAW, wishes.PLOT, wishes.SAY):
        assert all(re.findall(r"{(\w*)}", one) == ["thing"] for one in several)
    assert all(re.findall(r"{(\w*)}", one) == ["h"] for one in wishes.FORECAST)


def test_wordings_are_spelled_as_sentences_or_as_fragments():
    for kind, several in ALL.items():
        for one in several:
            assert one == " ".join(one.split()), one
            assert not re.search(
                r" [.?!,;:]|[.,;:]{2}|\bthe (the|a|an|its)\b|\ba (the|a|an)\b", one
            )
            assert not re.search(r"\b(\w+) \1\b", one.lower()), (kind, one)
            assert not re.search(r"\ba [aeiou](?!ne\b)|\ban [^aeiou{]", one.lower()), (kind, one)
            assert one.count('"') in (0, 2)
            assert len(one.split()) <= 32, "longer texts are not given to the text encoder"


def test_no_wording_means_two_things():
    shared = 0
    plain = {kind: set(map(plainly, several)) for kind, several in ASKED.items()}
    for one, other in combinations(plain, 2):
        both = plain[one] & plain[other]
        if {one, other} in SHARED:
            shared += len(both)
        else:
            assert not both, (one, other)
    assert shared


def test_only_what_is_to_be_spoken_or_drawn_is_asked_for_with_such_words():
    """Else a question would be answered in another modality than it is asked in."""
    makes = re.compile(
        r"\baloud\b|\bout loud\b|\bvoice[d]?\b(?! (say|tell|name|mention|message))", re.I
    )
    draws = re.compile(r"^(please )?(draw|paint|sketch|plot|render|illustrate)\b", re.I)
    for kind, several in ASKED.items():
        if kind.startswith(("SAY", "REPEAT")):
            continue
        for one in several:
            if kind not in ("SAID", "COLOUR_NAMED", "SHAPE_NAMED", "WHAT_AUDIO"):
                assert not makes.search(one), (kind, one)
            assert kind.startswith("DRAW") or not draws.search(one), (kind, one)


def test_no_follow_up_and_no_wish_is_a_wording_that_is_held_out():
    held_out = {plainly(text) for _, text in paraphrases.written()}
    nouns = tuple(dict.fromkeys((*image.NOUNS, *points.NOUNS)))
    mine = {
        plainly(one.replace("{noun}", noun))
        for one in (x for v in ALL.values() for x in v)
        for noun in nouns
    }
    assert len(held_out & mine) == 0


def test_the_models_tokenizer_reads_every_wording_in_few_pieces():
    tokenizer = load("nano").processor.tokenizer
    words = Counter(
        word
        for several in ALL.values()
        for one in several
        for word in re.findall(r"[A-Za-z]+", one)
    )
    pieces = {w: len(tokenizer(f" {w}", add_special_tokens=False)["input_ids"]) for w in words}
    assert max(pieces.values()) <= 10, max(pieces, key=lambda word: pieces[word])
    total = sum(words.values())
    assert sum(words[w] * n for w, n in pieces.items()) / total < 2.2
    for several in ALL.values():
        for one in several[::7]:
            ids = tokenizer(one, add_special_tokens=False)["input_ids"]
            assert tokenizer.decode(ids) == one
