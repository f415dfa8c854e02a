"""The tokenizer: pieces learned from text, marks of the dialogue, codes of the decoders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
USER, ASSISTANT, SYSTEM, TOOL = "<|user|>", "<|assistant|>", "<|system|>", "<|tool|>"
OPEN, MEDIA, CLOSE = "<|open|>", "<|media|>", "<|close|>"
CALL, CALL_END = "<|call|>", "<|/call|>"

MARKS = (PAD, USER, ASSISTANT, SYSTEM, TOOL, END, OPEN, MEDIA, CLOSE, CALL, CALL_END)
"""Marks in the order of their ids, which begin at 0."""


def begin_mark(modality: str) -> str:
    """The token after which codes of this modality follow."""
    return f"<|{modality}:begin|>"


def end_mark(modality: str) -> str:
    """The token that ends a run of codes."""
    return f"<|{modality}:end|>"


def code_mark(modality: str, code: int) -> str:
    """The token that stands for one code."""
    return f"<|{modality}:{code}|>"


def code_tokens(codes: Mapping[str, int]) -> list[str]:
    """Every token of the decoders' vocabularies; `codes` is modality name → number of codes."""
    tokens = []
    for name, count in codes.items():
        tokens += [begin_mark(name), end_mark(name)]
        tokens += [code_mark(name, code) for code in range(count)]
    return tokens


def build_tokenizer(
    texts: Iterable[str], vocab_size: int, codes: Mapping[str, int] | None = None
) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer; the same texts give the same tokenizer.

    Args:
        texts: what it should be short on. Any other text can be written too, byte by byte.
        vocab_size: marks and learned pieces together; codes come on top.
        codes: modality name → number of codes of its decoder, in the order of their ids.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(MARKS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap(tokenizer, codes or {})


def wrap(tokenizer: Tokenizer, codes: Mapping[str, int]) -> PreTrainedTokenizerFast:
    """Add the codes and make it a tokenizer of transformers, padding on the left."""
    marks = [*MARKS, *code_tokens(codes)]
    tokenizer.add_special_tokens(
        [AddedToken(mark, special=True, normalized=False) for mark in marks]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_input_names=["input_ids", "attention_mask"],
    )


def token_ids(tokenizer: PreTrainedTokenizerFast, codes: Mapping[str, int]) -> dict[str, Any]:
    """Ids that `OmniConfig` holds: of the marks by name, and of each modality's codes.

    The codes of a modality have ids that follow one another, so the first one is enough.
    """
    get = tokenizer.convert_tokens_to_ids
    ids: dict[str, Any] = {
        "pad_token_id": get(PAD),
        "end_token_id": get(END),
        "user_token_id": get(USER),
        "assistant_token_id": get(ASSISTANT),
        "system_token_id": get(SYSTEM),
        "tool_token_id": get(TOOL),
        "open_token_id": get(OPEN),
        "media_token_id": get(MEDIA),
        "close_token_id": get(CLOSE),
        "call_token_id": get(CALL),
        "call_end_token_id": get(CALL_END),
    }
    ids["codes"] = {
        name: {
            "begin": get(begin_mark(name)),
            "end": get(end_mark(name)),
            "first": get(code_mark(name, 0)),
            "count": count,
        }
        for name, count in codes.items()
    }
    return ids
