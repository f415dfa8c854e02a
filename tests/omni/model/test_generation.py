"""The grammar of codes under hostile logits, and the streaming of parts."""

import threading
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from omni.model.generation import CodeGrammar
from omni.model.pieces import CallPiece, CodesPiece, TextPiece, merge
from omni.model.streaming import PartStreamer, stream_parts


def prompt(processor, words="draw a square"):
    dialogue = [{"role": "user", "content": words}]
    return processor.apply_chat_template(dialogue, tokenize=True, add_generation_prompt=True)


def check(ids, codes, special):
    """Read a row from left to right by the rules; return finished items."""
    inside, count, done = None, 0, []
    begins = {code["begin"]: name for name, code in codes.items()}
    for token in ids:
        owner = next(
            (n for n, c in codes.items() if c["first"] <= token < c["first"] + c["count"]), None
        )
        if inside is None:
            assert owner is None and token not in special
            assert token not in [code["end"] for code in codes.values()]
            if token in begins:
                inside, count = begins[token], 0
            continue
        code = codes[inside]
        most = code["length"] or code["max_length"]
        if token == code["end"]:
            assert 1 <= count <= most and (not code["length"] or count == most)
            done.append((inside, count))
            inside = None
        else:
            assert owner == inside and count < most
            count += 1
    return done


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), pull=st.sampled_from(["none", "begin", "codes", "end"]))
def test_grammar_holds_under_any_logits(shared, seed, pull):
    model, processor = shared
    config, codes = model.config, processor.codes
    grammar = CodeGrammar(config)
    vocabulary = len(processor.tokenizer)
    generator = torch.Generator().manual_seed(seed)
    ids = prompt(processor)["input_ids"].expand(3, -1)
    start = ids.shape[1]
    for _ in range(40):
        scores = 5 * torch.randn(3, vocabulary, generator=generator)
        for code in codes.values():
            if pull == "begin":
                scores[:, code["begin"]] += 20
            if pull == "end":
                scores[:, code["end"]] += 20
            if pull == "codes":
                scores[:, code["first"] : code["first"] + code["count"]] += 20
        allowed = grammar(ids, scores)
        assert (allowed > -torch.inf).any(1).all(), "something can always be said"
        ids = torch.cat([ids, allowed.argmax(1, keepdim=True)], 1)
    special = set(config.control_ids()) - {config.end_token_id, config.call_token_id}
    special -= {config.call_end_token_id}
    special -= {token for c in codes.values() for token in (c["begin"], c["end"])}
    special -= {t for c in codes.values() for t in range(c["first"], c["first"] + c["count"])}
    finished = [item for row in ids[:, start:].tolist() for item in check(row, codes, special)]
    if pull == "begin":
        assert finished


def test_grammar_reads_codes_of_the_history(made):
    """An unfinished item in the prompt is finished; a finished one does not bind."""
    model, processor = made
    grammar = CodeGrammar(model.config)
    code = processor.codes["ramp"]
    ids = torch.tensor([[code["begin"], code["first"], code["first"] + 1]])
    zeros = torch.zeros(1, len(processor.tokenizer))
    allowed = (grammar(ids, zeros)[0] == 0).nonzero().flatten().tolist()
    assert allowed == list(range(code["first"], code["first"] + code["count"]))
    ids = torch.cat([ids, torch.tensor([[code["first"]]])], 1)
    assert (grammar(ids, zeros)[0] == 0).nonzero().flatten().tolist() == [code["end"]]
    ids = torch.cat([ids, torch.tensor([[code["end"]]])], 1)
    assert grammar(ids, zeros)[0, processor.tokenizer.eos_token_id] == 0
    assert grammar(ids, zeros)[0, code["first"]] == -torch.inf


@torch.no_grad()
def test_generate_makes_media_that_decode(made):
    model, processor = made
    for name in ("ramp", "wave"):
        inputs = prompt(processor)
        begin = torch.tensor([[processor.codes[name]["begin"]]])
        ids = torch.cat([inputs["input_ids"], begin], 1)
        out = model.generate(input_ids=ids, max_new_tokens=8, do_sample=False)
        pieces = processor.decode_parts(out[0, ids.shape[1] - 1 :])
        piece = pieces[0]
        assert isinstance(piece, CodesPiece) and piece.modality == name and piece.complete
        assert isinstance(model.decode_media(name, torch.tensor(piece.codes)), float)


def feed(processor, text):
    ids = processor.encode(text)
    scanner = processor.scanner()
    pieces = [piece for token in ids for piece in scanner.feed(token)]
    return [*pieces, *scanner.finish()]


def test_pieces_in_order(made):
    _, processor = made
    codes = "<|ramp:begin|><|ramp:1|><|ramp:2|><|ramp:0|><|ramp:end|>"
    text = f'A{codes} b<|call|>{{"name": "x"}}<|/call|><|end|>'
    assert merge(feed(processor, text)) == [
        TextPiece("A"),
        CodesPiece("ramp", (1, 2, 0), True),
        TextPiece(" b"),
        CallPiece('{"name": "x"}', "x", {}, True),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|ramp:begin|><|ramp:1|>", CodesPiece("ramp", (1,), False)),
        ("<|ramp:begin|><|ramp:1|><|end|>", CodesPiece("ramp", (1,), False)),
        ("<|call|>{", CallPiece("{", None, {}, False)),
        ("<|call|>[1]<|/call|>", CallPiece("[1]", None, {}, True)),
        (
            '<|call|>{"name": "x", "arguments": 3}<|/call|>',
            CallPiece('{"name": "x", "arguments": 3}', None, {}, True),
        ),
    ],
)
def test_what_is_cut_off_or_broken_is_told(made, text, expected):
    assert merge(feed(made[1], text)) == [expected]


def test_text_streams_in_whole_characters(made):
    _, processor = made
    text = "Zwölf Boxkämpfer — 日本語 🙂!"
    pieces = feed(processor, text)
    assert len(pieces) > 5
    assert all("�" not in piece.text for piece in pieces)
    assert "".join(piece.text for piece in pieces) == text


@torch.no_grad()
def test_streamed_pieces_equal_the_whole_answer(made):
    model, processor = made
    inputs = prompt(processor)
    settings = {"max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False}
    whole = model.generate(**inputs, **settings)[0, inputs["input_ids"].shape[1] :]
    streamed = list(stream_parts(model, processor, inputs, **settings))
    assert merge(streamed) == processor.decode_parts(whole)
    streamer = PartStreamer(processor)
    model.generate(**inputs, **settings, streamer=streamer)
    assert list(streamer) == streamed


def test_cancelling_keeps_what_was_said(made):
    model, processor = made
    cancel = threading.Event()
    settings: Any = {"max_new_tokens": 200, "min_new_tokens": 200}
    heard = []
    for piece in stream_parts(model, processor, prompt(processor), cancel=cancel, **settings):
        heard.append(piece)
        cancel.set()
    assert 1 <= len(heard) < 20
    before = threading.active_count()
    stream = stream_parts(model, processor, prompt(processor), **settings)
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_an_error_of_the_generation_reaches_the_reader(made):
    model, processor = made
    inputs = prompt(processor)
    inputs["input_ids"] = inputs["input_ids"] + 10_000
    with pytest.raises(IndexError):
        list(stream_parts(model, processor, inputs, max_new_tokens=3))
