"""The embedded model through our own loop, beside plain transformers on the same weights."""

from omni.device import place
from omni.evaluation import speed


def measure(repeats: int) -> list[dict]:
    """The rows of `omni bench nano`."""
    return speed.measure(repeats, placement=place("cpu", "float32"))
