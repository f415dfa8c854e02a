"""Drop media tokens between layers of vision-language models of transformers, without a fork.

Hooks on the layers of one instance, for as long as a context lasts. From a cut on, layers compute
with the tokens that are left, and their caches hold no others; so the caches of layers differ in
length. That of the first layer is whole, and all that is counted from outside is counted by it:
masks and positions of later tokens are those of the whole prompt, and each layer is handed its part
of them. A token keeps the position that it had.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from omni.compression.dropping.descent import Descent, Prompt
from omni.compression.dropping.dropped import Dropped
from omni.compression.dropping.dropper import Dropper
from omni.compression.dropping.ear import Ear
from omni.compression.dropping.layers import Layers
from omni.compression.dropping.levels import Kernel, Level
from omni.compression.dropping.schedule import Schedule
from omni.compression.runs import media_runs, question_spans
from omni.errors import UsageError


class Runner:
    """What is done before a model, its language model, and each layer of that."""

    def __init__(
        self,
        layers: Layers,
        kinds: Mapping[int, str],
        dropper: Dropper,
        schedule: Schedule,
        dropped: Dropped,
    ):
        schedule.check(layers.depth)
        layers.check(schedule.stages[0].layer)
        self.layers, self.kinds = layers, kinds
        self.dropper, self.schedule = dropper, schedule
        self.dropped, self.seconds = dropped, 0.0
        self.cuts = {stage.layer: number for number, stage in enumerate(schedule.stages)}
        self.ears: dict[int, Ear] = {}
        self.prompt: Prompt | None = None
        self.descent: Descent | None = None
        self.later: tuple[tuple[Level, ...], Tensor, Any] | None = None
        self.read: WeakKeyDictionary[Any, tuple[Level, ...]] = WeakKeyDictionary()

    def attach(self, model: nn.Module) -> list[Any]:
        """Register all hooks, and put on all ears; their handles."""
        decoder = self.layers.decoder
        outer = dict.fromkeys((model, getattr(model, "base_model", None) or model))
        handles: list[Any] = [
            part.register_forward_pre_hook(_eager(self.plan), with_kwargs=True)
            for part in outer
            if part is not decoder
        ]
        handles.append(decoder.register_forward_pre_hook(_eager(self.enter), with_kwargs=True))
        handles.append(decoder.register_forward_hook(_eager(self.leave), with_kwargs=True))
        for number, layer in enumerate(self.layers.modules):
            handles.append(
                layer.register_forward_pre_hook(_at(self.before, number), with_kwargs=True)
            )
            handles.append(layer.register_forward_hook(_at(self.after, number), with_kwargs=True))
        if self.dropper.hears:
            for layer in self.cuts:
                heard = layer - (self.dropper.hears == "before")
                self.ears[layer] = Ear(self.layers.attention(heard)).put_on()
        return [*handles, *self.ears.values()]

    # The model and its language model

    def plan(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        """See what is in a prompt, and decide how many tokens of each item are left when."""
        ids = kwargs.get("input_ids", args[0] if args else None)
        self.prompt = None
        if not isinstance(ids, Tensor) or ids.dim() != 2:
            return
        listed = ids.tolist()
        runs = media_runs(listed, self.kinds)
        if not runs:
            return
        mask = kwargs.get("attention_mask")
        present = [[1] * len(row) for row in listed]
        if isinstance(mask, Tensor) and mask.dim() == 2:
            present = mask[:, -ids.shape[1] :].long().tolist()
        budget = self.dropped.budget
        counts = [[0] * len(runs) for _ in self.schedule.stages]
        for row in range(len(listed)):
            own = [place for place, run in enumerate(runs) if run.row == row]
            sizes = [runs[place].length for place in own]
            for stage, planned in enumerate(
                self.schedule.counts(sizes, budget.floor, budget.tokens)
            ):
                for place, count in zip(own, planned, strict=True):
                    counts[stage][place] = count
        words = question_spans(listed, present, runs)
        self.prompt = Prompt(runs, words, present, counts)

    def enter(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """Begin a descent, or recognise what a prompt is followed by."""
        prompt, self.prompt = self.prompt, None
        self.descent = self.later = None
        cache = kwargs.get("past_key_values")
        seen = int(cache.get_seq_length()) if cache is not None else 0
        embeds = kwargs.get("inputs_embeds")
        if prompt is None or embeds is None:
            self._follow(args, kwargs, cache, seen)
            return None
        if [run.length for run in prompt.runs] == prompt.counts[-1]:
            return None
        if seen:
            raise UsageError(
                f"media were given while the cache holds {seen} tokens: read the conversation into "
                "a new cache, since its tokens are dropped by the new question"
            )
        _refuse_what_cannot_shrink(cache, module)
        self.seconds = 0.0
        self.descent = Descent(prompt, embeds.detach(), cache)
        if kwargs.get("deepstack_visual_embeds") is None:
            return None
        visual = kwargs["visual_pos_masks"].view(len(embeds), -1)
        self.descent.deep = visual, kwargs["deepstack_visual_embeds"]
        return args, {**kwargs, "deepstack_visual_embeds": None}

    def leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """Give states the length that they had, and remember what is in the cache."""
        descent, self.descent = self.descent, None
        self.later = None
        if descent is None:
            return None
        hidden = output[0] if isinstance(output, tuple) else output.last_hidden_state
        self.dropped.note(descent, self.kinds, self.seconds)
        cache = descent.cache
        if cache is None and not isinstance(output, tuple):
            cache = output.get("past_key_values")
        if cache is not None:
            self.read[cache] = tuple(descent.levels)
        whole = descent.lengthened(hidden)
        if isinstance(output, tuple):
            return (whole, *output[1:])
        output.last_hidden_state = whole
        return output

    # Layers

    def before(self, number: int, layer: nn.Module, args: Any, kwargs: dict[str, Any]) -> Any:
        """Hand a layer what is left for it, after a cut if there is one."""
        if self.later is not None:
            return args, self._later_arguments(number, args, kwargs)
        descent = self.descent
        if descent is None:
            return None
        hidden, more = _hidden(args, kwargs)
        kernel = Kernel(self.layers.kernel, hidden.dtype)
        window = self.layers.window(number)
        cut = self.cuts.get(number)
        if cut is not None:
            began, hearing = time.perf_counter(), None
            if number in self.ears and sum(descent.prompt.counts[cut]):
                ready = descent.arguments(more, window, kernel)
                hearing = self._hear(number, layer, hidden, ready)
            hidden = descent.cut(cut, number, hidden, self.dropper, hearing)
            self.seconds += time.perf_counter() - began
        if number + 1 in self.ears and self.dropper.hears == "before":
            self.ears[number + 1].listen()
        return (hidden,), descent.arguments(more, window, kernel)

    def after(self, number: int, layer: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        """Add what goes into the states after a layer."""
        descent = self.descent
        if descent is None or descent.deep is None:
            return None
        if isinstance(output, tuple):
            return (descent.deepened(number, output[0]), *output[1:])
        return descent.deepened(number, output)

    def _hear(self, number: int, layer: nn.Module, hidden: Tensor, ready: dict[str, Any]) -> Any:
        ear = self.ears[number]
        if self.dropper.hears == "before":
            return ear.take()
        ready = {**ready, "past_key_values": None, "use_cache": False}
        with torch.no_grad():
            return ear.overhear(lambda: layer.forward(hidden, **ready))

    # Later tokens

    def _follow(self, args: Any, kwargs: dict[str, Any], cache: Any, seen: int) -> None:
        """Recognise the prompt that tokens come after."""
        if cache is None or not seen:
            return
        levels = self.read.get(cache)
        if levels is None:
            lengths = {int(cache.get_seq_length(at)) for at in range(self.layers.depth)}
            if len(lengths) > 1:
                raise UsageError(
                    "the caches of the layers differ in length, but not by this context's doing: "
                    "go on with the cache itself, not a copy, inside the context that filled it"
                )
            return
        if seen < levels[0].length:
            raise UsageError(
                f"the cache was cut back to {seen} of the {levels[0].length} tokens of a prompt "
                "whose tokens were dropped: read the prompt into a new cache"
            )
        embeds = kwargs.get("inputs_embeds")
        given = embeds if embeds is not None else kwargs.get("input_ids", args[0] if args else None)
        assert given is not None
        since = seen + given.shape[1] - levels[0].length
        mask = kwargs.get("attention_mask")
        new = torch.ones(len(given), since, dtype=torch.bool, device=given.device)
        if isinstance(mask, Tensor) and mask.dim() == 2:
            new = mask[:, levels[0].length : levels[0].length + since].bool()
        self.later = levels, new, cache

    def _later_arguments(self, number: int, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        assert self.later is not None
        levels, new, cache = self.later
        level = next((one for one in reversed(levels) if one.layer <= number), None)
        if level is None:
            return kwargs
        hidden = _hidden(args, kwargs)[0]
        count = hidden.shape[1]
        length, forgotten = cache.get_mask_sizes(count, number)
        mask = level.later(
            kwargs.get("attention_mask"),
            new,
            (count, length, forgotten),
            self.layers.window(number),
            Kernel(self.layers.kernel, hidden.dtype),
        )
        return {**kwargs, "attention_mask": mask}


def _eager(call: Any) -> Any:
    """A hook that stays out of what is compiled: it counts on the host."""
    return torch.compiler.disable(call)


def _at(call: Any, number: int) -> Any:
    """The hook of one layer."""
    return _eager(lambda module, *given: call(number, module, *given))


def _hidden(args: Any, kwargs: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
    """The states that a layer is given, and the rest."""
    if len(args) > 1:
        raise UsageError(
            "the layers of this model take more than states by place, which nothing is known of: "
            "choose a selector, such as 'farthest', which works before the first layer"
        )
    if args:
        return args[0], kwargs
    return kwargs["hidden_states"], {k: v for k, v in kwargs.items() if k != "hidden_states"}


def _refuse_what_cannot_shrink(cache: Any, decoder: Any) -> None:
    if cache is not None and getattr(cache, "is_compileable", False):
        raise UsageError(
            "the cache has room for a fixed number of tokens from the start, the same in each "
            "layer: use a dynamic cache"
        )
    if decoder.training and getattr(decoder, "gradient_checkpointing", False):
        raise UsageError(
            "with gradient checkpointing, layers are run again when nobody knows any more what "
            "was dropped: switch it off with model.gradient_checkpointing_disable()"
        )
