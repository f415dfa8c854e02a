"""Public test kit for those who build on Omni or extend it.

`ScriptedBrain` is a brain that follows a script, `Simulator` the same behind OpenAI's HTTP forms on
loopback, `Golden` compares media with kept ones, `ModalitySuite` is what every modality passes, and
`HOSTILE` is input that nothing may stumble over.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .golden import Golden, assert_same_media
    from .hostile import HOSTILE, Hostile
    from .modality import ModalitySuite
    from .scripted import ScriptedBrain
    from .simulator import Refusal, Simulator

__all__ = [
    "HOSTILE",
    "Golden",
    "Hostile",
    "ModalitySuite",
    "Refusal",
    "ScriptedBrain",
    "Simulator",
    "assert_same_media",
]

_HOMES = {
    "HOSTILE": "hostile",
    "Golden": "golden",
    "Hostile": "hostile",
    "ModalitySuite": "modality",
    "Refusal": "simulator",
    "ScriptedBrain": "scripted",
    "Simulator": "simulator",
    "assert_same_media": "golden",
}


def __getattr__(name: str):
    if name in _HOMES:
        home = f"{__name__}.{_HOMES[name]}"
        if name == "ModalitySuite" and home not in sys.modules:
            import pytest

            pytest.register_assert_rewrite(home)  # Its failures then show the values.
        return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
