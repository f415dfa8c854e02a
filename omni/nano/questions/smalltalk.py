"""Talk without media: greetings, what the model is, and what it does not know."""

from __future__ import annotations

import random

from omni.nano.questions.exchange import Exchange
from omni.nano.questions.prose import prose
from omni.nano.questions.unknown import UNKNOWN_QUESTIONS
from omni.nano.wordings import WHAT, WHAT_AUDIO, WHAT_IMAGE, WHAT_POINTS, WHAT_SERIES, WHAT_VIDEO

WHO = (
    "I am omni-nano, a small model that knows coloured shapes, a few sounds, solids and curves. "
    "For anything else, choose a larger model with --model."
)
CAN = (
    "Attach a picture, a sound, a video, a 3D file or a table and ask what it is. "
    "I can also draw a coloured shape or say a few words."
)
UNKNOWN = (
    "I do not know that. I am a small model for coloured shapes, a few sounds, solids and curves; "
    "a larger one can be chosen with --model."
)
NOTHING = "Nothing is attached. Attach a file and ask again."

TALK: dict[str, tuple[str, ...]] = {
    "Hello!": ("Hello", "Hi", "Hi there", "Hey", "Good morning", "Good evening", "Hello there"),
    "You are welcome.": ("Thanks", "Thank you", "Thank you very much", "Great, thanks"),
    "Goodbye!": ("Goodbye", "Bye", "See you", "Good night", "Bye bye"),
    WHO: (
        "Who are you?",
        "What are you?",
        "What is your name?",
        "Which model are you?",
        "Tell me about yourself.",
        "What model is this?",
    ),
    CAN: (
        "What can you do?",
        "Help",
        "How do you work?",
        "What do you know?",
        "How can I use you?",
        "What are you able to do?",
    ),
    UNKNOWN: UNKNOWN_QUESTIONS,
}


def talking(rng: random.Random, strangeness: float = 0.0) -> Exchange:
    """One exchange without media.

    Args:
        rng: what is said.
        strangeness: how often it is a sentence that was put together, about anything at all.
    """
    if rng.random() < 0.25:
        asked = WHAT + WHAT_IMAGE + WHAT_AUDIO + WHAT_VIDEO + WHAT_POINTS + WHAT_SERIES
        return Exchange(rng.choice(asked), NOTHING)
    if strangeness and rng.random() < strangeness:
        return Exchange(prose(rng), UNKNOWN)
    answer = UNKNOWN if rng.random() < 0.4 else rng.choice(tuple(TALK))
    question = rng.choice(TALK[answer])
    if question[-1].isalpha():
        question += rng.choice(("", "!", "."))
    return Exchange(question, answer)
