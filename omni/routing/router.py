"""The router: which experts see a token, decided by the token, its modality and the question.

Shapes: N tokens, G items, M modalities, E experts, K experts chosen for a token, D language width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from omni.plugins import Component


@dataclass(frozen=True, slots=True)
class Routing:
    """Where each token goes.

    Attributes:
        experts: int64 `[N, K]`, the chosen experts.
        weights: float32 `[N, K]`, which sum to one for each token.
        balance_loss: 1 when tokens are spread evenly over experts, up to E when they are not.
        z_loss: mean squared log-partition of the logits.
    """

    experts: Tensor
    weights: Tensor
    balance_loss: Tensor
    z_loss: Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens of several items, end to end, with what the router may look at.

    Attributes:
        tokens: `[N, D]`.
        owner: int64 `[N]`, the item of each token.
        modality: int64 `[G]`, index of each item's modality in the router's list of names.
        question: `[G, D]`, the pooled question of each item; zeros where there is none.
    """

    tokens: Tensor
    owner: Tensor
    modality: Tensor
    question: Tensor


class Router(nn.Module):
    """Softmax over experts of a sum of three votes; the best K are chosen and renormalised.

    The votes come from the token, from a trained embedding of the modality, and from the pooled
    question. Votes are counted in float32, whatever the model runs in. Noise is added in training
    only.
    """

    def __init__(
        self, *, width: int, modalities: tuple[str, ...], experts: int, top_k: int, noise: float
    ):
        super().__init__()
        self.modalities = modalities
        self.experts = experts
        self.top_k = top_k
        self.noise = noise
        self.token_vote = nn.Linear(width, experts, bias=False)
        self.question_vote = nn.Linear(width, experts, bias=False)
        self.modality_vote = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(experts)) for name in modalities}
        )
        self._chosen: tuple[Tensor, Tensor] | None = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Small random votes of tokens and modalities; the question is silent at first."""
        nn.init.normal_(self.token_vote.weight, std=0.02)
        nn.init.zeros_(self.question_vote.weight)
        for vote in self.modality_vote.values():
            nn.init.normal_(vote, std=0.02)

    def forward(self, batch: Batch) -> Routing:
        logits = self.logits(batch)
        chances = logits.softmax(-1)
        weights, chosen = chances.topk(self.top_k, dim=-1)
        weights = weights / weights.sum(-1, keepdim=True)
        self._chosen = (batch.modality[batch.owner].detach(), chosen.detach())
        return Routing(
            experts=chosen,
            weights=weights,
            balance_loss=balance_loss(chances, chosen),
            z_loss=logits.logsumexp(-1).square().mean(),
        )

    def logits(self, batch: Batch) -> Tensor:
        """Votes `[N, E]` in float32."""
        by_token = _vote(self.token_vote, batch.tokens)
        by_question = _vote(self.question_vote, batch.question)
        by_modality = torch.stack([self.modality_vote[name] for name in self.modalities])
        by_item = by_question + by_modality.float()[batch.modality]
        logits = by_token + by_item[batch.owner]
        if self.training and self.noise:
            logits = logits + self.noise * torch.randn_like(logits)
        return logits

    def load(self) -> dict[str, list[float]]:
        """Share of each expert in the last forward, by modality; each list sums to one."""
        return expert_load(self._chosen, self.modalities, self.experts)


def _vote(linear: nn.Linear, x: Tensor) -> Tensor:
    x = nn.functional.rms_norm(x.float(), x.shape[-1:], eps=1e-6)
    return nn.functional.linear(x, linear.weight.float())


def balance_loss(chances: Tensor, chosen: Tensor) -> Tensor:
    """Experts times the sum over experts of (share of tokens sent there) x (mean chance).

    Fedus, Zoph, Shazeer, "Switch Transformers", JMLR 2022, equations 4 to 6, with the shares
    counted over all K choices as in GShard (Lepikhin et al., ICLR 2021).
    """
    experts = chances.shape[-1]
    counts = torch.zeros(experts, device=chances.device).index_add(
        0, chosen.flatten(), torch.ones(chosen.numel(), device=chances.device)
    )
    share = counts / max(chosen.numel(), 1)
    return experts * (share * chances.mean(0)).sum()


def expert_load(
    chosen: tuple[Tensor, Tensor] | None, modalities: tuple[str, ...], experts: int
) -> dict[str, list[float]]:
    """Share of each expert by modality, of `(modality [N], experts [N, K])` of one forward."""
    if chosen is None:
        return {}
    modality, picked = chosen
    cells = (modality[:, None] * experts + picked).flatten()
    counts = torch.bincount(cells, minlength=len(modalities) * experts)
    table = counts.view(len(modalities), experts).double()
    shares = (table / table.sum(1, keepdim=True).clamp(min=1)).tolist()
    return {name: row for name, row in zip(modalities, shares, strict=True) if sum(row)}


def build_router(
    width: int,
    modalities: tuple[str, ...],
    experts: int,
    top_k: int = 2,
    noise: float = 0.0,
) -> Router:
    """A top-k router for these modalities, in this order."""
    return Router(
        width=width, modalities=modalities, experts=experts, top_k=min(top_k, experts), noise=noise
    )


plugin = build_router

COMPONENTS = (
    Component(
        kind="router",
        name="router",
        summary="Top-k softmax routing by token, modality and question, with balance and z losses.",
        system="Parrot",
        paper="Parrot: Multilingual Visual Instruction Tuning (arXiv 2406.02539)",
    ),
    Component(
        kind="objective",
        name="router z-loss",
        summary="Keeps the router's logits small.",
        paper="ST-MoE: Designing Stable and Transferable Sparse Expert Models (arXiv 2202.08906)",
    ),
)
