"""The learned selector: a scorer of tokens learns what a question is about.

First it is shown where in a picture the things lie that a question names, which costs no more than
looking. Then it learns through the finished model, which stays as it is: with a random number of
tokens that it chose, the right answer should be as likely as can be. Both see what training saw and
nothing else. Run it after the language model: `python -m omni.nano.stages.scorer --out runs/nano`.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from omni.compression.learned import Scorer, gathered, stored
from omni.model.item import MediaItem
from omni.model.questions import TEXT
from omni.model.splice import assign_rows, pack_rows, splice
from omni.model.turns import question_mask
from omni.nano import corpus, dialogue
from omni.nano.corpus import Cache
from omni.nano.lesson import Lesson, TextReader, collate
from omni.nano.lessons import Teacher
from omni.nano.questions.exchange import Exchange, vary
from omni.nano.stages import attention
from omni.nano.stages.language import codes_of, evenly, weighted_loss
from omni.nano.stages.loop import Schedule, train
from omni.nano.stages.pointing import meant, pointed

NAME = "scorer"
SIZES = {"inner": 64, "readers": 8, "blocks": 1, "heads": 8}

SHOWN, SHOWN_STEPS, SHOWN_RATE = 12, 1500, 3e-3
"""Pictures of a batch of the first part, its steps and its learning rate."""

QUESTIONS = 3
"""Questions about each of these pictures: it costs as much to see one as to ask three."""

ASKED, ASKED_STEPS, ASKED_RATE = 16, 500, 5e-4
"""The same of the second part: dialogues."""

WHOLE = 0.1
"""How often a question about the whole of a picture is taken in the first part."""

POOL = 8  # batches that are drawn together and cut by length

KINDS = {"image": 0.52, "video": 0.1, "audio": 0.2, "points": 0.04, "series": 0.04, "pairs": 0.1}
"""What dialogues of the second part are about, and how often."""

ALONE = 0.35
"""How often a picture of one thing is taken: of what else is there, it teaches nothing."""

LEAST, MOST = 0.03, 0.4
"""Shares of tokens that are kept, drawn evenly on a logarithmic scale."""

SPARE = 8
"""Beside twice as many tokens as are to be kept, so many more stay in reach of the gradient."""


class Asker(Teacher):
    """Dialogues about whole things, of which only the last answer counts."""

    def lesson(self, rng: random.Random) -> Lesson:
        lesson = Lesson()
        kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        if kind == "pairs":
            self._together(rng, lesson)
        else:
            self._about(rng, lesson, kind, turns=rng.choice((1, 1, 2)))
        asked = [place for place, one in enumerate(lesson.ids) if one == self.config.user_token_id]
        # Codes follow from the words before them, and would drown what the words have to say.
        lesson.weights = [
            1.0 if weight == 1 and place > asked[-1] else 0.0
            for place, weight in enumerate(lesson.weights)
        ]
        return lesson

    def picture(self, rng: random.Random) -> tuple[Tensor, list[tuple[Tensor, str]]]:
        """A picture, and questions about it that are answered in words, with where to look."""
        while True:
            tokens, labels = self._thing(rng, "image")
            if len(labels.get("objects", ())) > 1:
                break
        asked: list[tuple[Tensor, str]] = []
        while len(asked) < QUESTIONS:
            exchange = dialogue.asking(rng, "image", labels)
            if exchange is None or not self._answerable(exchange):
                continue
            told = labels["objects"], exchange.question, exchange.answer
            if 0 < len(meant(*told)) < len(told[0]) or rng.random() < WHOLE:
                target = pointed(*told)
                asked.append((target, vary(rng, exchange.question)))
        return tokens, asked

    def _thing(self, rng: random.Random, kind: str) -> tuple[Tensor, corpus.Labels]:
        while True:
            tokens, labels = super()._thing(rng, kind)
            if len(labels.get("objects", (1, 2))) > 1 or rng.random() < ALONE:
                return tokens, labels

    def _item(
        self, rng: random.Random, kind: str, tokens: Tensor, most: int | None = None
    ) -> MediaItem:
        return MediaItem.encoded(kind, tokens, grid=self.lay(kind, len(tokens)))

    def _turn(
        self,
        rng: random.Random,
        lesson: Lesson,
        exchange: Exchange,
        items: Sequence[MediaItem] = (),
        *,
        about: bool = False,
        handle: str = "",
    ) -> None:
        """What a user asks; all words are heard, since they are what the scorer goes by."""
        super()._turn(rng, lesson, exchange, items)


class Shown:
    """The first step function: where the things are that a question is about."""

    def __init__(self, model: Any, scorer: Scorer, asker: Asker, seed: int):
        self.model, self.scorer, self.asker, self.seed = model, scorer, asker, seed

    def __call__(self, step: int) -> tuple[Tensor, dict[str, float]]:
        rng = random.Random(f"{self.seed} shown {step}")
        seen = [self.asker.picture(rng) for _ in range(SHOWN)]
        targets = torch.stack([target for _, asked in seen for target, _ in asked])
        with torch.no_grad():
            words, mask = self._words([text for _, asked in seen for _, text in asked])
            items = [
                MediaItem.encoded("image", tokens, grid=self.asker.lay("image", len(tokens)))
                for tokens, _ in seen
            ]
            # Experts are told of one of the questions: what they make of others differs little.
            pooled = (words * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            x = torch.stack(self.model.embed_media(items, pooled[::QUESTIONS]))
            x = x.repeat_interleave(QUESTIONS, 0)
        scores = self.scorer(x, torch.ones(x.shape[:2], dtype=torch.bool), words, mask).float()
        loss = functional.cross_entropy(scores, targets)
        top = scores.topk(max(1, round(0.11 * scores.shape[1]))).indices
        return loss, {"caught": targets.gather(1, top).sum(1).mean().item()}

    def _words(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        ids = [torch.tensor(self.asker._ids(text)) for text in texts]
        mask = pad_sequence([torch.ones_like(one) for one in ids], batch_first=True).bool()
        return self.model.get_input_embeddings()(pad_sequence(ids, batch_first=True)), mask


class Asked:
    """The second step function: how unlikely right answers are with what the scorer leaves."""

    def __init__(self, model: Any, scorer: Scorer, asker: Asker, seed: int, steps: int):
        self.model, self.scorer, self.asker, self.seed = model, scorer, asker, seed
        self.steps = steps
        self.reader = TextReader(model.encoders[TEXT])
        self.waiting: tuple[int, list[dict]] = (-1, [])

    def __call__(self, step: int) -> tuple[Tensor, dict[str, float]]:
        batch = self._batch(step)
        rng = random.Random(f"{self.seed} kept {step}")
        noise = torch.Generator().manual_seed(step)
        # Soft at first, so that gradients reach far; hard in the end, as it is used.
        heat = 1.0 - 0.7 * step / self.steps
        return self._loss(batch, rng, noise, heat)

    def _batch(self, step: int) -> dict:
        number, place = divmod(step, POOL)
        if self.waiting[0] != number:
            rng = random.Random(f"{self.seed} asked {number}")
            lessons = [self.asker.lesson(rng) for _ in range(ASKED * POOL)]
            self.reader.read(lessons)
            batches = [
                collate(some, self.model.config.pad_token_id) for some in evenly(lessons, POOL)
            ]
            rng.shuffle(batches)
            self.waiting = number, batches
        return self.waiting[1][place]

    def _loss(
        self, batch: dict, rng: random.Random, noise: torch.Generator, heat: float
    ) -> tuple[Tensor, dict[str, float]]:
        ids, config = batch["input_ids"], self.model.config
        places = ids == config.media_token_id
        with torch.no_grad():
            mask = question_mask(ids, config, ids.where(batch["weights"] > 0, -100))
            words = self.model.get_input_embeddings()(ids)
            media = batch["media"]
            rows = torch.tensor(assign_rows(places.sum(1).tolist(), [m.keep for m in media]))
            pooled = (words * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
            tokens = self.model.embed_media(media, pooled[rows])
        chosen = [place for place, item in enumerate(media) if item.modality != TEXT]
        x = pad_sequence([tokens[place] for place in chosen], batch_first=True)
        counts = torch.tensor([len(tokens[place]) for place in chosen])
        there = torch.arange(x.shape[1]) < counts[:, None]
        asked = gathered(words[rows[chosen]], mask[rows[chosen]])
        scores = self.scorer(x, there, *asked).float()
        share = torch.tensor([LEAST * (MOST / LEAST) ** rng.random() for _ in chosen])
        keep = (share * counts).round().long().clamp(min=1)
        gates = relaxed(scores, there, keep, heat)  # [G, N], log
        near = reach(scores, there, 2 * keep + SPARE, noise)
        # What is out of reach is taken out, so that little is left to be read.
        bias = [item.tokens.new_zeros(len(item.tokens)) for item in media]
        stays = [torch.ones(len(one), dtype=torch.bool) for one in bias]
        for row, place in enumerate(chosen):
            bias[place] = gates[row, : counts[row]]
            stays[place] = near[row, : counts[row]]
        return self._read(batch, words, tokens, bias, stays, rows.tolist(), places)

    def _read(
        self,
        batch: dict,
        words: Tensor,
        tokens: list[Tensor],
        bias: list[Tensor],
        stays: list[Tensor],
        rows: list[int],
        places: Tensor,
    ) -> tuple[Tensor, dict[str, float]]:
        count = len(words)
        embeds = splice(words, places, pack_rows(tokens, rows, count))
        lean = pack_rows([one[:, None] for one in bias], rows, count)
        lean = splice(words.new_zeros(*places.shape, 1), places, lean).squeeze(-1)
        there = pack_rows([one[:, None].float() for one in stays], rows, count)
        left = splice(batch["attention_mask"][..., None].float(), places, there).squeeze(-1) > 0
        order = _shortened(left)
        present = left.gather(1, order)
        embeds = embeds.gather(1, order[..., None].expand(-1, -1, embeds.shape[2]))
        lean, wanted, weights = (
            one.gather(1, order) for one in (lean, batch["wanted"], batch["weights"] * left)
        )
        counts = weights[:, 1:] * present[:, 1:]
        states = self.model.language.model(
            inputs_embeds=embeds,
            attention_mask=_seen(present, lean),
            position_ids=(present.long().cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
        heard = counts > 0
        logits = cast("Any", self.model.get_output_embeddings())(states[:, :-1][heard])
        return weighted_loss(logits, wanted[:, 1:][heard], counts[heard])


def relaxed(scores: Tensor, there: Tensor, keep: Tensor, heat: float) -> Tensor:
    """Log gates `[G, N]`: sigmoids of scores, so many of which `keep` are open in sum.

    A gate of nought hides a token from attention as if it were not there, so that the selection is
    exact where all gates are nought or one.

    Args:
        scores: `[G, N]`.
        there: bool `[G, N]`.
        keep: `[G]`.
        heat: how soft the gates are.
    """
    with torch.no_grad():
        low, high = scores.amin(1) - 20 * heat, scores.amax(1) + 20 * heat
        for _ in range(40):
            middle = (low + high) / 2
            opened = (torch.sigmoid((scores - middle[:, None]) / heat) * there).sum(1)
            low, high = (
                torch.where(opened > keep, middle, low),
                torch.where(opened > keep, high, middle),
            )
    gate = torch.sigmoid((scores - low[:, None]) / heat) * there
    slope = gate * (1 - gate)
    # One step of Newton's, which moves nothing but lets the gradient see that gates share a sum.
    shift = (gate.sum(1) - gate.sum(1).detach()) / slope.sum(1).detach().clamp(min=1e-4)
    return functional.logsigmoid((scores - low[:, None]) / heat - shift[:, None])


def reach(scores: Tensor, there: Tensor, count: Tensor, noise: torch.Generator) -> Tensor:
    """Bool `[G, N]`: the tokens with the `count` highest scores, to which chance adds a little."""
    chance = torch.rand(scores.shape, generator=noise).clamp(1e-6, 1 - 1e-6)
    gumbel = -(-chance.log()).log()
    ranked = (scores.detach() + gumbel).masked_fill(~there, -torch.inf)
    rank = ranked.argsort(1, descending=True).argsort(1)
    return (rank < count[:, None]) & there


def _shortened(left: Tensor) -> Tensor:
    """Places `[B, most left]` of what is left in each row, in order, and then of something else."""
    order = left.long().argsort(dim=1, descending=True, stable=True)
    return order[:, : int(left.sum(1).max())]


def _seen(present: Tensor, lean: Tensor) -> Tensor:
    """What is added to attention, `[B, 1, L, L]`: gates, and nothing of later places or padding."""
    length = present.shape[1]
    open_ = present[:, None] & torch.ones(length, length, dtype=torch.bool).tril()
    return lean[:, None].expand(-1, length, -1).masked_fill(~open_, -1e9)[:, None]


def run(
    out: Path,
    *,
    minutes: float = 10.0,
    seed: int = 0,
    model_folder: Path | None = None,
    steps: tuple[int, int] = (SHOWN_STEPS, ASKED_STEPS),
) -> dict:
    """Train for at most so many minutes, leave `out/scorer.trained.safetensors`, return figures."""
    from omni.model.loading import load

    torch.manual_seed(seed)
    folder = model_folder or out / "model"
    loaded = load(str(folder))
    model: Any = loaded.model
    model.requires_grad_(False).eval()
    model.language.set_attn_implementation(attention.NAME)  # whose mask may have a gradient
    caches = {
        name: Cache.load(out / "corpus" / f"{name}.train.{size}.safetensors")
        for name, size in corpus.SIZES.items()
    }
    asker = Asker(
        loaded.processor.tokenizer, model.config, caches, codes_of(model), loaded.processor.lay
    )
    scorer = Scorer(model.config.get_text_config().hidden_size, **SIZES)
    shown = Schedule(steps[0], minutes / 3, SHOWN_RATE, warmup=0.05, short=True)
    first = train(f"{NAME}.shown", scorer, Shown(model, scorer, asker, seed), shown, out)
    asked = Schedule(steps[1], 2 * minutes / 3, ASKED_RATE, warmup=0.05, short=True)
    second = train(f"{NAME}.asked", scorer, Asked(model, scorer, asker, seed, steps[1]), asked, out)
    state = stored(scorer, model.get_input_embeddings().weight[: len(loaded.processor.tokenizer)])
    told = {"model": "omni-nano"} | {name: str(value) for name, value in SIZES.items()}
    save_file(state, out / f"{NAME}.safetensors", metadata=told)
    figures = {
        "parameters": sum(one.numel() for one in scorer.parameters()),
        "steps": [first[-1]["step"], second[-1]["step"]],
        "minutes": round(first[-1]["minutes"] + second[-1]["minutes"], 1),
        "caught": first[-1]["caught"],
        "hits": second[-1]["hits"],
    }
    (out / f"{NAME}.figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m omni.nano.stages.scorer",
        description="Train the scorer of the learned selector through a finished model.",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/nano"), help="run folder")
    parser.add_argument("--minutes", type=float, default=10.0, help="budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="folder of the model, if not the run's")
    given = parser.parse_args(arguments)
    print(
        json.dumps(run(given.out, minutes=given.minutes, seed=given.seed, model_folder=given.model))
    )


if __name__ == "__main__":
    main()
