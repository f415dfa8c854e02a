"""Real sets that installed packages carry: photographs, handwritten digits, measured series."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omni.errors import MissingExtra
from omni.evaluation.sets.collection import Collection, Item, Question
from omni.modality import media_from_bytes, open_media

_PARAGRAPH = re.compile(r"\n\s*\n")
_SIDE = 64
_DIGITS = 500
_ASKED = 100


def photographs() -> Collection:
    """Pictures that scikit-image carries, asked for by what its documentation says of each."""
    data = _needed("skimage.data", "scikit-image")
    fetchers = _needed("skimage.data._fetchers", "scikit-image")
    folder = Path(data.__file__).parent
    items, questions = [], []
    for name in data.__all__:
        found = sorted(folder.glob(f"{name}.*"))
        told = inspect.getdoc(getattr(fetchers, name, None)) or ""
        pictures = [path for path in found if path.suffix in (".png", ".jpg")]
        if pictures and told:
            words = " ".join(_PARAGRAPH.split(told)[0].split())
            items.append(Item(name, media=open_media(pictures[0])))
            questions.append(Question(name, words, {name: 1.0}))
    metrics = ("recall@1", "recall@5", "mrr@10")
    source = "scikit-image: first sentence of the documentation → picture"
    return Collection("photographs", items, questions, metrics, source).checked()


def digits() -> Collection:
    """Handwritten digits of scikit-learn: a picture finds others of the same digit."""
    from PIL import Image

    found = _needed("sklearn.datasets", "scikit-learn").load_digits()
    pictures = []
    for place in range(_DIGITS + _ASKED):
        grey = (found.images[place] * (255 / 16)).astype("uint8")
        held = io.BytesIO()
        Image.fromarray(grey).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC).save(held, "PNG")
        pictures.append(media_from_bytes(held.getvalue(), f"digit-{place}.png"))
    items = [Item(str(place), media=pictures[place]) for place in range(_DIGITS)]
    alike: dict[int, dict[str, float]] = {}
    for place in range(_DIGITS):
        alike.setdefault(int(found.target[place]), {})[str(place)] = 1.0
    questions = [
        Question(str(place), "", alike[int(found.target[place])], (pictures[place],))
        for place in range(_DIGITS, _DIGITS + _ASKED)
    ]
    metrics = ("precision@10", "ndcg@10", "hit@1")
    source = "scikit-learn: a handwritten digit → others of the same digit"
    return Collection("digits", items, questions, metrics, source).checked()


def series() -> Collection:
    """Data sets of statsmodels with their notes, asked for by their short descriptions."""
    package = _needed("statsmodels.datasets", "statsmodels")
    items, questions = [], []
    for name, module in _described(package):
        frame = module.load_pandas().data.select_dtypes("number").iloc[:2000, :4]
        note = " ".join(module.NOTE.replace("::", "").split())[:1500]
        media = media_from_bytes(frame.to_csv(index=False).encode(), f"{name}.csv")
        items.append(Item(name, note, media=media))
        questions.append(Question(name, " ".join(module.DESCRSHORT.split()), {name: 1.0}))
    metrics = ("mrr@10", "recall@1", "recall@5")
    source = "statsmodels: short description → notes and series of a data set"
    return Collection("statsmodels", items, questions, metrics, source).checked()


def _described(package: Any) -> Iterator[tuple[str, Any]]:
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
        if found.ispkg and found.name != "tests":
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            if getattr(module, "DESCRSHORT", "").strip() and getattr(module, "NOTE", "").strip():
                yield found.name, module


def _needed(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(f"this set comes with {package}: run  pip install {package}") from None
