import random

import numpy as np
import pytest
import torch

from omni.model.loading import load
from omni.model.questions import TEXT
from omni.nano import corpus, writing
from omni.nano.corpus import MODALITIES, Cache
from omni.nano.lesson import Lesson, TextReader, collate
from omni.nano.lessons import KINDS, Teacher
from omni.nano.questions import image
from omni.nano.questions.exchange import Exchange
from omni.nano.stages.language import codes_of, evenly, weighted_loss
from omni.nano.world import words

TOKENS = {"image": 36, "audio": 30, "video": 48, "points": 32, "series": 32}


@pytest.fixture(scope="module")
def nano():
    return load("nano")


@pytest.fixture(scope="module")
def teacher(nano):
    """It teaches of things of the world, whose tokens nobody looks at here."""
    rng = np.random.default_rng(0)
    caches = {}
    for name in MODALITIES:
        labels = [corpus.SOURCES[name](rng, False).labels for _ in range(24)]
        width = nano.model.encoders[name].width
        ends = torch.arange(1, len(labels) + 1) * TOKENS[name]
        caches[name] = Cache(torch.randn(TOKENS[name] * len(labels), width).half(), ends, labels)
    return Teacher(
        nano.processor.tokenizer,
        nano.model.config,
        caches,
        codes_of(nano.model),
        nano.processor.lay,
    )


@pytest.fixture(scope="module")
def lessons(teacher) -> list[Lesson]:
    return [teacher.lesson(random.Random(seed)) for seed in range(150)]


def test_lessons_have_the_marks_of_dialogues(nano, lessons):
    config = nano.model.config
    for lesson in lessons:
        assert lesson.ids[-1] == config.end_token_id
        kept = sum(item.keep for item in lesson.media)
        assert lesson.ids.count(config.media_token_id) == kept
        assert lesson.ids.count(config.open_token_id) == len(lesson.media)


def test_a_lesson_is_written_as_the_processor_writes_a_dialogue(nano, teacher):
    """What is trained is what will be asked: the same marks, in the same places."""
    decode = nano.processor.tokenizer.decode
    compared = 0
    for seed in range(80):
        lesson = teacher.lesson(random.Random(seed))
        text = decode(lesson.ids)
        if "<|system|>" in text or "<|image:" in text or "<|audio:" in text:
            continue
        if [item.modality for item in lesson.media].count(TEXT) != text.count("<|user|>"):
            continue  # some words are left out on purpose
        turns = text.split("<|user|>")[1:]
        items = iter(lesson.media)
        dialogue = []
        for turn in turns:
            asked, answer = turn.split("<|end|><|assistant|>")
            dialogue.append({"role": "user", "content": _parts(asked, items)})
            dialogue.append({"role": "assistant", "content": answer.removesuffix("<|end|>")})
        if any(not part.get("text", "x") for said in dialogue[::2] for part in said["content"]):
            continue
        inputs = nano.processor.apply_chat_template(dialogue, tokenize=True, return_dict=True)
        written = inputs["input_ids"][0].tolist()
        assert written == lesson.ids
        compared += 1
    assert compared > 10


def _parts(asked, items):
    """Parts of a user's message, from its marks and the items that they stand for."""
    parts = []
    for piece in asked.split("<|open|>"):
        marks, close, words_after = piece.rpartition("<|close|>")
        if close:
            item = next(items)
            if item.modality == TEXT:
                parts.append({"type": TEXT, "features": item.features})
            else:
                tokens = item.tokens[: item.keep]
                parts.append({"type": item.modality, "tokens": tokens})
            assert marks == "<|media|>" * item.keep
        if words_after:
            parts.append({"type": "text", "text": words_after})
    return parts


def test_only_answers_are_learned(nano, lessons):
    marks = nano.model.config
    for lesson in lessons:
        answering = False
        for token, weight in zip(lesson.ids, lesson.weights, strict=True):
            assert (weight > 0) == answering
            if token == marks.assistant_token_id:
                answering = True
            elif token == marks.end_token_id:
                answering = False


