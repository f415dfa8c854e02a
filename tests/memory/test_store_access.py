"""Nobody sees, changes or learns of what is another's, whichever way it is asked."""

import random
import string
from datetime import UTC, datetime

import numpy as np
import pytest

from omni import plugins
from omni.errors import UsageError
from omni.media import Media
from omni.memory.access import OWNER, AccessDenied, Right, ancestry, labels, spelled
from omni.memory.contracts import Space
from omni.memory.record import Record

Memory = plugins.load("memory", "store")
SPACE = Space("text", 4, "m")
PAGES = Space("pages", 4, "m", multi=True)
VECTOR = np.array([1, 0, 0, 0], np.float32)
SECRET = "swordfish"


@pytest.fixture
def memory(tmp_path):
    with Memory.open(tmp_path / "m", background=False) as memory:
        yield memory


def given(memory, principal, namespace, right=Right.WRITE):
    memory.bind(namespace=namespace).grant(principal, right)
    return memory.bind(principal, namespace)


def secret(id="s"):
    media = Media.from_bytes(SECRET.encode(), modality="image", mime="image/png", name="s.png")
    return Record(id, text=SECRET, media=media, meta={"secret": SECRET})


def reads(view, id="s"):
    """Every way to read, each with what it gives."""
    now = datetime.now(UTC)
    return [
        lambda: view.get([id]),
        lambda: view.get([id], as_of=now),
        lambda: view.nearest(SPACE, VECTOR, 5),
        lambda: view.nearest(SPACE, VECTOR, 5, exact=True),
        lambda: view.nearest(SPACE, VECTOR, 5, as_of=now),
        lambda: view.nearest(SPACE, VECTOR, 5, {"@kind": "document"}),
        lambda: view.nearest(SPACE, VECTOR, 5, {"$or": [{"@kind": "x"}, {"@id": id}]}),
        lambda: view.nearest(SPACE, VECTOR, 5, {"$not": {"@id": "zzz"}}),
        lambda: view.nearest(PAGES, VECTOR[None], 5),
        lambda: view.matching(SECRET, 5),
        lambda: view.matching(SECRET, 5, as_of=now),
        lambda: [each for each in view.vectors(SPACE, [id]) if each is not None],
        lambda: view.spaces(),
        lambda: view.ids(),
        lambda: view.ids({"$not": {"@id": "zzz"}}),
        lambda: view.history(id),
        lambda: view.twins(id),
        lambda: [weight for weight in view.weights([id]) if weight],
        lambda: list(range(len(view))),
    ]


def writes(view, id="s"):
    return [
        lambda: view.put([Record("w", text="x")], {}),
        lambda: view.put_unlike([Record("w", text="x")], {}, space=SPACE),
        lambda: view.delete([id]),
        lambda: view.supersede(id, id + "2"),
        lambda: view.erase([id]),
    ]


def test_who_was_given_nothing_is_refused_everywhere(memory):
    memory.bind(namespace=("acme", "ann")).put([secret()], {SPACE: [VECTOR], PAGES: [VECTOR[None]]})
    stranger = memory.bind("mallory", ("acme", "ann"))
    for work in (
        *reads(stranger),
        *writes(stranger),
        lambda: stranger.grant("mallory", Right.READ),
    ):
        with pytest.raises(AccessDenied, match=r"'mallory' may not .* 'acme/ann'") as refused:
            work()
        assert SECRET not in str(refused.value)
    assert not list((memory.root / "media").rglob("incoming/*"))


def test_a_view_sees_its_own_namespace_and_no_other(memory):
    memory.bind(namespace=("acme", "ann")).put([secret()], {SPACE: [VECTOR], PAGES: [VECTOR[None]]})
    for namespace in [
        ("acme", "bob"),
        ("acme",),
        (),
        ("acme", "ann", "deep"),
        ("acm",),
        ("acme", "an"),
    ]:
        view = given(memory, "bob", namespace)
        assert [work() for work in reads(view) if work()] == [], namespace
        assert view.delete(["s"]) == view.erase(["s"]) == 0
        with pytest.raises(UsageError, match="no record 's' here"):
            view.supersede("s", "s2")
        view.put([Record("s", text="mine"), Record("s2", text="mine")], {})
        view.supersede("s", "s2")
    (kept,) = memory.bind(namespace=("acme", "ann")).get(["s"])
    assert kept.text == SECRET


