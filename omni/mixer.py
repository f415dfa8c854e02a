"""The layer in which the tokens of one item look at one another; encoders share it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Mixer(nn.Module):
    """A pre-norm transformer layer over all tokens of an item.

    Args:
        width: of a token; `heads` divides it.
        expansion: of the hidden layer, in widths.
    """

    def __init__(self, width: int, *, heads: int = 4, expansion: int = 2):
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            nn.GELU(),
            nn.Linear(expansion * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Tokens `[batch, tokens, width]` in and out; every row is full."""
        batch, length, width = x.shape
        mixed = self.qkv(self.before(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(x)