def test_pictures_are_smudged_where_they_are_read_and_whole_where_they_are_wanted(nano, teacher):
    """Else a picture is learned by heart, and what was never drawn cannot be put together."""
    first = nano.model.config.codes["image"]["first"]
    key = "rising plot with season"
    codes = teacher.codes.image(key)
    smudged = 0
    for seed in range(30):
        lesson = Lesson()
        exchange = Exchange("Draw it.", key, "image")
        teacher._turn(random.Random(seed), lesson, exchange)
        start = lesson.wanted.index(nano.model.config.codes["image"]["begin"]) + 1
        wanted = torch.tensor(lesson.wanted[start : start + len(codes)]) - first
        read = torch.tensor(lesson.ids[start : start + len(codes)]) - first
        assert torch.equal(wanted, codes)
        smudged += not torch.equal(read, codes)
        apart = [
            p for p, (a, b) in enumerate(zip(lesson.ids, lesson.wanted, strict=True)) if a != b
        ]
        assert all(start <= place < start + len(codes) for place in apart)
    assert 8 < smudged < 25


def test_all_things_of_a_picture_are_listed_from_left_to_right():
    things = [
        {"colour": "red", "shape": "star", "size": "small", "x": 0.2},
        {"colour": "orange", "shape": "ring", "size": "large", "x": 0.7},
    ]
    listed = image.everything(random.Random(0), things)
    assert listed.answer == "Two things: a small red star and a large orange ring."
    alone = image.everything(random.Random(0), things[:1])
    assert alone.answer == "One thing: a small red star."


def test_the_same_seed_makes_the_same_lesson(teacher):
    first, again = (teacher.lesson(random.Random(5)) for _ in range(2))
    assert first.ids == again.ids and first.weights == again.weights


def test_where_words_are_lost_the_encoder_still_reads_the_whole_question(
    nano, teacher, monkeypatch
):
    monkeypatch.setattr(writing, "HEARD", {"some": 1.0})
    monkeypatch.setattr(writing, "hurried", lambda rng, question: question)
    monkeypatch.setattr(writing, "vary", lambda rng, question: question)
    question = "Which colour would you say the little round thing on the left has?"
    whole = teacher.features(question)["ids"]
    lost = 0
    for seed in range(40):
        lesson = Lesson()
        teacher._turn(random.Random(seed), lesson, Exchange(question, "Red."), about=True)
        (item,) = lesson.media
        assert item.features is not None and torch.equal(item.features["ids"], whole)
        text = nano.processor.tokenizer.decode(lesson.ids)
        told = text.rpartition("<|close|>")[2].partition("<|end|>")[0].split()
        left = iter(question.split())
        assert told and all(word in left for word in told), "some words, in their order"
        lost += len(question.split()) - len(told)
    assert 0.25 < lost / (40 * len(question.split())) < 0.45


def test_wishes_in_words_alone_lose_no_words(nano, teacher, monkeypatch):
    monkeypatch.setattr(writing, "HEARD", {"some": 1.0})
    monkeypatch.setattr(writing, "vary", lambda rng, question: question)
    for seed in range(20):
        lesson = Lesson()
        teacher._turn(random.Random(seed), lesson, Exchange("Say red star now.", "Red."))
        assert "Say red star now." in nano.processor.tokenizer.decode(lesson.ids)


def test_held_out_pairs_are_never_named(nano, lessons):
    pairs = {" ".join(pair) for pair in words.HELD_OUT | words.HELD_OUT_SOLIDS}
    for lesson in lessons:
        text = nano.processor.tokenizer.decode(lesson.ids)
        assert not any(pair in text for pair in pairs)


def test_every_kind_of_dialogue_is_had(lessons):
    assert sum(KINDS.values()) == pytest.approx(1)
    seen = {item.modality for lesson in lessons for item in lesson.media}
    assert seen == {*MODALITIES, TEXT}


