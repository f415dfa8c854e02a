"""Who makes media that a brain cannot make: the contract of a maker, and which makes what.

A maker is a plug-in of the group `makers`: a subclass of `Maker`, named as its file. Which one
makes a kind of media is for the person to say (`makers = ["image=stabilityai/sd-turbo"]`), never
for a model: a name may stand for gigabytes, or for code.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from omni import plugins
from omni.errors import UnknownPlugin, Unsupported, UsageError
from omni.media import Media
from omni.plugins import Component
from omni.wire import media_block

COMPONENTS = (
    Component(
        "router",
        "makers",
        "Sends a wish for media, which a brain states in structured form, to who makes them.",
        "SwitchGPT",
        "SwitchGPT: Adapting Large Language Models for Non-Text Outputs",
    ),
)

USUAL: Mapping[str, str] = {
    "image": "nano",
    "audio": "nano",
    "speech": "speech",
    "series": "forecast",
    "text": "brain",
}
"""Who makes what, if nobody says otherwise; `speech` is sound of which the words are given, and
`text` is what is said of media."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made.

    Attributes:
        kind: a modality, or `speech` for sound whose words are the prompt.
        prompt: what it shall show, or say.
        seed: fixes what is drawn at random.
        sources: media that it is made from.
        parameters: further ones of the maker.
    """

    kind: str
    prompt: str
    seed: int | None = None
    sources: tuple[Media, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def modality(self) -> str:
        """Of what comes of it."""
        return "audio" if self.kind == "speech" else self.kind


@dataclass(frozen=True, slots=True)
class Made:
    """What was made, and how.

    Attributes:
        media: it.
        model: who made it, by a name that a person can look up.
        seed: that was used, if any was.
        parameters: that were used.
        words: what to say of it.
    """

    media: Media
    model: str
    seed: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""

    def block(self, **more: Any) -> dict[str, Any]:
        """A content block with the bytes and what is known of their lineage."""
        known = {"model": self.model, "seed": self.seed, "parameters": dict(self.parameters)}
        return media_block(self.media, lineage={**known, **more})


class Maker(ABC):
    """Makes media of one or several kinds.

    Args:
        target: what stands after the maker's name: a folder or an id of weights, or nothing.
        device: where it runs.

    Class attributes that a subclass sets:
        makes: the kinds that it makes.
        takes: what follows its name, for people; empty if nothing may.
    """

    makes: ClassVar[frozenset[str]]
    takes: ClassVar[str] = ""

    def __init__(self, target: str = "", *, device: str = "auto"):
        self.target = target
        self.device = device

    @abstractmethod
    def make(self, wish: Wish) -> Made:
        """Make it.

        Raises:
            OmniError: saying why it was not made and what to do; so that a model can be told, a
                wish that this maker does not understand raises `Failed`.
        """


class Makers:
    """The makers of one agent: those that a person named, and the usual ones.

    Args:
        given: by kind, a maker, or a name as in `opened`.
        device: where they run.
        usual: what takes the place of `USUAL`, by kind.

    Raises:
        UsageError: for a kind that there is not.
    """

    def __init__(
        self,
        given: Mapping[str, str | Maker] | None = None,
        *,
        device: str = "auto",
        usual: Mapping[str, str | Maker] | None = None,
    ):
        self.device = device
        self._given = dict(given or {})
        self._usual = {**USUAL, **(usual or {})}
        self._opened: dict[str, Maker] = {}
        self._opening = threading.Lock()
        known = [*plugins.names("modalities"), "speech"]
        for kind in self._given:
            if kind not in known:
                raise UsageError(f"nothing of kind {kind!r} can be made; kinds: {', '.join(known)}")

    def __contains__(self, kind: object) -> bool:
        return kind in self._given or kind in self._usual

    def __iter__(self):
        return iter(dict.fromkeys([*self._given, *self._usual]))

    def maker(self, kind: str) -> Maker:
        """Who makes this kind; its weights are loaded when it first makes something.

        Raises:
            Unsupported: if nobody does.
            UsageError: if what was named is not there.
        """
        chosen = self._given.get(kind) or self._usual.get(kind)
        if chosen is None:
            raise Unsupported(
                f"nothing here makes {kind}: name a maker, such as  --maker {kind}=FOLDER"
            )
        if isinstance(chosen, Maker):
            return chosen
        with self._opening:
            if kind not in self._opened:
                self._opened[kind] = opened(chosen, kind, device=self.device)
            return self._opened[kind]

    def make(self, wish: Wish) -> Made:
        """Have it made by whoever makes its kind; see `Maker.make`."""
        return self.maker(wish.kind).make(wish)


def named(lines: Iterable[str]) -> dict[str, str]:
    """Makers by kind, from lines such as `image=stabilityai/sd-turbo`.

    Raises:
        UsageError: for a line of another form, or a kind that there is not.
    """
    found: dict[str, str] = {}
    for line in lines:
        kind, equals, name = (part.strip() for part in line.partition("="))
        if not (kind and equals and name):
            raise UsageError(f"a maker is named as KIND=NAME, such as image=nano, not {line!r}")
        found[kind] = name
    Makers(found)
    return found


def opened(name: str, kind: str, *, device: str = "auto") -> Maker:
    """A maker by name: `nano`, `diffusers:FOLDER`, or just a folder or hub id of weights.

    Raises:
        UsageError: if there is none of that name, its weights are not here, or it makes no `kind`.
    """
    head, _, target = name.partition(":")
    known = plugins.names("makers")
    if head in known:
        found: Maker = plugins.load("makers", head)(target, device=device)
    elif kind == "text":
        found = plugins.load("makers", "brain")(name, device=device)
    else:
        found = plugins.load("makers", _by_weights(name, known))(name, device=device)
    if kind not in found.makes:
        makes = ", ".join(sorted(found.makes))
        raise UsageError(f"the maker {name!r} makes {makes}, not {kind}: name another")
    return found


def _by_weights(name: str, known: Sequence[str]) -> str:
    """Which maker takes these weights, by the files that lie beside them."""
    from omni.makers.weights import library_of

    try:
        return library_of(name)
    except UsageError as error:
        raise UnknownPlugin(
            f"no maker {name!r}: {error}; makers by name are {', '.join(known)}"
        ) from None
