"""Answers that say that something was made are held against what was made."""

import pytest

from omni.chat.claims import claimed
from omni.content import MediaPart, TextPart
from omni.media import MediaRef


def made(handle="img-1", kind="image", name="picture.png"):
    ref = MediaRef(handle=handle, modality=kind, mime="image/png", name=name, digest="0", size=1)
    return MediaPart.of(ref)


def claims(text, *parts, question="", handles=()):
    found = claimed(question, [TextPart(text=text), *parts], set(handles))
    assert all(part.status == "failed" and part.ref is None and part.reason for part in found)
    return [part.type for part in found]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I made img-7 for you.", "image"),
        ("It is in aud-3.", "audio"),
        ('The image of a cat is at "[path]".', "file"),
        ("Here is your picture: [image]", "image"),
        ("Listen here: [audio file]", "audio"),
        ("[Insert image of a cat here]", "image"),
        ("![a cat](cat.png)", "image"),
        ("![a cat](sandbox:/mnt/data/cat.png)", "image"),
        ("You can [download it](/tmp/song.wav).", "audio"),
        ("It lies at file:///tmp/forecast.csv now", "series"),
        ("I saved the plot to /tmp/out/plot.png.", "image"),
        ("The film was written to `film.mp4`", "video"),
        ("I have created a lovely little picture of a cat.", "image"),
        ("I've recorded the speech as a recording for you", "audio"),
        ("Here's your darker image!", "image"),
        ('<img src="cat.png" alt="a cat">', "image"),
    ],
)
def test_what_is_claimed_and_was_not_made_is_a_failed_part(text, kind):
    assert kind in claims(text)


@pytest.mark.parametrize(
    "text",
    [
        "A red circle.",
        "I could not make a picture: no paint.",
        "I have not created the image you asked for.",
        "Shall I save it as plot.png?",
        "If you like, I have drawn a picture once.",
        "See [the manual](https://example.org/manual.png).",
        "The file config.toml was written by the installer.",
        "I made a table:\n\n| a | b |\n| - | - |\n| 1 | 2 |",
        "Use it so:\n```python\nfig.savefig('plot.png')\n```",
        "Run `omni ask -a <file>` and look at [1].",
        "The words are [sic] 'a b c'.",
        "img is short for image, and utf-8 is an encoding.",
        "Here is the answer: 4.",
        "The picture shows a house; the artist created the image in 1888.",
    ],
)
def test_honest_words_stay_as_they_are(text):
    assert claims(text) == []


def test_what_is_there_may_be_named():
    part = made(name="cat.png")
    text = "I made a picture, img-1, saved as cat.png: ![it](cat.png). Here: [image]"
    assert claims(text, part, handles=["img-1"]) == []


def test_what_the_question_names_is_no_claim_of_the_answer():
    assert claims("There is no img-8.", question="show img-8") == []
    assert claims("You saved it as cat.png.", question="where is cat.png?") == []


def test_pictures_of_the_session_may_be_spoken_of_later():
    assert claims("I made a picture of a circle.", handles=["img-1"]) == []
    assert claims("I made a recording.", handles=["img-1"]) == ["audio"]


def test_a_claim_is_told_once():
    assert claims("img-7, and again img-7") == ["image"]


def test_a_failed_part_needs_no_second_one():
    failed = MediaPart(type="image", ref=None, status="failed", reason="no paint")
    assert claims("Here is your picture: [image]", failed) == []


@pytest.mark.parametrize(
    "text", ["I have made a " + "very " * 20_000, "[insert " * 3000, ": " * 20_000]
)
def test_long_and_odd_texts_are_gone_through(text):
    """The suite's time limit would end a search that does not end by itself."""
    assert claims(text) == []
