"""Facts that change: nothing is lost, nothing comes back, and the past can be asked."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from omni import plugins
from omni.errors import UsageError
from omni.memory.contracts import Space
from omni.memory.decay import Decay
from omni.memory.record import Provenance, Record

Memory = plugins.load("memory", "store")
SPACE = Space("text", 3, "m")
X, Y = np.eye(3, dtype=np.float32)[:2]


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        yield memory


@pytest.fixture
def view(memory):
    return memory.bind()


def fact(id, text, **more):
    return Record(id, text=text, kind="fact", **more)


def moved(view):
    """Ann moves from Rome to Oslo to Bern; the moments in between."""
    moments = []
    for n, town in enumerate(["Rome", "Oslo", "Bern"]):
        view.put([fact(town, f"Ann lives in {town}")], {SPACE: [X]})
        if n:
            view.supersede(["Rome", "Oslo"][n - 1], town)
        moments.append(datetime.now(UTC))
    return moments


@pytest.mark.parametrize("sealed", [False, True])
def test_only_the_newest_is_recalled_and_the_past_can_be_asked(memory, view, sealed):
    before = datetime.now(UTC)
    moments = moved(view)
    if sealed:
        memory.seal()
    assert [id for id, _ in view.nearest(SPACE, X, 9)] == ["Bern"]
    assert [id for id, _ in view.matching("Ann lives", 9)] == ["Bern"]
    assert (view.get(["Rome", "Oslo"]), len(view)) == ([], 1)
    for moment, town in zip(moments, ["Rome", "Oslo", "Bern"], strict=True):
        assert [id for id, _ in view.nearest(SPACE, X, 9, as_of=moment)] == [town]
        assert [id for id, _ in view.matching("lives", 9, as_of=moment)] == [town]
        assert [r.id for r in view.get(["Rome", "Oslo", "Bern"], as_of=moment)] == [town]
    assert view.nearest(SPACE, X, 9, as_of=before) == view.get(["Rome"], as_of=before) == []


def test_the_history_is_the_same_from_every_end(memory, view):
    moved(view)
    told = [
        (version.record.id, version.superseded_by, version.valid_to is None)
        for version in view.history("Oslo")
    ]
    assert told == [("Rome", "Oslo", False), ("Oslo", "Bern", False), ("Bern", None, True)]
    assert view.history("Rome") == view.history("Oslo") == view.history("Bern")
    assert view.history("Paris") == []
    first, second, _ = view.history("Rome")
    assert first.valid_to == second.valid_from
    memory.compact()
    assert [version.record.id for version in view.history("Bern")] == ["Rome", "Oslo", "Bern"]


def test_a_contradiction_never_deletes_both(memory, view):
    """Neither telling a fact again, nor telling its opposite, nor deleting that, loses anything."""
    view.put([fact("a", "likes tea")], {SPACE: [X]})
    view.put([fact("a", "likes tea")], {SPACE: [X]})
    assert len(view) == 1
    view.put([fact("b", "does not like tea")], {SPACE: [Y]})
    view.supersede("a", "b")
    view.delete(["b"])
    memory.compact()
    assert (len(view), view.nearest(SPACE, X, 5)) == (0, [])  # the old one does not come back
    (left,) = view.history("a")
    assert (left.record.text, left.superseded_by) == ("likes tea", None)


def test_replacing_the_newest_keeps_the_thread(view):
    moved(view)
    view.put([fact("Bern", "Ann lives in Bern, Aarestrasse")], {SPACE: [X]})
    history = view.history("Rome")
    assert [version.record.id for version in history] == ["Rome", "Oslo", "Bern"]
    assert history[1].superseded_by == "Bern"
    assert history[2].record.text.endswith("Aarestrasse")


def test_what_cannot_be_superseded_is_told(view):
    moved(view)
    with pytest.raises(UsageError, match="'Rome' was superseded before"):
        view.supersede("Rome", "Bern")
    with pytest.raises(UsageError, match="'Bern' is what superseded 'Oslo'"):
        view.supersede("Bern", "Oslo")
    with pytest.raises(UsageError, match="no record 'Paris' here"):
        view.supersede("Bern", "Paris")
    with pytest.raises(UsageError, match="cannot supersede itself"):
        view.supersede("Bern", "Bern")


def test_changing_what_is_known_of_a_record_never_moves_its_time(view):
    then = datetime(2020, 5, 1, tzinfo=UTC)
    view.put([fact("a", "x", event_time=then)], {})
    view.put([fact("a", "x", event_time=then, meta={"checked": True})], {})
    assert view.get(["a"])[0].event_time == then


def test_the_same_said_again_is_linked_and_not_kept(memory, view):
    near = np.array([1, 0.1, 0], np.float32)
    records = [
        fact("a", "Tea at five"),
        fact("b", "  tea AT\nfive ", provenance=Provenance("b.txt")),  # the same but for form
        fact("c", "tea around five"),  # near in meaning
        fact("d", "coffee"),
        fact("e", "coffee too"),  # near one of the same call
    ]
    vectors = {SPACE: [X, None, near, Y, Y]}
    assert view.put_unlike(records, vectors, space=SPACE) == ["a", "a", "a", "d", "d"]
    assert view.ids() == ["a", "d"]
    twins = {twin.id: twin for twin in view.twins("a")}
    assert twins["b"].similarity == 1
    assert twins["b"].provenance == Provenance("b.txt")
    assert twins["c"].similarity == pytest.approx(1 / np.hypot(1, 0.1), abs=1e-6)
    assert view.put_unlike(records, vectors, space=SPACE) == ["a", "a", "a", "d", "d"]
    assert len(view) == 2
    assert [twin.id for twin in view.twins("d")] == ["e"]
    strict = view.put_unlike([records[2]], {SPACE: [near]}, space=SPACE, least=0.999)
    assert strict == ["c"]
    with pytest.raises(UsageError, match="likeness is measured by cosine"):
        view.put_unlike(records, {}, space=Space("s", 3, "m", metric="l2"))


def test_twins_in_another_namespace_are_no_twins(memory, view):
    view.put([fact("a", "Tea at five")], {SPACE: [X]})
    other = memory.bind(namespace=("other",))
    assert other.put_unlike([fact("b", "Tea at five")], {SPACE: [X]}, space=SPACE) == ["b"]


def test_weights_halve_at_the_pace_of_a_kind(view):
    now = datetime.now(UTC)
    ago = {"new": timedelta(0), "one": timedelta(days=14), "two": timedelta(days=28)}
    view.put(
        [Record(id, text="t", kind="episode", event_time=now - age) for id, age in ago.items()]
        + [Record("fact", text="t", kind="fact", event_time=now - timedelta(days=28))]
        + [Record("heavy", text="t", kind="document", importance=3, event_time=now - ago["two"])],
        {},
    )
    new, one, two, slow, heavy, missing = view.weights([*ago, "fact", "heavy", "no"], at=None)
    assert (new, one, two) == pytest.approx((1, 0.5, 0.25), rel=1e-3)
    assert two < slow < 1
    assert (heavy, missing) == (3, 0)
    fast = Decay({"fact": timedelta(days=7)})
    assert view.weights(["fact"], decay=fast)[0] == pytest.approx(2**-4, rel=1e-3)
    assert view.weights(["two"], decay=fast) == [1]
