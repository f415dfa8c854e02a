"""Several things, a question about one of them: 64 tokens shared by size, and by the question.

    python benchmarks/question_shares.py [QUESTIONS] [TOKENS]

`known` gives all but the floors to the thing that is meant, which only the maker of the question
knows: more than that no sharing can bring.
"""

import json
import random
import sys
from itertools import islice
from typing import Any

import torch

from omni.compression.budget import Budget
from omni.evaluation.answering import Answerer
from omni.evaluation.nano import last_right
from omni.model import sharing
from omni.model.loading import load
from omni.nano import corpus
from omni.nano.cases import SEED, Case, Pool
from omni.nano.questions import image, pairs
from omni.nano.questions.exchange import Exchange, sentence

POOL = 60


def kinds(pool: Pool, count: int) -> list[tuple[Case, int]]:
    """Three things of different kinds, one of which is named: "what colour is the picture?"."""
    rng = random.Random(f"{SEED} kinds")
    known = {name: speakable(pool, name) for name in corpus.MODALITIES}
    found: list[tuple[Case, int]] = []
    while len(found) < count:
        names = rng.sample(corpus.MODALITIES, 3)
        things = [rng.choice(known[name]) for name in names]
        labels = {thing.modality: thing.labels for thing in things}
        exchange = pairs.ask(rng, labels)
        meant = [
            place
            for place, name in enumerate(names)
            if exchange and any(called in exchange.question for called in pairs.NAMES[name])
        ]
        if exchange and exchange.makes == "text" and len(meant) == 1:
            found.append((Case((exchange,), tuple(things)), meant[0]))
    return found


def pictures(pool: Pool, count: int) -> list[tuple[Case, int]]:
    """Three pictures of one thing each: "what colour is the circle?"."""
    rng = random.Random(f"{SEED} pictures")
    known = speakable(pool, "image")
    found: list[tuple[Case, int]] = []
    while len(found) < count:
        things = rng.sample(known, 3)
        shown = [thing.labels["objects"][0] for thing in things]
        if all(len({one[key] for one in shown}) == 3 for key in ("shape", "colour")):
            meant = rng.randrange(3)
            question = f"What colour is the {shown[meant]['shape']}?"
            exchange = Exchange(question, sentence(shown[meant]["colour"]))
            found.append((Case((exchange,), tuple(things)), meant))
    return found


def crowded(pool: Pool, count: int) -> list[tuple[Case, int]]:
    """A detail of a picture of several things, beside two other things; no kind is named."""
    rng = random.Random(f"{SEED} crowded")
    others = [name for name in corpus.MODALITIES if name != "image"]
    known = {name: speakable(pool, name) for name in others}
    found: list[tuple[Case, int]] = []
    for place in range(100 * count):
        thing = pool.thing("image", place)
        objects = thing.labels["objects"]
        exchange = image.attribute_of(rng, objects) if len(objects) > 2 else None
        if exchange is not None:
            things = [thing, *(rng.choice(known[name]) for name in rng.sample(others, 2))]
            rng.shuffle(things)
            found.append((Case((exchange,), tuple(things)), things.index(thing)))
        if len(found) == count:
            break
    return found


def speakable(pool: Pool, name: str) -> list:
    """Things of a kind of which a colour, a shape or a course can be told."""
    things = (pool.thing(name, place) for place in range(20 * POOL))
    known = (thing for thing in things if pairs.known(name, thing.labels))
    return list(islice(known, POOL))


def worth(loaded, rule: str, case: Case, meant: int) -> list[float] | None:
    """What each thing of a case is worth by a rule; `None` to share by size."""
    parts = [{"type": one.modality, "tokens": one.tokens} for one in case.things]
    items = [loaded.processor.item(part) for part in parts]
    if rule == "known":
        return [float(place == meant) for place in range(len(items))]
    if rule != "question":
        return None
    near = sharing.nearness(loaded.model, case.turns[0].question, items)
    assert near is not None
    return sharing.weights(near, items)


class Weighing:
    """A processor that knows what the things of each case are worth."""

    def __init__(self, loaded, rule: str, asked: list[tuple[Case, int]]):
        self.processor = loaded.processor
        self.worth = {
            (case.turns[0].question, *map(id, (one.tokens for one in case.things))): worth(
                loaded, rule, case, meant
            )
            for case, meant in asked
        }

    def apply_chat_template(self, dialogues, **given):
        weights = [self.worth[self._key(dialogue[0]["content"])] for dialogue in dialogues]
        return self.processor.apply_chat_template(dialogues, weights=weights, **given)

    def _key(self, content):
        return content[-1]["text"], *(id(part["tokens"]) for part in content[:-1])

    def __getattr__(self, name):
        return getattr(self.processor, name)


def score(loaded, rule: str, budget: Budget, asked: list[tuple[Case, int]]) -> float:
    """Share of right answers."""
    answerer: Any = Answerer(loaded, Budget() if rule == "all tokens" else budget)
    answerer.processor = Weighing(loaded, rule, asked)
    cases = [case for case, _ in asked]
    hits = map(last_right, cases, answerer.answer(cases))
    return sum(hits) / len(asked)


def measure(count: int, tokens: int) -> list[dict]:
    """A row for each kind of question and each rule."""
    from omni.device import place

    loaded = load("nano", place("cpu"))
    pool, budget = Pool(Answerer(loaded).encode), Budget(tokens=tokens)
    rows = []
    for case in (pictures, kinds, crowded):
        asked = case(pool, count)
        for rule in ("all tokens", "size", "question", "known"):
            found = score(loaded, rule, budget, asked)
            rows.append({"case": case.__name__, "rule": rule, "n": count, "score": round(found, 3)})
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    numbers = [int(argument) for argument in sys.argv[1:]]
    count, tokens = (*numbers, *(100, 64)[len(numbers) :])
    with torch.no_grad():
        print(json.dumps({"tokens": tokens, "rows": measure(count, tokens)}))
