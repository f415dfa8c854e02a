"""The untouched model, in which tokens that were dropped are looked at by nobody from a layer on.

It computes with all tokens in every layer, and its masks are written out here pair by pair, from
what `Dropped.stages` says and nothing else.
"""

import torch

from tests.omni.compression.families import IMAGE


def media(ids):
    """Columns of each picture of a row, by its consecutive tokens."""
    found, before = [], None
    for column, token in enumerate(ids):
        if token == IMAGE:
            if before != IMAGE:
                found.append([])
            found[-1].append(column)
        before = token
    return found


def gone(pictures, stages):
    """Columns that are no longer there after each cut."""
    alive = [list(columns) for columns in pictures]
    lost, after = set(), []
    for selection in stages:
        places = selection.places.split(list(selection.kept))
        for item, kept in enumerate(places):
            left = [alive[item][place] for place in kept.tolist()]
            lost |= set(alive[item]) - set(left)
            alive[item] = left
        after.append(set(lost))
    return after


def mask_of(ids, present, lost, *, window=None, both_ways=False):
    """Who looks at whom: bool `[L, L]`."""
    size = len(ids)
    here = [column not in lost and bool(present[column]) for column in range(size)]
    rank = [sum(here[:column]) for column in range(size)]
    block = {column: number for number, own in enumerate(media(ids)) for column in own}
    found = torch.zeros(size, size, dtype=torch.bool)
    for query in range(size):
        for key in range(size):
            together = both_ways and query in block and block.get(key) == block[query]
            near = window is None or rank[query] - rank[key] < window
            found[query, key] = here[key] and (key <= query or together) and near
    return found


def logits(found, given, stages, cuts):
    """What one prompt comes to, and which of its columns are left in the end.

    Args:
        found: the family.
        given: arguments for a single prompt.
        stages: of `Dropped`, for that prompt.
        cuts: the layer of each.
    """
    model = found.model
    (ids,), (present,) = given["input_ids"].tolist(), given["attention_mask"].tolist()
    after = gone(media(ids), stages)
    config = model.get_decoder().config
    gemma = config.model_type.startswith("gemma")
    kinds = getattr(config, "layer_types", None)
    dtype = torch.finfo(torch.float32).min
    handles = []
    for number, layer in enumerate(model.get_decoder().layers):
        passed = [lost for cut, lost in zip(cuts, after, strict=True) if cut <= number]
        if not passed:
            continue
        slides = kinds is not None and "sliding" in kinds[number]
        window = config.sliding_window if slides else None
        seen = mask_of(ids, present, passed[-1], window=window, both_ways=gemma)
        mask = torch.zeros(seen.shape).masked_fill(~seen, dtype)[None, None]

        def put(module, args, kwargs, mask=mask):
            return args, {**kwargs, "attention_mask": mask}

        handles.append(layer.register_forward_pre_hook(put, with_kwargs=True))
    try:
        with torch.no_grad():
            whole = model(**given).logits
    finally:
        for handle in handles:
            handle.remove()
    left = [column for column in range(len(ids)) if column not in after[-1] and present[column]]
    return whole, left
