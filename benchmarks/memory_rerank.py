"""How much sooner a model judges hits in batches than one by one, and whether it judges alike.

Both sides judge the same pictures for the same question with the same weights, in alternation, and
nothing is remembered between them. `difference` is the largest one between both sides' scores: of
log-probabilities in nats for the embedded model, of probabilities of Yes for the other, which has a
real class of transformers with random weights.

    python benchmarks/memory_rerank.py --out benchmarks/results/memory-rerank-cpu.json
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from omni.evaluation.rows import versions
from omni.memory.record import Hit, Query, Record
from omni.memory.retrieve.judge import JudgeReranker, TransformersJudge
from omni.memory.retrieve.telling import TellingReranker
from omni.modality import modality
from omni.nano.world import group

HITS = 20
BATCH = 10
ALIKE = 1e-3
QUERY = Query("from left to right: a small red circle, a large blue square and a small green star")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--model", default="nano", help="nano, or a folder")
    parser.add_argument("--out", type=Path, help="file for the figures")
    given = parser.parse_args()
    hits = pictures(HITS)
    with tempfile.TemporaryDirectory() as folder:
        chat = random_llava(Path(folder))
        rows = [
            compared("telling, pictures new to it", telling(given.model), hits, given.repeats),
            compared("telling, pictures read before", warm(given.model, hits), hits, given.repeats),
            compared("judge, P(yes) of a LLaVA", judging(chat), hits, given.repeats),
        ]
    told = {
        "what": "memory rerank",
        "device": f"cpu, {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": versions(),
        "repeats": given.repeats,
        "hits": HITS,
        "batch": BATCH,
        "rows": rows,
    }
    print(json.dumps(told, indent=1))
    if given.out:
        given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")


Judged = Callable[[Sequence[Hit], int], list[float]]
"""Scores of hits, so many at once."""


def compared(case: str, judged: Judged, hits: Sequence[Hit], repeats: int) -> dict[str, Any]:
    """Medians of both ways; the first round of each does not count."""
    times: dict[int, list[float]] = {BATCH: [], 1: []}
    scores: dict[int, list[float]] = {}
    for _ in range(repeats + 1):
        for batch, spent in times.items():
            began = time.perf_counter()
            scores[batch] = judged(hits, batch)
            spent.append(time.perf_counter() - began)
    ours, theirs = (statistics.median(times[batch][1:]) for batch in (BATCH, 1))
    ratios = [one / many for many, one in zip(times[BATCH][1:], times[1][1:], strict=True)]
    difference = float(np.abs(np.subtract(scores[BATCH], scores[1])).max())
    return {
        "case": case,
        "seconds": round(ours, 4),
        "rival": "the same, one hit at a time",
        "rival_seconds": round(theirs, 4),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(one, 2) for one in ratios],
        "difference": difference,
        "equal": difference <= ALIKE,
    }


def telling(model: str) -> Judged:
    """The embedded model, which reads every picture anew."""
    return lambda hits, batch: TellingReranker(model, batch=batch).score(QUERY, hits)


def warm(model: str, hits: Sequence[Hit]) -> Judged:
    """The embedded model, whose encoders have read the pictures for an earlier question."""
    rerankers = {batch: TellingReranker(model, batch=batch) for batch in (BATCH, 1)}
    for one in rerankers.values():
        one.score(QUERY, hits)
    return lambda hits, batch: rerankers[batch].score(QUERY, hits)


def judging(chat: Any) -> Judged:
    """A vision model of transformers as judge, which remembers nothing."""
    judge = TransformersJudge(chat)
    return lambda hits, batch: JudgeReranker(judge, batch=batch).score(QUERY, hits)


def pictures(count: int) -> list[Hit]:
    """Hits that show pictures of the world, with captions of several lengths."""
    kind = modality("image")
    rng = np.random.default_rng(7)
    hits = []
    for place in range(count):
        media = kind.save(group.draw(group.sample(rng, count=1 + place % 4)), name=f"p{place}")
        text = "a picture of things " * (1 + place % 3)
        hits.append(Hit(Record(f"p{place}", text, "image", media), -place))
    return hits


def random_llava(folder: Path) -> Any:
    """A LLaVA of 25 million parameters with random weights, saved and loaded as any other is."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    from omni.chat.transformers import ChatTransformers

    t: Any = transformers
    letters = ["<pad>", "</s>", "<unk>", "<image>"]
    letters += [chr(code) for code in range(32, 127)] + ["Yes", "No", "yes", "no"]
    bare = Tokenizer(models.WordLevel({one: n for n, one in enumerate(letters)}, unk_token="<unk>"))
    bare.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    words = t.PreTrainedTokenizerFast(
        tokenizer_object=bare, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    words.add_special_tokens({"additional_special_tokens": ["<image>", "Yes", "No", "yes", "no"]})
    sight = t.CLIPImageProcessorPil(size={"shortest_edge": 112}, crop_size=112)
    processor = t.LlavaProcessor(
        image_processor=sight,
        tokenizer=words,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=(
            "{% for m in messages %}{% for c in m['content'] %}"
            "{% if c['type'] == 'image' %}<image>{% else %}{{ c['text'] }}{% endif %}"
            "{% endfor %}{% endfor %}"
        ),
    )
    torch.manual_seed(0)
    width = {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6}
    config = t.LlavaConfig(
        vision_config=t.CLIPVisionConfig(
            **width, intermediate_size=1024, image_size=112, patch_size=14
        ),
        text_config=t.LlamaConfig(
            **width, vocab_size=len(words), intermediate_size=1024, pad_token_id=0, eos_token_id=1
        ),
        image_token_id=words.convert_tokens_to_ids("<image>"),
    )
    t.LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return ChatTransformers(model=str(folder), dtype="float32")


if __name__ == "__main__":
    main()
