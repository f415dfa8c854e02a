"""Sentences about anything else: manuals, contracts, news, cooking, tales, put together from words.

They mean little, but no word of the world is in them: what is learned from them is that text may be
about other things. The test asks with sentences of a real licence and a real manual.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NOUNS = _words(
    "function argument object method module parameter variable string dictionary exception "
    "statement expression iterator generator attribute operator instance compiler server browser "
    "password database network protocol keyboard screen folder version package library contract "
    "tenant landlord court licence copyright notice liability warranty party claim damage payment "
    "invoice insurance tax clause agreement signature law regulation bank share market price "
    "company customer factory strike union budget loan interest minister parliament election party "
    "army border treaty war king queen empire castle doctor patient hospital medicine fever lung "
    "blood virus vaccine symptom surgery river forest mountain sea island storm rain winter summer "
    "garden tree flower bird horse dog cat cow sheep wolf fish insect soup bread butter onion "
    "garlic oven salt sugar cake wine coffee apple potato recipe kitchen restaurant teacher school "
    "lesson exam student university novel poem chapter author painter museum concert orchestra "
    "violin song theatre film actor journalist newspaper letter neighbour grandmother brother "
    "daughter friend stranger wedding funeral journey train station airport ticket passport hotel "
    "luggage road bridge engine wheel bicycle goal match team referee coach champion planet galaxy "
    "atom energy temperature pressure experiment theory proof equation theorem angel prayer church "
    "soul dream"
)
_ADJECTIVES = _words(
    "optional immutable valid empty nested recursive global binary legal written reasonable "
    "exclusive annual monthly public private national foreign political economic common rare "
    "severe chronic healthy fresh hot cold sweet bitter old young famous forgotten silent lonely "
    "happy tired beautiful strange dark bright heavy quick slow expensive cheap modern ancient "
    "wooden broken hidden important dangerous honest possible default additional previous"
)
_VERBS = {  # plain, third person, participle
    "return": ("returns", "returned"),
    "define": ("defines", "defined"),
    "call": ("calls", "called"),
    "raise": ("raises", "raised"),
    "evaluate": ("evaluates", "evaluated"),
    "import": ("imports", "imported"),
    "accept": ("accepts", "accepted"),
    "terminate": ("terminates", "terminated"),
    "grant": ("grants", "granted"),
    "distribute": ("distributes", "distributed"),
    "modify": ("modifies", "modified"),
    "publish": ("publishes", "published"),
    "pay": ("pays", "paid"),
    "buy": ("buys", "bought"),
    "sell": ("sells", "sold"),
    "carry": ("carries", "carried"),
    "follow": ("follows", "followed"),
    "defeat": ("defeats", "defeated"),
    "elect": ("elects", "elected"),
    "treat": ("treats", "treated"),
    "cook": ("cooks", "cooked"),
    "eat": ("eats", "eaten"),
    "read": ("reads", "read"),
    "write": ("writes", "written"),
    "forget": ("forgets", "forgotten"),
    "love": ("loves", "loved"),
    "visit": ("visits", "visited"),
    "build": ("builds", "built"),
    "destroy": ("destroys", "destroyed"),
    "measure": ("measures", "measured"),
    "explain": ("explains", "explained"),
    "replace": ("replaces", "replaced"),
    "require": ("requires", "required"),
    "provide": ("provides", "provided"),
    "support": ("supports", "supported"),
    "remember": ("remembers", "remembered"),
}
_PREPOSITIONS = _words(
    "of in with for from without under after before during between against by to"
)
_LINKS = ("if", "unless", "when", "because", "although", "while", "so that", "as long as", "until")
_MODALS = ("may", "must", "shall", "can", "should", "will", "cannot", "must not", "might", "would")
_DETERMINERS = ("the", "the", "the", "a", "any", "each", "this", "every", "no", "such a", "another")
_OPENINGS = ("However, ", "For example, ", "In general, ", "Note that ", "Yesterday ", "Therefore ")
_WISHES = (
    *("How do I {verb} {some}?", "Who {past} {some}?", "Why does {some} {verb} {other}?"),
    *("What is {some}?", "Explain {some}.", "Write a {form} about {some}.", "Translate {some}."),
    *("Draw {some}.", "Paint {some} {where} {other}.", "Give me advice about {some}."),
    *("When was {some} {past}?", "What do you think about {some}?", "Sing about {some}."),
    *("Where can I {verb} {some}?", "Should I {verb} {some}?", "Compare {some} and {other}."),
    *(
        "What does {some} mean?",
        "How much is {some}?",
        "Summarise {some}.",
        "Tell me about {some}.",
    ),
)
_FORMS = ("poem", "letter", "story", "report", "speech", "song", "summary", "joke", "review")


def prose(rng: random.Random) -> str:
    """A sentence of five to thirty words, or a wish for something."""
    if rng.random() < 0.3:
        return _wish(rng)
    text = _clause(rng)
    roll = rng.random()
    if roll < 0.45:
        text = f"{text} {rng.choice(_LINKS)} {_clause(rng)}"
    elif roll < 0.6:
        text = f"{text}, and {_clause(rng)}"
    elif roll < 0.7:
        text = f"{rng.choice(_LINKS)} {text}, {_clause(rng)}"
    if rng.random() < 0.2:
        text = f"{rng.choice(_OPENINGS)}{text}"
    return _articles(f"{text[0].upper()}{text[1:]}.")


def _wish(rng: random.Random) -> str:
    verb = rng.choice(tuple(_VERBS))
    words: Mapping[str, str] = {
        "verb": verb,
        "past": _VERBS[verb][1],
        "some": _thing(rng),
        "other": _thing(rng),
        "form": rng.choice(_FORMS),
        "where": rng.choice(_PREPOSITIONS),
    }
    return _articles(rng.choice(_WISHES).format(**words))


def _clause(rng: random.Random) -> str:
    verb = rng.choice(tuple(_VERBS))
    third, participle = _VERBS[verb]
    subject = _thing(rng)
    roll = rng.random()
    if roll < 0.35:
        said = f"{subject} {third} {_thing(rng)}"
    elif roll < 0.6:
        said = f"{subject} {rng.choice(_MODALS)} {verb} {_thing(rng)}"
    elif roll < 0.85:
        said = f"{subject} {rng.choice(('is', 'was', 'has been', 'must be'))} {participle}"
    else:
        said = f"{subject} is {rng.choice(_ADJECTIVES)}"
    return f"{said} {_place(rng)}" if rng.random() < 0.5 else said


def _place(rng: random.Random) -> str:
    return f"{rng.choice(_PREPOSITIONS)} {_thing(rng)}"


def _thing(rng: random.Random) -> str:
    words: Sequence[str] = (
        rng.choice(_DETERMINERS),
        *((rng.choice(_ADJECTIVES),) if rng.random() < 0.4 else ()),
        rng.choice(_NOUNS),
    )
    return " ".join(words)


def _articles(text: str) -> str:
    return re.sub(r"\b(a|A) (?=[aeiouAEIOU])", r"\1n ", text)
