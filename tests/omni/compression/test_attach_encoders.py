"""What is known of media beside their tokens: grids, ends of lines, attention of the encoder."""

import sys
from collections import defaultdict
from itertools import pairwise
from typing import Any, ClassVar

import pytest
import torch
import transformers

from omni import plugins
from omni.compression.attach import compress
from omni.compression.budget import Grid
from omni.compression.encoders import sight
from omni.compression.uniform import Uniform
from omni.compression.watching import received
from omni.errors import UsageError
from tests.omni.compression.families import FAMILIES, IMAGE, Family, family

TWO = (1, 5, None, 7, 8, None, 9, 10, 11)


class Spy:
    """Keeps evenly spaced tokens, and remembers what it was shown."""

    needs: ClassVar = frozenset({"attention"})
    uses: ClassVar = frozenset({"keys"})

    def __call__(self, tokens, keep, question):
        self.tokens = tokens
        return Uniform()(tokens, keep, question)


class Blind(Spy):
    needs: ClassVar = frozenset()
    uses: ClassVar = frozenset()


def shown(found: Any, given: dict[str, Any], spy=None, **settings: Any):
    """What a selector was shown of a prompt, and what `compress` gave."""
    spy = spy or Spy()
    with compress(found.model, spy, keep=0.5, **settings) as attached, torch.no_grad():
        found.model(**given)
    return spy.tokens, attached


def materialised(found: Any, given: dict[str, Any], monkeypatch):
    """The whole matrix of the watched layer, as eager attention makes it: `[tiles, H, N, N]`."""
    inner = found.model.base_model
    sight_of = sight(inner)
    assert sight_of is not None
    layer: Any = sight_of.layer
    module = sys.modules[type(layer).__module__]
    eager: Any = module.eager_attention_forward
    seen = defaultdict(list)

    def watch(owner, *args, **kwargs):
        answer, weights = eager(owner, *args, **kwargs)
        seen[owner].append(weights)
        return answer, weights

    monkeypatch.setattr(module, "eager_attention_forward", watch)
    monkeypatch.setattr(layer.config, "_attn_implementation_internal", "eager")
    with torch.no_grad():
        found.model(**given)
    monkeypatch.undo()
    return torch.cat(seen[layer]), sight_of.class_token


def two_by_two(values, side):
    """Values of a square of patches, added up in squares of four; written with loops."""
    half = side // 2
    rows = range(half)
    return torch.stack(
        [
            values[[2 * r * side + 2 * c + d for d in (0, 1, side, side + 1)]].sum()
            for r in rows
            for c in rows
        ]
    )


def packed(tiles):
    """A thumbnail and one tile of 4×4; the ends of its lines are no selector's business."""
    return torch.cat([tiles[0], tiles[1]])


@pytest.mark.parametrize("name", FAMILIES)
def test_attention_is_that_of_the_matrix_that_is_never_made(name, monkeypatch):
    found = family(name)
    given = found.prompt(TWO)
    merged = []
    if "qwen" in name:
        merger = found.model.base_model.visual.merger
        merger.register_forward_hook(lambda module, args, output: merged.append(output))
    weights, class_token = materialised(found, given, monkeypatch)
    mean = weights.mean(1)  # over heads
    patches = mean[:, 0, 1:] if class_token else mean.mean(1)
    assert class_token == (name in ("llava", "llava_next", "internvl"))
    tokens, _ = shown(found, given)
    if name in ("llava", "gemma3"):
        expected = patches.flatten()
    elif name in ("llava_next", "llava_onevision"):
        expected = torch.cat([packed(pair) for pair in patches.split(2)])
    elif name in ("internvl", "smolvlm"):
        expected = torch.cat([two_by_two(own, 8) for own in patches])
    else:
        # Window by window, four patches a token: where each went, its features tell.
        fours = patches.flatten().view(-1, 4).sum(1)
        same = (merged[-1][:, None] == tokens.x[None]).all(-1)
        assert torch.equal(same.sum(0), torch.ones(len(tokens.x), dtype=torch.int64))
        expected = fours[same.int().argmax(0)]
    assert torch.allclose(tokens.signals.attention, expected, atol=1e-6)
    assert tokens.signals.keys.shape == (len(tokens.x), 8)


def test_attention_goes_where_an_averaging_projector_sends_the_patches(monkeypatch):
    config = family("gemma3").model.config
    config.mm_tokens_per_image = 4
    torch.manual_seed(0)
    model = transformers.Gemma3ForConditionalGeneration(config).eval()
    four: Any = Family(
        model, [101, *[IMAGE] * 4, 102], lambda pixels, rows: {"pixel_values": pixels}
    )
    given = four.prompt(TWO)
    weights, _ = materialised(four, given, monkeypatch)
    tokens, _ = shown(four, given, floor=1)
    expected = torch.cat([two_by_two(own, 4) / 4 for own in weights.mean((1, 2))])
    assert tokens.grids == [Grid(1, 2, 2)] * 2
    assert torch.allclose(tokens.signals.attention, expected, atol=1e-6)


