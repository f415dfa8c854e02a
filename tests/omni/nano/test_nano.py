"""The embedded model as it ships: what it says of the bundled samples, and what it makes."""

from pathlib import Path

import pytest
import torch

from omni.device import place
from omni.evaluation import judging
from omni.evaluation.answering import Answerer
from omni.modality import modality, open_media
from omni.model.loading import load
from omni.model.pieces import CodesPiece, TextPiece
from omni.nano.cases import Case, Thing
from omni.nano.dialogue import Exchange
from omni.nano.package import LIMIT_BYTES, WEIGHTS

SAMPLES = Path(__file__).parents[3] / "recipes" / "samples"


@pytest.fixture(scope="module")
def nano():
    return load("nano", place("cpu", "float32"))


def ask(nano, question, *names):
    parts = []
    for name in names:
        media = open_media(SAMPLES / name)
        parts.append({"type": media.modality, "value": modality(media.modality).load(media)})
    message = {"role": "user", "content": [*parts, {"type": "text", "text": question}]}
    inputs = nano.processor.apply_chat_template(
        [message], tokenize=True, add_generation_prompt=True
    )
    output = nano.model.generate(**inputs, max_new_tokens=150, do_sample=False)
    return nano.processor.decode_parts(output[0, inputs["input_ids"].shape[1] :])


def words_of(pieces):
    return "".join(piece.text for piece in pieces if isinstance(piece, TextPiece))


def answered(nano, wish, value=None, budget=None):
    """What is said and made when a picture, or nothing, is attached."""
    answerer = Answerer(nano, budget)
    things = ()
    if value is not None:
        things = (Thing("image", answerer.encode("image", [value])[0], {}),)
    return answerer.answer([Case((wish,), things)])[0][0]


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("red-circle.png", ("red", "circle")),
        ("blue-square.wav", ("blue", "square")),
        ("three-beeps.wav", ("three", "beeps")),
        ("moving-right.mp4", ("moves right",)),
        ("torus.ply", ("torus",)),
        ("rising.csv", ("rising",)),
    ],
)
def test_each_sample_is_told(nano, sample, words):
    said = words_of(ask(nano, "What is this?", sample)).lower()
    assert all(word in said for word in words), said


def test_a_wish_for_a_picture_is_drawn(nano):
    wish = Exchange("Draw a blue square.", "large blue square middle", "image")
    assert judging.right(wish, answered(nano, wish))


def test_a_wish_for_speech_is_spoken(nano):
    pytest.importorskip("pocketsphinx")
    wish = Exchange("Say blue square.", "blue square", "audio")
    assert judging.right(wish, answered(nano, wish))


def test_codes_come_from_the_language_model(nano):
    """Another wish makes other codes: nothing is looked up."""
    drawn = {}
    for colour in ("red", "blue"):
        pieces = ask(nano, f"Draw a {colour} circle.")
        drawn[colour] = next(piece.codes for piece in pieces if isinstance(piece, CodesPiece))
    assert drawn["red"] != drawn["blue"] and len(drawn["red"]) == 68


def test_the_answer_depends_on_the_picture(nano):
    from omni.nano.world import scene

    said = set()
    for colour in ("red", "green", "blue", "yellow"):
        value = scene.draw(scene.clean(colour, "circle"), 128, 128)
        said.add(answered(nano, Exchange("What colour is it?", ""), value).text)
    assert said == {"Red.", "Green.", "Blue.", "Yellow."}


def test_a_small_budget_still_answers(nano):
    from omni.compression.budget import Budget

    media = open_media(SAMPLES / "red-circle.png")
    value = modality("image").load(media)
    question = Exchange("What colour is it?", "Red.")
    assert answered(nano, question, value, Budget(tokens=16)).text == "Red."


def test_the_weights_fit_the_package_and_are_no_pickle():
    sizes = {path.suffix: path.stat().st_size for path in WEIGHTS.iterdir()}
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= LIMIT_BYTES
    assert ".safetensors" in sizes and not {".bin", ".pt", ".pkl"} & set(sizes)


def test_half_precision_says_the_same(nano):
    halved = load("nano", place("cpu", "bfloat16"))
    assert next(halved.model.parameters()).dtype == torch.bfloat16
    assert words_of(ask(halved, "What colour is it?", "red-circle.png")) == "Red."


def test_the_card_states_measured_figures():
    card = (WEIGHTS / "README.md").read_text()
    for given in ("text", "image", "audio", "video", "points", "series"):
        for output in ("text", "image", "audio"):
            assert f"| {given} | {output} | new seeds |" in card
    assert (WEIGHTS / "matrix.png").stat().st_size <= 60_000
