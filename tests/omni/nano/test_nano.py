"""The embedded model as it ships: what it says of the bundled samples, and what it makes."""

from pathlib import Path

import pytest
import torch

from omni.device import place
from omni.modality import modality, open_media
from omni.model.loading import load
from omni.model.pieces import CodesPiece, TextPiece
from omni.nano.dialogue import Exchange
from omni.nano.evaluate import Case, answers, judge_audio, judge_image
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
    case = Case(Exchange("Draw a blue square.", "large blue square middle", "image"))
    assert judge_image(case, next(answers(nano, [case])))


def test_a_wish_for_speech_is_spoken(nano):
    pytest.importorskip("pocketsphinx")
    case = Case(Exchange("Say blue square.", "blue square", "audio"))
    assert judge_audio(case, next(answers(nano, [case])))


def test_codes_come_from_the_language_model(nano):
    """Another wish makes other codes: nothing is looked up."""
    drawn = {}
    for colour in ("red", "blue"):
        pieces = ask(nano, f"Draw a {colour} circle.")
        drawn[colour] = next(piece.codes for piece in pieces if isinstance(piece, CodesPiece))
    assert drawn["red"] != drawn["blue"] and len(drawn["red"]) == 64


def test_the_answer_depends_on_the_picture(nano):
    from omni.nano.world import scene

    said = set()
    for colour in ("red", "green", "blue", "yellow"):
        value = scene.draw(scene.clean(colour, "circle"), 128, 128)
        case = Case(Exchange("What colour is it?", ""), "image", value)
        said.add(next(answers(nano, [case])).text)
    assert said == {"Red.", "Green.", "Blue.", "Yellow."}


def test_a_small_budget_still_answers(nano):
    from omni.compression.budget import Budget

    media = open_media(SAMPLES / "red-circle.png")
    value = modality("image").load(media)
    case = Case(Exchange("What colour is it?", "Red."), "image", value)
    assert next(answers(nano, [case], Budget(tokens=16))).text == "Red."


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
    for cell in ("| image | text |", "| audio | text |", "| text | image |", "| text | audio |"):
        assert cell in card