@pytest.mark.parametrize("grouped", [1, 2])
def test_rows_are_looked_at_in_blocks(monkeypatch, grouped):
    source = torch.Generator().manual_seed(4)
    queries = torch.randn(2, 4, 11, 8, generator=source)
    keys = torch.randn(2, 4 // grouped, 11, 8, generator=source)
    mask = torch.rand(2, 1, 11, 11, generator=source) > 0.3
    mask[..., 0] = True
    monkeypatch.setattr("omni.compression.watching.ROWS", 3)
    full = queries @ keys.repeat_interleave(grouped, 1).transpose(2, 3) * 0.5
    full = full.masked_fill(~mask, -torch.inf).softmax(-1).mean((1, 2))
    assert torch.allclose(received(queries, keys, 0.5, mask), full, atol=1e-6)
    low = torch.zeros(mask.shape).masked_fill(~mask, -1e9)
    assert torch.allclose(received(queries, keys, 0.5, low), full, atol=1e-6)


def test_nothing_is_watched_for_a_selector_that_does_not_look():
    found = family("llava")
    sight_of = sight(found.model.base_model)
    assert sight_of is not None
    layer: Any = sight_of.layer
    config, stock = layer.config, layer.config._attn_implementation
    with compress(found.model, Blind(), keep=0.5):
        assert layer.config is config
    with compress(found.model, Spy(), keep=0.5):
        assert layer.config is not config
        assert config._attn_implementation == stock
        others = [part for part in found.model.modules() if getattr(part, "config", None) is config]
        assert others, "the other layers attend as they always do"
    assert layer.config is config
    assert "get_image_features" not in vars(found.model.base_model)


def test_grids_are_those_of_the_model():
    flat = {"llava": Grid(1, 4, 4), "qwen2_5_vl": Grid(1, 4, 4), "qwen3_vl": Grid(1, 4, 4)}
    flat |= {"internvl": Grid(1, 4, 4), "gemma3": Grid(1, 4, 4), "smolvlm": Grid(1, 4, 4)}
    for name, grid in (flat | {"qwen2_5_omni": Grid(1, 4, 4)}).items():
        found = family(name)
        tokens, _ = shown(found, found.prompt(TWO), Blind())
        assert tokens.grids == [grid, grid], name


@pytest.mark.parametrize("name", ["llava_next", "llava_onevision"])
def test_lines_of_a_mosaic_keep_their_ends(name):
    """A picture of 24×64 in two tiles, above and below which lines of padding are cut off."""
    found = family(name)
    pixels = torch.randn(1, 3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    size = torch.tensor([[24, 64]])
    with torch.no_grad():
        tokens = found.model.base_model.get_image_features(
            pixel_values=pixels, image_sizes=size, return_dict=True
        ).pooler_output[0]
    height = (len(tokens) - 16) // 9
    newline = found.model.base_model.image_newline
    ends = (tokens == newline).all(-1).nonzero().flatten().tolist()
    assert len(ends) == height and {b - a for a, b in pairwise(ends)} == {9}
    ids = torch.tensor([[1, 5, *[IMAGE] * len(tokens), 9]])
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    given |= {"pixel_values": pixels, "image_sizes": size}
    seen, attached = shown(found, given, Blind(), floor=1)
    assert seen.grids == [Grid(1, 4, 4), Grid(1, height, 8)]
    (report,) = attached.reports
    kept = round(len(tokens) / 2)
    assert report.items == (("0:2", kept, len(tokens)),)
    assert set(ends) <= set(report.details[0].places or ())
    with compress(found.model, Blind(), keep=0.15, floor=1) as tight, torch.no_grad():
        found.model(**given)
    few = set(tight.reports[0].details[0].places or ()) & set(ends)
    assert len(few) == min(height, round(0.15 * len(tokens)) // 2), "half at the most"


def test_adjacent_pictures_are_told_apart():
    found = family("llava")
    given = found.prompt((1, 5, None, None, 9))
    _, attached = shown(found, given, Blind())
    assert attached.reports[0].items == (("0:2", 8, 16), ("0:18", 8, 16))


def test_tiles_of_one_picture_are_one_item():
    found = family("internvl")
    given = found.prompt((1, 5, None, None, 9))
    tokens, attached = shown(found, given)
    assert tokens.grids == [Grid(2, 4, 4)] and len(tokens.signals.attention) == 32
    assert attached.reports[0].items == (("0:2", 16, 32),)


def film(found, frames):
    """A film for OneVision, of frames of 4×4 patches that are pooled two by two."""
    ids = torch.tensor([[1, 5, *[102 - 1] * (frames * 4 + 1), 9]])
    source = torch.Generator().manual_seed(1)
    pixels = torch.randn(1, frames, 3, 32, 32, generator=source)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values_videos": pixels,
    }


def test_films_have_frames(monkeypatch):
    found = family("llava_onevision")
    given = film(found, 3)
    weights, _ = materialised(found, given, monkeypatch)
    tokens, attached = shown(found, given)
    assert tokens.grids == [Grid(3, 2, 2)]
    assert 12 in (attached.reports[0].details[0].places or ()), "the mark behind it"
    expected = torch.cat([two_by_two(own, 4) / 4 for own in weights.mean((1, 2))])
    assert torch.allclose(tokens.signals.attention, expected, atol=1e-6)
    assert attached.reports[0].details[0].modality == "video"


def test_what_was_encoded_beforehand_is_known_in_every_beam():
    found = family("llava")
    given = found.prompt(TWO, (1, 12, None, None, 14, 15))
    spy = Spy()
    with compress(found.model, spy, keep=0.5) as attached, torch.no_grad():
        found.model.generate(**given, num_beams=2, max_new_tokens=2, do_sample=False)
    assert len(attached.reports[0].items) == 8
    attention = spy.tokens.signals.attention.view(8, 16)
    for one, other in ((0, 2), (1, 3), (4, 6), (5, 7)):
        assert torch.equal(attention[one], attention[other])
    assert not torch.equal(attention[0], attention[4])


def test_what_was_encoded_for_something_else_is_not_believed():
    found = family("llava")
    given = found.prompt(TWO)
    spy = Spy()
    with compress(found.model, spy, keep=0.5), torch.no_grad():
        found.model(**given)
        foreign = found.model.base_model.get_image_features(pixel_values=given["pixel_values"] + 1)
    with compress(found.model, spy, keep=0.5), torch.no_grad():
        found.model(**given)
        rest = {name: value for name, value in given.items() if name != "pixel_values"}
        with pytest.raises(UsageError, match="Spy needs the attention of the encoder"):
            found.model(**rest, mm_encoder_outputs={"image": foreign})


def test_every_method_works_on_real_models():
    for name in ("llava_next", "qwen3_vl"):
        found = family(name)
        given = found.prompt(TWO, (1, 12, 13, None, 14, 15, None, 16, 17))
        for method in sorted({*plugins.names("compression")} - {"learned"}):  # for nano alone
            with compress(found.model, method, keep=0.4, floor=1) as attached, torch.no_grad():
                logits = found.model(**given).logits
            assert logits.isfinite().all(), method
            items = attached.reports[0].items
            assert [kept for _, kept, _ in items] == [round(0.4 * of) for _, _, of in items], method


class Stacked(Blind):
    def stacks(self, rows, columns):
        return (rows, columns) in ((0, 0), (1, 2))


def mosaic(size):
    """Arguments for one picture of LLaVA-NeXT in two tiles, and the places of its tokens."""
    found = family("llava_next")
    pixels = torch.randn(1, 3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    given: dict[str, Any] = {"pixel_values": pixels, "image_sizes": torch.tensor([size])}
    with torch.no_grad():
        features = found.model.base_model.get_image_features(**given, return_dict=True)
    count = len(features.pooler_output[0])
    ids = torch.tensor([[1, 5, *[IMAGE] * count, 9]])
    return found, given | {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def test_tiles_of_a_mosaic_are_stacked_for_those_who_compare_them():
    found, given = mosaic([32, 64])
    tokens, attached = shown(found, given, Stacked())
    assert tokens.grids == [Grid(3, 4, 4)]
    inner = found.model.base_model
    with torch.no_grad():
        sight_of = inner.vision_tower(given["pixel_values"][0], output_hidden_states=True)
        tower = sight_of.hidden_states
        last = tower[found.model.config.vision_feature_layer][:, 1:]
        tiles = inner.multi_modal_projector(last)
    assert torch.allclose(tokens.x, tiles.flatten(0, 1), atol=1e-6), "as the encoder had them"
    detail = attached.reports[0].details[0]
    assert detail.grid is None and list(detail.places or ()) == sorted(detail.places or ())
    with compress(found.model, "globalcom2", keep=0.5) as attached:
        found.model(**given)
    assert attached.reports[0].items == (("0:2", 26, 52),)
    found, given = mosaic([16, 64])
    tokens, _ = shown(found, given, Stacked())
    assert tokens.grids[0] == Grid(1, 4, 4) and len(tokens.grids) == 2, "tiles cut by padding"


def test_the_whole_picture_comes_first_in_a_stack():
    found = family("internvl")
    given = found.prompt((1, 5, None, None, None, 9))
    plain, _ = shown(found, given, Blind())
    tokens, _ = shown(found, given, Stacked())
    assert tokens.grids == [Grid(3, 4, 4)]
    assert torch.equal(tokens.x, torch.cat([plain.x[32:], plain.x[:32]]))
