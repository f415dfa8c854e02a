"""Prompts whose tokens are dropped between layers, and what tests ask of their readers."""

from contextlib import contextmanager
from typing import Any

import torch

from omni.compression.attach import compress
from omni.compression.dropping.dropped import Dropped
from omni.compression.dropping.schedule import Schedule, Stage
from tests.omni.compression.families import IMAGE

TWO = (1, 5, None, 7, 8, None, 9, 10, 11)
ONE = (1, 12, 13, 14, None, 15)
STEPS = 4
EOS = 2
CUTS = Schedule((Stage(1, 0.6), Stage(2, 0.3)))
"""Two cuts, whose tokens a test's method chooses without regard to words."""


@contextmanager
def dropping(model: Any, *method: Any, **settings: Any):
    """`compress`, as what it gives where tokens are dropped between layers."""
    with compress(model, *method, **settings) as dropped:
        assert isinstance(dropped, Dropped)
        yield dropped


def states(model: Any, **given):
    with torch.no_grad():
        return model(**given).logits


def hooks(model):
    parts = list(model.modules())
    return sum(len(part._forward_pre_hooks) + len(part._forward_hooks) for part in parts)


def write(found, given, **more):
    with torch.no_grad():
        return found.model.generate(
            **given,
            max_new_tokens=STEPS,
            min_new_tokens=STEPS,
            do_sample=False,
            suppress_tokens=[EOS, *range(IMAGE, 120)],
            output_logits=True,
            return_dict_in_generate=True,
            **more,
        )


def longer(found, given, ids):
    """The prompt with what was written to it, as one that has never been read."""
    added = ids.shape[1] - given["input_ids"].shape[1]
    mask = torch.cat([given["attention_mask"], torch.ones(len(ids), added).long()], 1)
    return given | {"input_ids": ids, "attention_mask": mask} | found.kinds(ids)


def lengths(cache):
    return [layer.get_seq_length() for layer in cache.layers]
