"""Import an optional package, or say which extra brings it."""

import importlib
import importlib.util
from types import ModuleType

from omni.errors import MissingExtra


def need(module: str, *, extra: str | None = None, package: str | None = None) -> ModuleType:
    """Import `module`, which this distribution brings, or its extra `extra`.

    Args:
        module: to import.
        extra: that brings it; without one, everybody has it who has installed Omni whole.
        package: what brings it is called, if not as the module.

    Raises:
        MissingExtra: if the top-level package is not installed. An import error from inside an
            installed package is left as it is, because another install would not mend it.
    """
    if not available(module):
        name = package or module.partition(".")[0]
        command = f'"omni-agent[{extra}]"' if extra else name
        raise MissingExtra(
            f"this needs the package {name!r}, which is not installed: run  pip install {command}"
        )
    return importlib.import_module(module)


def available(module: str) -> bool:
    """Whether the top-level package of `module` is installed (nothing is imported)."""
    return importlib.util.find_spec(module.partition(".")[0]) is not None
