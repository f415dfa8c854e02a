"""One cut: the tokens that the prompt's last one attends to."""

from __future__ import annotations

from collections.abc import Sequence

from omni.compression.dropping.dropper import highest
from omni.compression.dropping.look import Look
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.selector import Selection, Tokens
from omni.errors import UsageError
from omni.plugins import Component


class FastV:
    """Before layer `layer`, keeps what the last token attended to most in the layer before.

    Attention is the mean over heads. `keep` is the share of tokens that is left after the cut,
    which the paper calls 1 - R. Of which token's attention decides, the paper and its code tell
    different things; here it is the last one of the prompt, as in the code.

    Attributes:
        layer: K of the paper, 2 there; the code's default is 3.
    """

    hears = "before"

    def __init__(self, layer: int = 2):
        if layer < 1:
            raise UsageError(f"layer is 1 at least, not {layer}: nothing attends before layer 0")
        self.layer = layer

    def schedule(self, keep: float, depth: int) -> Schedule:
        """The one cut."""
        return Schedule((Stage(self.layer, keep),), "fastv", {"layer": self.layer})

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        return highest(tokens, keep, look.last_rows())


plugin = FastV

COMPONENTS = (
    Component(
        kind="selector",
        name="fastv",
        summary="Inside the language model: after its first layers, the tokens that the last word "
        "attends to.",
        system="FastV",
        paper="An Image is Worth 1/2 Tokens After Layer 2: Plug-and-Play Inference Acceleration "
        "for Large Vision-Language Models",
    ),
)
