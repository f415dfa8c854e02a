"""The reranker by query likelihood: batches against one by one, and pictures nearly alike."""

import numpy as np
import pytest
import torch

from omni.errors import Unsupported, UsageError
from omni.evaluation.sets.collection import Item
from omni.media import Media
from omni.memory.record import Hit, Query, Record
from omni.memory.retrieve.composing import TellingComposer
from omni.memory.retrieve.library import Library
from omni.memory.retrieve.telling import NEARNESS, TellingReranker, likelihoods
from omni.modality import modality
from omni.model.loading import load
from omni.nano.staging import staged

LABELS = [
    {"colour": colour, "shape": shape, "size": "large", "place": "middle"}
    for colour, shape in (("red", "circle"), ("blue", "circle"), ("red", "square"))
]


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(5)
    made = [staged(rng, "image", {"objects": [labels]}).value for labels in LABELS]
    return [modality("image").save(value, name=f"p{n}") for n, value in enumerate(made)]


def hits(media):
    return [
        Hit(Record(one.name, modality=one.modality, media=one), -n) for n, one in enumerate(media)
    ]


def test_what_is_described_comes_first_and_batches_change_nothing(pictures):
    together, alone = TellingReranker(batch=3), TellingReranker(batch=1)
    for place, labels in enumerate(LABELS):
        query = Query(f"a large {labels['colour']} {labels['shape']} in the middle")
        found = together.score(query, hits(pictures))
        assert int(np.argmax(found)) == place
        assert found == pytest.approx(alone.score(query, hits(pictures)), abs=1e-3)
        assert max(found) < NEARNESS


def test_answers_of_several_lengths_are_weighed_as_one_by_one(pictures):
    loaded = load("nano")
    kind = modality("image")
    with torch.inference_mode():
        planned = loaded.processor.plan([("image", kind.features(kind.load(pictures[0])))])
        tokens = loaded.model.encode_media(planned)[0]
    said = ["Red.", "A large red circle in the middle.", "A star."]
    ask = "What is in the picture?"
    found = likelihoods(loaded, "image", [tokens] * 3, ask, said)
    alone = [likelihoods(loaded, "image", [tokens], ask, [one])[0] for one in said]
    assert found == pytest.approx(alone, abs=1e-3) and max(found) < 0
    # Longer by four tokens and more, and yet the likeliest: it is what the model would say.
    assert found[1] == max(found)


def test_a_wish_takes_the_place_of_what_it_is_in_place_of(pictures):
    composer = TellingComposer()
    for wish, told in (("but yellow", "yellow circle"), ("but a star", "red star")):
        found = composer.composed(Query(wish, (pictures[0],)))
        assert told in found.text and not found.media and "but" not in found.text
    for query in (Query("but yellow"), Query(media=(pictures[0],)), Query("but", (pictures[0],))):
        assert composer.composed(query) is query
    two = Query("but yellow", tuple(pictures[:2]))
    assert composer.composed(two) is two


def test_a_library_looks_for_what_was_composed_and_says_so(pictures, tmp_path):
    with Library(tmp_path / "m", create=True, embedders=("shared",)) as library:
        rng = np.random.default_rng(6)
        labels = [LABELS[0], {**LABELS[0], "colour": "yellow"}, {**LABELS[0], "shape": "star"}]
        things = [
            Item(f"p{n}", media=modality("image").save(made.value, name=f"q{n}"))
            for n, made in enumerate(staged(rng, "image", {"objects": [one]}) for one in labels)
        ]
        library.fill(things)
        query = library.query("but yellow", pictures[:1])
        found = library.search(query, 3, compose="telling")
        assert found.hits[0].record.id == "p1"
        assert any("yellow circle" in note for note in found.explain.notes)
        with pytest.raises(UsageError, match="unknown composer 'magic'"):
            library.search(query, 3, compose="magic")
        broken = Media.from_bytes(b"x", modality="image", mime="image/png", name="broken")
        asked = library.query("but yellow", (broken,))
        assert "side by side" in library.search(asked, 3, compose="telling").explain.notes[0]


def test_what_shows_nothing_keeps_its_place_behind_and_it_is_said(pictures, tmp_path):
    broken = Media.from_bytes(b"no picture", modality="image", mime="image/png", name="broken")
    given = [
        Hit(Record("words", text="a red circle"), 0),
        *hits(pictures[:1]),
        *hits([broken]),
        *hits(pictures[1:]),
    ]
    found = TellingReranker(most=4).verdict(Query("a red circle"), given)
    assert [score is None for score in found.scores] == [True, False, True, False, True]
    assert "broken cannot be read" in found.notes[0] and found.notes[-1].startswith("3 hits")


def test_a_query_without_words_cannot_be_told(pictures):
    with pytest.raises(Unsupported, match="has none"):
        TellingReranker().verdict(Query(media=(pictures[0],)), hits(pictures))
    with pytest.raises(UsageError, match="from 1 up"):
        TellingReranker(batch=0)
