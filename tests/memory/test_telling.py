"""The reranker by query likelihood: batches against one by one, and pictures nearly alike."""

import numpy as np
import pytest

from omni.errors import Unsupported, UsageError
from omni.media import Media
from omni.memory.record import Hit, Query, Record
from omni.memory.retrieve.telling import TellingReranker
from omni.modality import modality
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
        assert max(found) < 0


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
