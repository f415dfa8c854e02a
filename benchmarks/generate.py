"""The embedded model through our chat model, beside plain transformers on the same weights.

The rival is the language model alone, taken out of the assembled one and given the very embeddings
that our processor, encoders and selector make: `generate` at its best setting, with a cache, on the
same threads, without the grammar that keeps codes in order. What is left of ours is what all the
rest costs.
"""

import statistics
import time

import torch

from omni.device import place
from omni.modality import modality
from omni.model.loading import load

ASKED = {
    "what is this? (image)": ("image", "What is this?"),
    "draw a blue square": (None, "Draw a blue square."),
}


def measure(repeats: int) -> list[dict]:
    """Median seconds of a whole answer on either side; equal if the tokens are the same."""
    loaded = load("nano", place("cpu", "float32"))
    rows = []
    for case, (kind, question) in ASKED.items():
        inputs = prompt(loaded, kind, question)
        settings = {"max_new_tokens": 100, "do_sample": False}
        ours, rival, equal = [], [], True
        embeds = embed(loaded, inputs)
        for _ in range(max(repeats, 5)):
            began = time.perf_counter()
            mine = loaded.model.generate(**inputs, **settings)[:, inputs["input_ids"].shape[1] :]
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            bare = loaded.model.language.generate(
                inputs_embeds=embeds,
                attention_mask=inputs["attention_mask"],
                eos_token_id=loaded.model.config.end_token_id,
                pad_token_id=loaded.model.config.pad_token_id,
                **settings,
            )
            rival.append(time.perf_counter() - began)
            equal = equal and torch.equal(mine, bare)
        fast, slow = statistics.median(ours), statistics.median(rival)
        rows.append(
            {
                "case": case,
                "seconds": round(fast, 4),
                "rival": "transformers generate on the language model alone",
                "rival_seconds": round(slow, 4),
                "ratio": round(slow / fast, 3),
                "tokens": int(mine.shape[1]),
                "tokens_per_second": round(mine.shape[1] / fast, 1),
                "equal": equal,
            }
        )
    return rows


def prompt(loaded, kind, question):
    value = {"type": kind, "value": modality(kind).example()} if kind else None
    content = [*([value] if value else []), {"type": "text", "text": question}]
    return loaded.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, add_generation_prompt=True
    )


def embed(loaded, inputs):
    """What the language model reads: words, and the media tokens in their places."""
    model = loaded.model
    embeds = model.get_input_embeddings()(inputs["input_ids"]).detach()
    if "media" in inputs:
        from omni.model.splice import splice

        with torch.no_grad():
            selected = model.select_media(inputs["input_ids"], inputs["media"])
        embeds = splice(embeds, inputs["input_ids"] == model.config.media_token_id, selected.embeds)
    return embeds