def test_rights_hold_below_where_they_were_given_and_no_further(memory):
    reader = given(memory, "rita", ("acme",), Right.READ)
    memory.bind(namespace=("acme", "ann")).put([secret()], {SPACE: [VECTOR]})
    assert memory.bind("rita", ("acme", "ann")).get(["s"])
    for work in writes(memory.bind("rita", ("acme", "ann"))):
        with pytest.raises(AccessDenied, match="may not write"):
            work()
    with pytest.raises(AccessDenied):
        memory.bind("rita", ("acmelon",)).get(["s"])
    with pytest.raises(AccessDenied, match="may not admin"):
        reader.grant("eve", Right.READ)
    writer = given(memory, "will", ("acme", "ann"))
    assert writer.delete(["s"]) == 1
    with pytest.raises(AccessDenied, match="may not admin"):
        writer.erase_all()
    given(memory, "ada", ("acme",), Right.ADMIN)
    memory.bind("ada", ("acme", "ann")).grant("will", None)
    with pytest.raises(AccessDenied):
        writer.get(["s"])  # a view that was bound before loses its right, too
    with pytest.raises(UsageError, match="other than 'owner'"):
        memory.bind().grant(OWNER, Right.READ)


def test_a_right_that_was_taken_away_ends_with_the_next_question(memory):
    view = given(memory, "ann", ("a",))
    view.put([secret()], {SPACE: [VECTOR], PAGES: [VECTOR[None]]})
    for _ in range(2):
        for read in reads(view):
            read()
    memory.bind(namespace=("a",)).grant("ann", None)
    for read in reads(view):
        with pytest.raises(AccessDenied):
            read()


def test_questions_by_the_wrong_principal_find_nothing(memory):
    """Random names, namespaces, filters and words; each principal may see its own place only."""
    rng = random.Random(0)
    people = [f"p{n}" for n in range(6)]
    for person in people:
        view = given(memory, person, ("org", person))
        record = Record(f"of-{person}", text=f"{SECRET} word {person}", meta={"by": person, "n": 1})
        view.put([record], {SPACE: [VECTOR], PAGES: [VECTOR[None]]})
    filters = [
        None,
        {"n": 1},
        {"$or": [{"n": 1}, {"by": {"$exists": True}}]},
        {"$not": {"by": "p0"}},
        {"@kind": {"$in": ["document", "fact"]}},
        {"by": {"$ne": "nobody"}},
        {"@created": {"$gt": "2000-01-01"}},
    ]
    asked = leaks = 0
    while asked < 1500:
        person, place = rng.choice(people), rng.choice(people)
        odd = "".join(rng.choices(string.printable.replace("\x1f", ""), k=4))
        namespace = rng.choice([("org", place), ("org",), (), ("org", place, odd), (odd,)])
        view = memory.bind(rng.choice([person, person + odd, odd, ""]), namespace)
        where = rng.choice(filters)
        words = rng.choice([SECRET, f"{SECRET} OR word", '"*', odd, f"word {place}"])
        for work in (
            lambda view=view, where=where: view.nearest(SPACE, VECTOR, 9, where),
            lambda view=view, where=where: view.nearest(PAGES, VECTOR[None], 9, where),
            lambda view=view, where=where, words=words: view.matching(words, 9, where),
            lambda view=view, where=where: [(id, 0) for id in view.ids(where)],
            lambda view=view: [(r.id, 0) for r in view.get([f"of-{p}" for p in people])],
        ):
            asked += 1
            try:
                found = {id for id, _ in work()}
            except (AccessDenied, UsageError):
                continue
            allowed = {f"of-{person}"} if namespace == ("org", person) else set()
            leaks += bool(found - allowed)
    assert leaks == 0


@pytest.mark.parametrize("namespace", [("",), ("a", ""), ("a\x1fb",), ("x" * 257,), (3,), "acme"])
def test_namespaces_that_cannot_be_are_told(memory, namespace):
    with pytest.raises(UsageError, match=r"a label of a namespace is|a namespace is a tuple"):
        memory.bind("ann", namespace)


def test_paths_are_spelled_so_that_none_begins_another():
    for path in [(), ("a",), ("a", "b"), ("ab",), ("a/b", "ü")]:
        assert labels(spelled(path)) == path
    assert ancestry(spelled(("a", "b"))) == [spelled(()), spelled(("a",)), spelled(("a", "b"))]
    assert not spelled(("ab",)).startswith(spelled(("a",)))
