import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from omni.content import (
    Answer,
    Citation,
    Kept,
    MediaPart,
    Part,
    Selection,
    TextPart,
    Tokens,
    Usage,
    missing,
)
from omni.media import Lineage, MediaRef

DIGEST = "ab" * 32
LINEAGE = Lineage(parents=("img-1",), prompt="a square", model="nano", seed=3)
IMAGE = MediaRef(
    handle="img-2",
    modality="image",
    mime="image/png",
    name="square.png",
    digest=DIGEST,
    size=10,
    lineage=LINEAGE,
)


def test_json_has_exactly_the_agreed_form():
    answer = Answer(
        parts=(TextPart(text="Here."), MediaPart.of(IMAGE)),
        usage=Usage(
            input_tokens=150, output_tokens=70, by_modality={"image": Tokens(input_tokens=144)}
        ),
        timings={"model": 0.5, "total": 0.6},
        citations=(Citation(source="a.pdf", page=2, score=0.5), Citation(source="b")),
        selection=Selection(budget=64, kept=64, items=(Kept(handle="img-1", kept=64, of=144),)),
    )
    assert json.loads(json.dumps(answer.to_json({"img-2": Path("out/img-2.png")}))) == {
        "parts": [
            {"type": "text", "text": "Here.", "status": "delivered"},
            {
                "type": "image",
                "handle": "img-2",
                "path": "out/img-2.png",
                "mime": "image/png",
                "status": "delivered",
                "lineage": {
                    "parents": ["img-1"],
                    "prompt": "a square",
                    "model": "nano",
                    "seed": 3,
                    "parameters": {},
                },
            },
        ],
        "usage": {
            "input_tokens": 150,
            "output_tokens": 70,
            "by_modality": {"image": {"input_tokens": 144, "output_tokens": 0}},
        },
        "timings": {"model": 0.5, "total": 0.6},
        "citations": [
            {"source": "a.pdf", "page": 2, "score": 0.5},
            {"source": "b", "score": None},
        ],
        "selection": {
            "budget": 64,
            "kept": 64,
            "items": [{"handle": "img-1", "kept": 64, "of": 144}],
        },
    }


def test_a_failed_part_says_why_and_has_no_path():
    part = MediaPart(type="audio", ref=None, status="failed", reason="the decoder broke")
    shown = Answer(parts=(part,)).to_json()["parts"][0]
    assert shown["status"] == "failed"
    assert shown["reason"] == "the decoder broke"
    assert shown["handle"] is shown["path"] is shown["mime"] is None
    assert set(shown["lineage"]) == {"parents", "prompt", "model", "seed", "parameters"}


def test_an_answer_is_ok_only_if_it_is_whole_and_all_is_delivered():
    good = TextPart(text="yes")
    assert Answer(parts=(good,)).ok
    assert not Answer().ok
    assert not Answer(parts=(good,), interrupted=True).ok
    bad = MediaPart(type="image", ref=None, status="refused", reason="no")
    answer = Answer(parts=(good, bad))
    assert not answer.ok
    assert answer.failures == [bad]
    assert answer.media == []
    assert answer.text == "yes"


def test_a_document_is_not_mixed_up_with_words():
    ref = IMAGE.model_copy(update={"handle": "doc-1", "modality": "text", "mime": "text/markdown"})
    part = MediaPart.of(ref)
    again = TypeAdapter(Part).validate_json(part.model_dump_json())
    assert again == part
    assert Answer(parts=(part,)).to_json()["parts"][0]["type"] == "document"


def test_usages_add_up_by_modality():
    one = Usage(input_tokens=5, output_tokens=1, by_modality={"text": Tokens(input_tokens=5)})
    two = Usage(
        input_tokens=9,
        by_modality={"text": Tokens(input_tokens=1), "image": Tokens(input_tokens=8)},
    )
    total = one + two
    assert (total.input_tokens, total.output_tokens) == (14, 1)
    assert total.by_modality["text"] == Tokens(input_tokens=6)
    assert total.by_modality["image"] == Tokens(input_tokens=8)


def test_what_was_asked_for_and_is_not_there_is_missing():
    parts = [TextPart(text="no"), MediaPart.of(IMAGE)]
    found = missing(["text", "image", "audio", "audio"], parts)
    assert [part.type for part in found] == ["audio"]
    assert "asked for" in str(found[0].reason)


def test_unknown_fields_and_statuses_are_refused():
    with pytest.raises(ValidationError):
        TextPart(text="x", status="maybe")  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        MediaPart(type="image", ref=None, path="x")  # type: ignore[call-arg]
