"""Listening to the attention of one layer of one model, whatever kernel it uses.

The kernel is called as before. Only the layer's own view of its configuration is another one while
an ear is on it: that view names an attention function of ours, which notes queries and keys and
then calls the kernel that the configuration named.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from omni.compression.dropping.hearing import Hearing
from omni.errors import UsageError


class Ear:
    """Hears one attention layer, if it is told to.

    Attributes:
        hearing: what was heard last.
    """

    def __init__(self, attention: Any):
        self.attention = attention
        self.own = attention.config
        self.hearing: Hearing | None = None
        self._listening = self._stopping = False

    def put_on(self) -> Ear:
        """Begin to be called."""
        from transformers import AttentionInterface

        name = f"omni_ear_{self.own._attn_implementation}"
        AttentionInterface.register(name, _attend)
        view = copy.copy(self.own)
        view._attn_implementation_internal = name
        view.omni_ear = self
        self.attention.config = view
        return self

    def remove(self) -> None:
        """Leave the layer as it was."""
        self.attention.config = self.own
        self.hearing = None

    def listen(self) -> None:
        """Note what the layer is given next."""
        self.hearing, self._listening = None, True

    def take(self) -> Hearing:
        """What was noted; it is noted no longer.

        Raises:
            UsageError: if the layer's attention did not come by.
        """
        found, self.hearing, self._listening = self.hearing, None, False
        if found is None:
            raise UsageError(
                f"{type(self.attention).__name__} does not attend through the interface of "
                "transformers, so that nothing can be told of it: choose a method that needs no "
                "attention, such as 'farthest'"
            )
        return found

    def overhear(self, run: Callable[[], Any]) -> Hearing:
        """What the layer would be given by `run`, which goes on up to there and no farther."""
        self.listen()
        self._stopping = True
        try:
            run()
        except _Enough:
            pass
        finally:
            self._stopping = False
        return self.take()

    def note(self, query: Tensor, key: Tensor, mask: Tensor | None, given: dict[str, Any]) -> None:
        """Keep it, if somebody wants to know."""
        if not self._listening:
            return
        scaling = given.get("scaling")
        self.hearing = Hearing(
            query.detach(),
            key.detach(),
            mask,
            query.shape[-1] ** -0.5 if scaling is None else float(scaling),
            given.get("sliding_window"),
            given.get("softcap"),
        )
        self._listening = False
        if self._stopping:
            raise _Enough

    def kernel(self) -> Callable[..., Any]:
        """What the layer's configuration names."""
        module: Any = sys.modules[type(self.attention).__module__]
        return module.ALL_ATTENTION_FUNCTIONS.get_interface(
            self.own._attn_implementation, getattr(module, "eager_attention_forward", None)
        )


class _Enough(Exception):
    """The attention was reached."""


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Any,
    *args: Any,
    **given: Any,
) -> Any:
    ear: Ear = module.config.omni_ear  # type: ignore[union-attr, assignment]
    ear.note(query, key, mask, given)
    return ear.kernel()(module, query, key, value, mask, *args, **given)