def test_texts_are_read_once_and_each_gets_its_own_tokens(lessons):
    read = []

    def encoder(batch):
        read.extend(tuple(item["ids"].tolist()) for item in batch)
        return [item["ids"][:, None].float().expand(-1, 4) % 2000 for item in batch]

    reader = TextReader(encoder)
    some = [Lesson(media=list(lesson.media)) for lesson in lessons[:40]]
    features = [item.features for one in some for item in one.media if item.features]
    wanted = [(each["ids"] % 2000).tolist() for each in features]
    reader.read(some)
    reader.read([Lesson(media=list(lesson.media)) for lesson in lessons[:40]])
    assert len(read) == len(set(read)) > 10
    texts = [item for one in some for item in one.media if item.modality == TEXT]
    given = [item.tokens for item in texts if item.tokens is not None]
    assert [tokens[:, 0].long().tolist() for tokens in given] == wanted


def test_a_batch_is_padded_on_the_right_and_its_media_are_in_order(nano, lessons):
    some = lessons[:6]
    batch = collate(some, nano.model.config.pad_token_id)
    assert batch["input_ids"].shape == batch["weights"].shape
    assert batch["attention_mask"].sum(1).tolist() == [len(lesson.ids) for lesson in some]
    assert [id(m) for m in batch["media"]] == [id(m) for one in some for m in one.media]


def test_a_pool_is_cut_into_parts_of_about_as_many_tokens(lessons):
    parts = evenly(lessons, 5)
    assert sum(map(len, parts)) == len(lessons)
    tokens = [sum(len(lesson.ids) for lesson in part) for part in parts]
    longest = max(len(lesson.ids) for lesson in lessons)
    assert max(tokens) - min(tokens) <= 2 * longest
    bounds = [(len(part[0].ids), len(part[-1].ids)) for part in parts]
    assert bounds == sorted(bounds)


def test_the_loss_counts_as_the_weights_say():
    logits = torch.randn(3, 9)
    wanted, weights = torch.tensor([2, 3, 4]), torch.tensor([0.0, 1.0, 0.5])
    loss, _ = weighted_loss(logits, wanted, weights)
    each = [-logits[i].log_softmax(-1)[wanted[i]] for i in range(3)]
    assert loss == pytest.approx(float((each[1] + 0.5 * each[2]) / 1.5), abs=1e-6)


def test_lessons_spare_what_is_held_out_and_never_what_is_wanted(nano, teacher):
    """Where words part, and in every code of a picture that differs."""
    plot, other = "falling plot with season", "falling plot with season with level shift"
    codes, spare = teacher.codes.image(plot), teacher.codes.image(other)
    lesson = Lesson()
    teacher._turn(random.Random(1), lesson, Exchange("Draw it.", plot, "image"))
    first = nano.model.config.codes["image"]["first"]
    assert all(lesson.wanted[place] != token for place, token in lesson.absent)
    (word,) = [token for _, token in lesson.absent if token < first]
    assert nano.processor.tokenizer.decode([word]) == " with"
    begin = lesson.wanted.index(nano.model.config.codes["image"]["begin"]) + 1
    spared_codes = {place - begin: token - first for place, token in lesson.absent if token > first}
    apart = (codes != spare).nonzero().flatten().tolist()
    assert spared_codes == {place: int(spare[place]) for place in apart} and len(apart) > 4


def test_the_number_of_a_passage_counts_more_than_a_word(nano, teacher):
    lesson = Lesson()
    teacher._turn(random.Random(1), lesson, Exchange("Whose?", "Ida's cup is red. [3]", exact=True))
    weights = {
        nano.processor.tokenizer.decode([token]): weight
        for token, weight in zip(lesson.ids, lesson.weights, strict=True)
        if weight
    }
    assert weights.pop("3") == writing.MARK_WEIGHT
    assert set(weights.values()) == {1.0}


def test_what_is_drawn_of_two_things_is_drawn_often(nano, lessons):
    begin = nano.model.config.codes["image"]["begin"]
    several = [one for one in lessons if len({item.modality for item in one.media} - {TEXT}) > 1]
    drawn = [one for one in several if one.ids.count(begin)]
    assert len(drawn) / len(several) > 0.2
