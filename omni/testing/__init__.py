"""Public test kit: conformance suites and hostile inputs for those who extend Omni."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .hostile import HOSTILE, Hostile
    from .modality import ModalitySuite

__all__ = ["HOSTILE", "Hostile", "ModalitySuite"]

_HOMES = {"HOSTILE": "hostile", "Hostile": "hostile", "ModalitySuite": "modality"}


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
