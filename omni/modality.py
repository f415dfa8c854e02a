"""The contract of a modality: one object that knows everything about one kind of media.

The core, the terminal, the memory and the model reach a modality only through this class. A new one
is a subclass in anybody's package, registered under the entry point group `omni.modalities`, and
checked by `omni.testing.modality.ModalitySuite`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from omni import plugins
from omni.errors import MediaError, UnknownPlugin, Unsupported
from omni.media import Access, Media

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from omni.compression.budget import Grid

Features = Mapping[str, "torch.Tensor"]
"""Tensors of one media item, ready for its encoder; the modality documents names and shapes."""

HEAD_BYTES = 4096


class Encoder(Protocol):
    """A `torch.nn.Module` that turns the features of a ragged batch into tokens."""

    width: int

    def __call__(self, batch: list[Features]) -> list[torch.Tensor]:
        """Tokens `[tokens, width]` of each item; batch mates never change a result."""
        ...

    def grid(self, features: Features) -> Grid:
        """How many tokens the item will have and how they lie, before it is encoded."""
        ...


class Decoder(Protocol):
    """A `torch.nn.Module` that turns the codes a language model emits into a decoded value.

    Attributes:
        codes: size of the code vocabulary.
        length: how many codes make one item, or `None` where it varies.
        max_length: at most this many codes.
    """

    codes: int
    length: int | None
    max_length: int

    def encode(self, value: Any) -> torch.Tensor:
        """Codes, int64 `[length]`, of a decoded value."""
        ...

    def decode(self, codes: torch.Tensor) -> Any:
        """The decoded value that codes, int64 `[length]`, stand for."""
        ...


class Modality(ABC):
    """One kind of media.

    Class attributes that a subclass sets:
        name: the plug-in's name.
        prefix: three letters that begin a handle, such as `img`.
        mime_types: MIME types it reads, the first of which `save` writes by default.
        suffixes: usual file name endings, with their dot; a hint, never a proof.
        block: the LangChain content block that carries it.
        words: nouns by which people call such media, such as `picture`, beside its name.
    """

    name: ClassVar[str]
    prefix: ClassVar[str]
    mime_types: ClassVar[tuple[str, ...]]
    suffixes: ClassVar[tuple[str, ...]]
    block: ClassVar[Literal["text", "image", "audio", "video", "file"]] = "file"
    words: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def sniff(self, head: bytes, name: str) -> str | None:
        """The MIME type if these first `HEAD_BYTES` bytes are of this modality, else `None`.

        The name decides only between formats that look alike, such as text and CSV.
        """

    @abstractmethod
    def load(self, media: Media) -> Any:
        """Decode, after checking the limits that the headers declare.

        Raises:
            MediaError: naming the file, what is wrong with it and what to do.
        """

    @abstractmethod
    def save(self, value: Any, *, name: str, mime: str | None = None) -> Media:
        """Encode a decoded value; the inverse of `load` up to what the format loses."""

    @abstractmethod
    def facts(self, value: Any) -> dict[str, Any]:
        """Measured properties that fit JSON, such as `{"width": 640, "height": 480}`."""

    @abstractmethod
    def picture(self, value: Any, *, width: int = 640) -> Image.Image:
        """An RGB picture of the value, `width` pixels wide: for people and picture-only models."""

    def overlay(
        self, value: Any, grid: Grid, places: Sequence[int], *, width: int = 640
    ) -> Image.Image:
        """The picture with what was kept of the item's tokens clear, and the rest dim.

        Args:
            value: decoded.
            grid: how its tokens lie.
            places: of those that were kept, ascending.
            width: of the picture, in pixels.

        Raises:
            UsageError: if a place lies outside the grid.
        """
        from omni.compression.overlay import overlay

        return overlay(self.picture(value, width=width), grid, places)

    @abstractmethod
    def example(self, seed: int = 0) -> Any:
        """A tiny decoded value, the same for the same seed: for tests and documentation."""

    def caption(self, value: Any) -> str:
        """One line of facts, without a model."""
        return ", ".join(
            f"{key.replace('_', ' ')} {fact}" for key, fact in self.facts(value).items()
        )

    def sparkline(self, value: Any, *, width: int = 60) -> str | None:
        """A one-line preview in plain characters, where that says more than a picture."""
        return None

    def text(self, value: Any) -> str | None:
        """The words that the media itself holds, for documents; `None` for the others."""
        return None

    def parts(self, value: Any) -> Iterable[tuple[str, Any]]:
        """Values inside this one, such as a video's sound, each as `(modality, value)`."""
        return ()

    def estimate_tokens(self, value: Any) -> int:
        """Tokens that the item takes in our own model; an estimate for other models."""
        return 256

    def features(self, value: Any) -> Features:
        """Tensors for the encoder.

        Raises:
            Unsupported: for a modality without an encoder.
        """
        raise Unsupported(f"the modality {self.name!r} has no encoder: show it with its picture")

    def encoder(self, **config: Any) -> torch.nn.Module | None:
        """A new encoder with fresh weights, or `None`. `config` holds JSON values."""
        return None

    def decoder(self, **config: Any) -> torch.nn.Module | None:
        """A new decoder with fresh weights, or `None`. `config` holds JSON values."""
        return None

    def forecaster(self, **config: Any) -> torch.nn.Module | None:
        """A new module that tells how values go on, with fresh weights, or `None`."""
        return None


