import random

import pytest
import torch

from omni.model.loading import load
from omni.nano.corpus import MODALITIES, Cache
from omni.nano.lessons import Codes, Teacher, collate, picture_codes
from omni.nano.stages.language import weighted_loss
from omni.nano.world import words

LABELS = {
    "image": {"colour": "red", "shape": "circle", "size": "large", "place": "left"},
    "audio": {"kind": "speech", "text": "red circle"},
    "video": {"colour": "blue", "shape": "star", "motion": "up"},
    "points": {"colour": "green", "solid": "cube", "size": "small"},
    "series": {"trend": "rising", "season": True, "event": ""},
}


@pytest.fixture(scope="module")
def nano():
    return load("nano")


@pytest.fixture(scope="module")
def teacher(nano):
    caches = {
        name: Cache(torch.randn(40, 192).half(), torch.tensor([20, 40]), [LABELS[name]] * 2)
        for name in MODALITIES
    }
    audio = {"red circle": torch.arange(5), "blue star": torch.arange(7)}
    codes = Codes(picture_codes(nano.model.decoders["image"]), audio)
    return Teacher(nano.processor.tokenizer, nano.model.config, caches, codes)


def test_lessons_are_written_as_the_processor_writes_dialogues(nano, teacher):
    """What is trained is what will be asked: same marks, same places for media."""
    for seed in range(60):
        lesson = teacher.lesson(random.Random(seed))
        config = nano.model.config
        assert lesson.ids[0] == config.user_token_id and lesson.ids[-1] == config.end_token_id
        kept = sum(item.keep for item in lesson.media)
        assert lesson.ids.count(config.media_token_id) == kept
        assert lesson.ids.count(config.open_token_id) == len(lesson.media)


def test_only_answers_are_learned(nano, teacher):
    marks = nano.model.config
    for seed in range(60):
        lesson = teacher.lesson(random.Random(seed))
        answering = False
        for token, weight in zip(lesson.ids, lesson.weights, strict=True):
            assert (weight > 0) == answering
            if token == marks.assistant_token_id:
                answering = True
            elif token == marks.end_token_id:
                answering = False


def test_the_same_seed_makes_the_same_lesson(teacher):
    first, again = (teacher.lesson(random.Random(5)) for _ in range(2))
    assert first.ids == again.ids and first.weights == again.weights


def test_held_out_pairs_are_never_drawn(nano, teacher):
    pairs = {" ".join(pair) for pair in words.HELD_OUT}
    decode = nano.processor.tokenizer.decode
    for seed in range(300):
        text = decode(teacher.lesson(random.Random(seed)).ids)
        assert not any(pair in text for pair in pairs)


def test_a_batch_is_padded_on_the_right_and_its_media_are_in_order(nano, teacher):
    lessons = [teacher.lesson(random.Random(seed)) for seed in range(6)]
    batch = collate(lessons, nano.model.config.pad_token_id)
    assert batch["input_ids"].shape == batch["weights"].shape
    assert batch["attention_mask"].sum(1).tolist() == [len(lesson.ids) for lesson in lessons]
    assert [id(m) for m in batch["media"]] == [id(m) for one in lessons for m in one.media]


def test_the_loss_counts_as_the_weights_say():
    class Outputs:
        logits = torch.randn(1, 4, 9)
        router_loss = None

    ids, weights = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[0.0, 0.0, 1.0, 0.5]])
    loss, _ = weighted_loss(Outputs, ids, weights)
    each = [-Outputs.logits[0, i].log_softmax(-1)[ids[0, i + 1]] for i in range(3)]
    assert loss == pytest.approx(float((each[1] + 0.5 * each[2]) / 1.5), abs=1e-6)
