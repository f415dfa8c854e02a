"""Import an optional package, or say which extra brings it."""

import importlib
import importlib.util
from types import ModuleType

from omni.errors import MissingExtra


def need(module: str, *, extra: str) -> ModuleType:
    """Import `module`, which the extra `extra` of this distribution brings.

    Raises:
        MissingExtra: if the top-level package is not installed. An import error from inside an
            installed package is left as it is, because another install would not mend it.
    """
    if not available(module):
        package = module.partition(".")[0]
        raise MissingExtra(
            f"this needs the package {package!r}, which is not installed: "
            f'run  pip install "omni-agent[{extra}]"'
        )
    return importlib.import_module(module)


def available(module: str) -> bool:
    """Whether the top-level package of `module` is installed (nothing is imported)."""
    return importlib.util.find_spec(module.partition(".")[0]) is not None
