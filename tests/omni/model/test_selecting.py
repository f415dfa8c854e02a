"""What a selector is told inside the model: grids, pins, attention; and what is told of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close
from transformers import Qwen3Config

from omni import plugins
from omni.compression.budget import Budget, Grid
from omni.compression.farthest import FarthestPoint
from omni.compression.pins import Pinned
from omni.compression.record import recorded
from omni.compression.report import SelectionReport
from omni.compression.selector import Question, Signals, Tokens
from omni.errors import UnknownPlugin, UsageError
from omni.model.assemble import assemble
from omni.model.item import MediaItem
from omni.model.modeling import OmniModel
from omni.model.parts import build_selector
from omni.model.selecting import Stopwatch, method_of, signals_of
from omni.model.tokens import build_tokenizer

NAMES = ("image", "audio", "series")


class Watching:
    """Keeps the first tokens, and remembers what it was told."""

    def __init__(self):
        self.told: list[Tokens] = []

    def __call__(self, tokens, keep, question):
        self.told.append(tokens)
        return plugins.load("compression", "uniform")()(tokens, keep, question)


@pytest.fixture(scope="module")
def real():
    """Real encoders with random weights, a shared space, a tiny language model."""
    tokenizer = build_tokenizer(["What is this? A red circle."], 300)
    language = Qwen3Config(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
    )
    modalities = {name: {"encoder": {}, "decoder": None} for name in NAMES}
    config, processor = assemble(tokenizer, language, modalities, embedding={"width": 16})
    torch.manual_seed(0)
    return OmniModel(config).eval(), processor


def ask(processor, names, keep=0.25):
    parts = [
        {"type": name, "value": plugins.load("modalities", name).example(), "handle": f"{name}-1"}
        for name in names
    ]
    dialogue = [{"role": "user", "content": [*parts, {"type": "text", "text": "What is this?"}]}]
    return processor.apply_chat_template(dialogue, tokenize=True, budget=Budget(keep=keep))


@torch.no_grad()
def test_a_selector_is_told_what_is_known(real, monkeypatch):
    model, processor = real
    watching = Watching()
    monkeypatch.setattr(model, "selector", watching)
    inputs = ask(processor, NAMES)
    selected = model.select_media(inputs["input_ids"], inputs["media"])
    (told,) = watching.told
    image, audio, series = inputs["media"]
    assert list(told.grids) == [image.grid, audio.grid, series.grid]
    assert image.grid == Grid(1, 12, 12) and audio.grid.time == audio.grid.tokens > 1
    assert told.pinned is None
    encoded = model.encode_media(inputs["media"])
    assert told.signals.attention is not None
    assert_close(told.signals.paired, torch.cat(encoded))
    for own, name, raw in zip(
        told.signals.attention.split(list(told.lengths)), NAMES, encoded, strict=True
    ):
        head = model.embedders[name]
        seen = torch.nn.functional.layer_norm(raw, (raw.shape[1],)) @ head.look.weight.T
        queries = (seen + head.look.bias).exp()
        expected = (queries / queries.sum(0)).mean(1)
        assert_close(own, expected, rtol=1e-4, atol=1e-6)
        assert_close(own.sum(), torch.tensor(1.0))
    assert selected.method == "test_selecting"


@torch.no_grad()
@pytest.mark.parametrize("name", ["fourier", "pool", "visionzip", "fopru", "prumerge", "tome"])
def test_methods_that_want_grids_or_attention_have_them(real, name):
    model, processor = real
    inputs = ask(processor, ["image"])
    selected = model.select_media(inputs["input_ids"], inputs["media"], selector=name)
    assert selected.embeds.shape[1] == inputs["media"][0].keep == 36
    assert selected.embeds.isfinite().all()
    told = selected.report().to_json()
    assert told["items"][0]["kept"] == 36 and 0 < told["seconds"] < 10
    assert told.get("merged", False) == (selected.selection.merging is not None)


@torch.no_grad()
def test_rows_of_a_picture_are_kept_by_its_own_grid(real):
    model, processor = real
    inputs = ask(processor, ["image"])
    chosen = {"name": "fopru", "strategy": "row"}
    selected = model.select_media(inputs["input_ids"], inputs["media"], selector=chosen)
    rows = selected.selection.places.view(-1, 12) // 12
    assert (rows == rows[:, :1]).all()
    assert selected.method == "fopru"


@torch.no_grad()
def test_batch_mates_change_nothing_of_what_is_known(real):
    model, processor = real
    both = ask(processor, ["image", "audio"])["media"]
    tokens = model.encode_media(both)
    together = signals_of(model.embedders, both, tokens, tokens)
    alone = [signals_of(model.embedders, [i], [t], [t]) for i, t in zip(both, tokens, strict=True)]
    for name in ("attention", "keys", "paired"):
        parts = torch.cat([getattr(one, name) for one in alone])
        assert torch.equal(getattr(together, name), parts)


def test_what_is_not_known_of_every_item_is_left_out(real):
    model, processor = real
    items = ask(processor, ["image", "audio"])["media"]
    tokens = [torch.ones(item.grid.tokens, 192) for item in items]
    assert signals_of({}, items, tokens, tokens).attention is None
    assert signals_of({}, items, tokens, tokens).paired is not None
    only = {"image": model.embedders["image"]}
    assert signals_of(only, items, tokens, tokens).attention is None
    fewer = [tokens[0][:5], tokens[1]]
    assert signals_of(model.embedders, items, fewer, tokens) == Signals()
    narrow = [tokens[0][:, :8], tokens[1]]
    assert signals_of(model.embedders, items, narrow, tokens) == Signals()


@torch.no_grad()
@pytest.mark.parametrize("name", [one for one in plugins.names("compression") if one != "learned"])
def test_pinned_tokens_are_kept_whatever_the_selector(real, name):
    model, processor = real
    (item,) = ask(processor, ["image"], keep=1.0)["media"]
    pinned = torch.zeros(144, dtype=torch.bool)
    pinned[[3, 77, 143]] = True
    (tokens,) = model.encode_media([item])
    mine = MediaItem("image", None, item.grid, 10, tokens, "img-1", None, pinned)
    ids = torch.full((1, 10), model.config.media_token_id)
    selected = model.select_media(ids, [mine], selector=name)
    assert {3, 77, 143} <= set(selected.selection.places.tolist())


class Stranger:
    """A selector from elsewhere that keeps the first tokens, whatever is pinned."""

    def __call__(self, tokens, keep, question):
        assert tokens.pinned is None
        return FarthestPoint()(tokens, keep, question)


def test_a_selector_from_elsewhere_never_sees_pins(monkeypatch):
    original = plugins.load
    monkeypatch.setattr(
        plugins,
        "load",
        lambda group, name: Stranger if name == "stranger" else original(group, name),
    )
    selector = build_selector("stranger")
    assert isinstance(selector, Pinned)
    assert method_of(selector) == "test_selecting"
    pinned = torch.arange(8) == 7
    tokens = Tokens(torch.randn(8, 4), [8], pinned=pinned)
    question = Question(torch.randn(1, 2, 4), torch.ones(1, 2, dtype=torch.bool))
    assert 7 in selector(tokens, [3], question).places.tolist()


@pytest.mark.parametrize("name", plugins.names("compression"))
def test_every_method_is_called_by_a_name(name):
    if name in ("aim", "learned"):  # names for another one's class with its own settings
        return
    assert method_of(build_selector(name)) == name


def test_unknown_methods_and_settings_are_refused():
    with pytest.raises(UnknownPlugin, match="unknown compression plug-in 'magic'; known: aim, "):
        build_selector("magic")
    with pytest.raises(UsageError, match=r"the selector 'farthest' refuses its settings: .*speed"):
        build_selector({"name": "farthest", "speed": 3})


def test_a_watch_says_how_long_it_took():
    watch = Stopwatch(torch.device("cpu"))
    watch.stop()
    first = watch.seconds
    assert 0 <= first < 1 and watch.seconds == first


@torch.no_grad()
def test_a_report_can_be_replayed(real):
    model, processor = real
    inputs = ask(processor, ["image", "series", "audio"], keep=0.3)
    selected = model.select_media(inputs["input_ids"], inputs["media"])
    told = selected.report(near=[0.5, 0.25, -0.125])
    again = SelectionReport.from_json(told.to_json())
    assert [row.near for row in again.details] == [0.5, 0.25, -0.125]
    replayed = recorded(again)
    x = torch.randn(sum(item.length for item in replayed.items), 3)
    assert torch.equal(replayed.take(x), selected.selection.take(x))
    assert [item.handle for item in replayed.items] == ["image-1", "series-1", "audio-1"]


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 143))
def test_any_count_is_met_and_told(real, cut):
    model, processor = real
    inputs = ask(processor, ["image"], keep=1.0)
    (item,) = inputs["media"]
    mine = MediaItem("image", item.features, item.grid, cut)
    ids = torch.full((1, cut), model.config.media_token_id)
    with torch.no_grad():
        told = model.select_media(ids, [mine], selector="uniform").report()
    assert told.items == (("", cut, 144),) and len(told.details[0].places or ()) == cut
