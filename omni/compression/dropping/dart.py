"""One cut that keeps what is least like a few pivots: duplicates matter more than importance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from omni.compression.candidates import Candidates, candidates
from omni.compression.dropping.look import Look, word_places
from omni.compression.dropping.schedule import Schedule, Stage
from omni.compression.relevance import precise
from omni.compression.selector import Selection, Tokens, to_device
from omni.errors import UsageError
from omni.plugins import Component


class DART:
    """Pivots are the media tokens and the words whose keys have the greatest sums of magnitudes.

    Pivots of an item are kept. The rest of what it keeps is shared evenly among them and the words'
    pivots; each in turn takes the tokens whose keys have the lowest cosine with its own. Keys are
    those of the layer before the cut, of all heads, turned by their positions as attention meets
    them.

    Attributes:
        layer: where the cut is.
        pivots: how many of each kind.
    """

    hears = "before"

    def __init__(self, layer: int = 5, pivots: int = 4):
        if layer < 1 or pivots < 1:
            raise UsageError(f"layer ({layer}) and pivots ({pivots}) are 1 at least")
        self.layer, self.pivots = layer, pivots

    def schedule(self, keep: float, depth: int) -> Schedule:
        """The one cut."""
        stages = (Stage(self.layer, keep),)
        return Schedule(stages, "dart", {"layer": self.layer, "pivots": self.pivots})

    def __call__(self, tokens: Tokens, keep: Sequence[int], look: Look) -> Selection:
        keys = look.attention.key.transpose(1, 2).flatten(2)  # [B, K, G·d]
        own = look.of_items(keys)
        ready = candidates(tokens, keep, own)
        x = ready.spread(own)
        asked, heard = self._words(look, keys)
        strength = x.abs().sum(-1).float()
        count = [min(self.pivots, kept) for kept in ready.keep]
        taken = ready.leading(strength, count)
        leads = self._leads(ready, strength, x)
        left = to_device([k - c for k, c in zip(ready.keep, count, strict=True)], x.device)
        pivots = to_device(count, x.device)[:, None] > torch.arange(self.pivots, device=x.device)
        leads, valid = torch.cat([leads, asked], 1), torch.cat([pivots, heard], 1)
        return ready.bind_mask(self._turns(ready, x, leads, valid, left, taken), strength)

    def _turns(
        self,
        ready: Candidates,
        x: Tensor,
        leads: Tensor,
        valid: Tensor,
        left: Tensor,
        taken: Tensor,
    ) -> Tensor:
        """What is taken once every pivot had its turn."""
        turns = valid.sum(1).clamp(min=1)
        likes = (normalize(x, dim=-1) @ normalize(leads, dim=-1).transpose(1, 2)).float()
        done = torch.zeros_like(left)
        columns = torch.arange(x.shape[1], device=x.device)
        for number in range(leads.shape[1]):
            share = ((done + 1) * left).div(turns, rounding_mode="floor")
            share = share - (done * left).div(turns, rounding_mode="floor")
            share = torch.where(valid[:, number], share, 0)
            done = done + valid[:, number]
            ranked = ready.standing - likes[..., number]
            order = ranked.masked_fill(taken, -torch.inf).sort(dim=1, descending=True, stable=True)
            early = columns < share[:, None]
            taken = taken | torch.zeros_like(taken).scatter(1, order.indices, early)
        return taken

    def _leads(self, ready: Candidates, strength: Tensor, x: Tensor) -> Tensor:
        """Keys of each item's pivots, strongest first: `[G, P, W]`."""
        ranked = (strength + ready.standing).sort(dim=1, descending=True, stable=True).indices
        ranked = ranked[:, : self.pivots]
        missing = self.pivots - ranked.shape[1]
        if missing:
            ranked = torch.cat([ranked, ranked[:, :1].expand(-1, missing)], 1)
        return x.take_along_dim(ranked[..., None], 1)

    def _words(self, look: Look, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Keys of each item's words that are pivots `[G, P, W]`, and which of them there are."""
        places, heard = word_places(look.layout, keys.device)
        words = precise(keys.gather(1, places[..., None].expand(-1, -1, keys.shape[-1])))
        strength = words.abs().sum(-1).float().masked_fill(~heard, -torch.inf)
        ranked = strength.sort(dim=1, descending=True, stable=True).indices[:, : self.pivots]
        rows = to_device([item.row for item in look.layout.items], keys.device)
        chosen = words.take_along_dim(ranked[..., None], 1)[rows]
        return chosen, heard.take_along_dim(ranked, 1)[rows]


plugin = DART

COMPONENTS = (
    Component(
        kind="selector",
        name="dart",
        summary="Inside the language model: after a few layers, the tokens least like a few "
        "pivots.",
        system="DART",
        paper="Stop Looking for Important Tokens in Multimodal Language Models: Duplication "
        "Matters More",
    ),
)