def modality(name: str) -> Modality:
    """The modality plug-in of that name."""
    return plugins.load("modalities", name)


def modality_of(mime: str) -> Modality:
    """The modality that reads a MIME type.

    Raises:
        UnknownPlugin: if there is none.
    """
    for _, found in plugins.load_all("modalities"):
        if mime in found.mime_types:
            return found
    raise UnknownPlugin(f"no modality reads {mime!r}: see  omni catalog")


def open_media(path: Path | str, access: Access | None = None) -> Media:
    """Open a file of any modality, which is found by looking into it.

    Raises:
        MediaError: if the file cannot be opened (see `Access.check`) or nothing reads it.
    """
    path = Path(path)
    resolved = (access or Access()).check(path)
    try:
        with resolved.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise MediaError(f"cannot read {str(path)!r}: {error.strerror}") from None
    name, mime = sniff(head, path.name)
    return Media.from_path(resolved, modality=name, mime=mime, name=path.name)


def media_from_bytes(data: bytes, name: str) -> Media:
    """Take bytes of any modality, which is found by looking into them.

    Raises:
        MediaError: if they are empty or nothing reads them.
    """
    if not data:
        raise MediaError(f"{name} is empty (0 bytes)")
    found, mime = sniff(data[:HEAD_BYTES], name)
    return Media.from_bytes(data, modality=found, mime=mime, name=name)


def readable(media: Media) -> Media:
    """The media themselves, after decoding them once: what is kept must be readable later.

    Raises:
        MediaError: if they cannot be decoded.
    """
    modality(media.modality).load(media)
    return media


def sniff(head: bytes, name: str) -> tuple[str, str]:
    """Modality and MIME type of content; text is asked last, since much else looks like text.

    Words in a file whose name promises something else, such as `photo.png`, are refused rather
    than read as text.

    Raises:
        MediaError: if no modality recognises it.
    """
    candidates = dict(plugins.load_all("modalities"))
    text = candidates.pop("text", None)
    suffix = PurePath(name).suffix.lower()
    for found, plugin in candidates.items():
        if mime := plugin.sniff(head, name):
            return found, mime
    if text and (mime := text.sniff(head, name)):
        if mime.startswith("text/") and suffix not in text.suffixes:
            _refuse_promised(name, suffix, head, candidates)
        return "text", mime
    raise MediaError(
        f"{name} is of no kind that Omni reads (it begins with {head[:8]!r}): "
        f"readable are {', '.join(plugins.names('modalities'))}"
    )


def _refuse_promised(
    name: str, suffix: str, head: bytes, candidates: Mapping[str, Modality]
) -> None:
    for found, plugin in candidates.items():
        if suffix in plugin.suffixes:
            raise MediaError(
                f"{name} is named as {found} but holds something else (it begins with "
                f"{head[:8]!r}): rename it to .txt if it is text"
            )
