"""MIDI as a modality of Omni, in a package of its own: everything that one needs to write."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from omni.errors import MediaError, UsageError
from omni.media import Media
from omni.modality import Features, Modality
from omni.plugins import Component
from omni.values import Waveform

if TYPE_CHECKING:
    import torch
    from PIL import Image

MIME = "audio/midi"
MAX_BYTES = 8 << 20
MAX_NOTES = 200_000
MAX_SECONDS = 4 * 3600
TOKENS = 256
TICKS_PER_SECOND = 960
RATE = 16_000
HEARD_SECONDS = 30
_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
_DRUMS = 9


@dataclass(frozen=True, slots=True)
class Note:
    """One note; times in seconds, pitch and velocity in 0…127, channel in 0…15."""

    start: float
    seconds: float
    pitch: int
    velocity: int = 96
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """Notes in the order in which they begin."""

    notes: tuple[Note, ...]

    @property
    def seconds(self) -> float:
        return max((note.start + note.seconds for note in self.notes), default=0.0)


class MidiModality(Modality):
    """Standard MIDI Files, decoded to a `Score`."""

    name: ClassVar[str] = "midi"
    prefix: ClassVar[str] = "mid"
    mime_types: ClassVar[tuple[str, ...]] = (MIME,)
    suffixes: ClassVar[tuple[str, ...]] = (".mid", ".midi", ".smf")
    block: ClassVar[Literal["text", "image", "audio", "video", "file"]] = "file"

    def sniff(self, head: bytes, name: str) -> str | None:
        return MIME if head.startswith(b"MThd\0\0\0\x06") else None

    def load(self, media: Media) -> Score:
        if media.mime != MIME:
            raise MediaError(f"{media.name} is {media.mime!r}, and no MIDI file")
        if media.size > MAX_BYTES:
            raise MediaError(
                f"{media.name} has {media.size:,} bytes; the limit is {MAX_BYTES:,}: split it"
            )
        try:
            return parse(media.read())
        except (ValueError, IndexError, struct.error) as error:
            raise MediaError(f"{media.name} is no readable MIDI file: {error}") from None

    def save(self, value: Score, *, name: str, mime: str | None = None) -> Media:
        if mime not in (None, MIME):
            raise UsageError(f"a score is saved as {MIME!r}, not as {mime!r}")
        return Media.from_bytes(compose(value), modality=self.name, mime=MIME, name=name)

    def facts(self, value: Score) -> dict[str, Any]:
        pitches = [note.pitch for note in value.notes if note.channel != _DRUMS]
        return {
            "notes": len(value.notes),
            "seconds": round(value.seconds, 3),
            "lowest": spell(min(pitches)) if pitches else None,
            "highest": spell(max(pitches)) if pitches else None,
            "channels": len({note.channel for note in value.notes}),
        }

    def caption(self, value: Score) -> str:
        """One line such as `score of 8 notes from C4 to C5, 4.0 s`."""
        facts = self.facts(value)
        span = f" from {facts['lowest']} to {facts['highest']}" if facts["lowest"] else ""
        return f"score of {facts['notes']:,} notes{span}, {facts['seconds']:.1f} s"

    def sparkline(self, value: Score, *, width: int = 60) -> str:
        """The names of the first notes."""
        line = " ".join(spell(note.pitch) for note in value.notes[:width])
        return line if len(line) <= width else line[: width - 1] + "…"

    def picture(self, value: Score, *, width: int = 640) -> Image.Image:
        """A piano roll: time to the right, pitch upwards, louder notes darker."""
        from PIL import Image, ImageDraw

        height = max(1, width // 3)
        picture = Image.new("RGB", (width, height), (248, 248, 246))
        draw = ImageDraw.Draw(picture)
        low = min(note.pitch for note in value.notes) - 2
        rows = max(note.pitch for note in value.notes) + 3 - low
        scale = (width - 1) / max(value.seconds, 1e-6)
        for note in value.notes:
            left, right = note.start * scale, (note.start + note.seconds) * scale
            top = height - (note.pitch - low + 1) * height / rows
            shade = 200 - note.velocity
            box = (left, top, max(left, right), max(top, top + height / rows - 1))
            draw.rectangle(box, fill=(shade // 2, shade, 200))
        return picture

    def parts(self, value: Score) -> Iterator[tuple[str, Waveform]]:
        yield "audio", render(value)

    def estimate_tokens(self, value: Score) -> int:
        return min(len(value.notes), TOKENS)

    def features(self, value: Score) -> Features:
        """`notes` float32 `[notes, 4]`: start and length in seconds, pitch and velocity in 0…1."""
        import torch

        rows = [
            (note.start, note.seconds, note.pitch / 127, note.velocity / 127)
            for note in value.notes[:TOKENS]
        ]
        return {"notes": torch.tensor(rows, dtype=torch.float32)}

    def encoder(self, **config: Any) -> torch.nn.Module:
        return note_encoder(**config)

    def example(self, seed: int = 0) -> Score:
        """A scale that goes up, from a key and with a length that depend on the seed."""
        steps = (0, 2, 4, 5, 7, 9, 11, 12)[: 5 + seed % 4]
        return Score(
            tuple(Note(0.5 * i, 0.4, 60 + seed % 12 + step) for i, step in enumerate(steps))
        )


plugin = MidiModality()

COMPONENTS = (Component("modality", "midi", "Standard MIDI Files as notes, piano roll and sound."),)


def spell(pitch: int) -> str:
    """The name of a pitch, such as `C4` for 60."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def render(score: Score) -> Waveform:
    """The beginning of a score as sine waves with a soft attack and a decay."""
    import numpy as np

    seconds = min(score.seconds, HEARD_SECONDS)
    sound = np.zeros(max(1, int(seconds * RATE)), np.float32)
    for note in score.notes:
        first = int(note.start * RATE)
        count = min(int(note.seconds * RATE), len(sound) - first)
        if count <= 0:
            continue
        times = np.arange(count, dtype=np.float32) / RATE
        wave = np.sin(2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * times)
        shape = np.minimum(1, times / 0.01) * np.exp(-2 * times) * note.velocity / 127
        sound[first : first + count] += (wave * shape).astype(np.float32)
    peak = float(np.abs(sound).max())
    return Waveform((sound / max(1.0, peak))[:, None], RATE)


def note_encoder(width: int = 192) -> torch.nn.Module:
    """An encoder that makes one token of each note."""
    from torch import nn

    from omni.compression.budget import Grid

    class NoteEncoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.width = width
            self.layers = nn.Sequential(nn.Linear(4, width), nn.GELU(), nn.Linear(width, width))

        def grid(self, features: Features) -> Grid:
            return Grid(time=len(features["notes"]))

        def forward(self, batch: list[Features]) -> list[torch.Tensor]:
            kind = self.layers[0].weight
            return [self.layers(item["notes"].to(kind)) for item in batch]

    return NoteEncoder()


# The file format.


def compose(score: Score) -> bytes:
    """A Standard MIDI File of one track: 480 ticks a quarter note, two quarter notes a second."""
    events: list[tuple[int, int, bytes]] = []
    for note in score.notes:
        begin = round(note.start * TICKS_PER_SECOND)
        end = max(begin + 1, round((note.start + note.seconds) * TICKS_PER_SECOND))
        events.append((begin, 1, bytes((0x90 | note.channel, note.pitch, note.velocity))))
        events.append((end, 0, bytes((0x80 | note.channel, note.pitch, 0))))
    track, now = b"", 0
    for at, _, message in sorted(events):
        track += _variable(at - now) + message
        now = at
    track += b"\0\xff\x2f\0"
    header = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, TICKS_PER_SECOND // 2)
    return header + struct.pack(">4sI", b"MTrk", len(track)) + track


def _variable(number: int) -> bytes:
    """A number in groups of seven bits, all but the last marked."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return bytes(reversed(groups))


def parse(data: bytes) -> Score:
    """The notes of a Standard MIDI File of format 0 or 1, with its changes of tempo applied.

    Raises:
        ValueError: if it is broken or exceeds a limit.
    """
    magic, size, form, tracks, division = struct.unpack_from(">4sIHHH", data)
    if magic != b"MThd" or size < 6 or form > 1 or not 0 < division < 0x8000:
        raise ValueError("its header is of no kind that is read")
    tempos: list[tuple[int, int]] = [(0, 500_000)]
    spans: list[tuple[int, int, int, int, int]] = []
    at = 8 + size
    for _ in range(tracks):
        kind, length = struct.unpack_from(">4sI", data, at)
        at += 8
        if at + length > len(data):
            raise ValueError(f"a track of {length:,} bytes ends after {len(data) - at:,}")
        if kind == b"MTrk":
            _track(data[at : at + length], tempos, spans)
        at += length
    if not spans:
        raise ValueError("there are no notes in it")
    clock = _Clock(sorted(tempos), division)
    notes = []
    for begin, end, pitch, velocity, channel in sorted(spans):
        start = clock.seconds(begin)
        notes.append(Note(start, clock.seconds(end) - start, pitch, velocity, channel))
    score = Score(tuple(notes))
    if score.seconds > MAX_SECONDS:
        raise ValueError(f"it lasts {score.seconds:,.0f} s; the limit is {MAX_SECONDS:,}")
    return score


class _Clock:
    """Ticks into seconds, through the changes of tempo."""

    def __init__(self, tempos: list[tuple[int, int]], division: int):
        self.pieces: list[tuple[int, float, float]] = []
        seconds = 0.0
        for index, (tick, tempo) in enumerate(tempos):
            if index:
                last_tick, _, rate = self.pieces[-1]
                seconds += (tick - last_tick) * rate
            self.pieces.append((tick, seconds, tempo / 1e6 / division))

    def seconds(self, tick: int) -> float:
        import bisect

        index = bisect.bisect_right(self.pieces, tick, key=lambda piece: piece[0]) - 1
        begin, seconds, rate = self.pieces[index]
        return seconds + (tick - begin) * rate


def _track(data: bytes, tempos: list, spans: list) -> None:
    """Read the events of a track: add its tempos and the spans of its notes."""
    at, tick, status = 0, 0, 0
    sounding: dict[tuple[int, int], tuple[int, int]] = {}
    while at < len(data):
        delta, at = _number(data, at)
        tick += delta
        if data[at] & 0x80:
            status, at = data[at], at + 1
        if status in (0xF0, 0xF7, 0xFF):
            meta = data[at] if status == 0xFF else None
            length, at = _number(data, at + (meta is not None))
            if meta == 0x51 and length == 3:
                tempos.append((tick, int.from_bytes(data[at : at + 3], "big")))
            at += length
            status = 0
            continue
        if not 0x80 <= status < 0xF0:
            raise ValueError(f"an event begins with the byte {status:#04x}")
        kind, channel = status & 0xF0, status & 0x0F
        if kind in (0x80, 0x90):
            pitch, velocity = data[at] & 0x7F, data[at + 1] & 0x7F
            if (channel, pitch) in sounding:
                begin, loud = sounding.pop((channel, pitch))
                spans.append((begin, max(tick, begin + 1), pitch, loud, channel))
            if kind == 0x90 and velocity:
                sounding[channel, pitch] = (tick, velocity)
            if len(spans) > MAX_NOTES:
                raise ValueError(f"it has more than {MAX_NOTES:,} notes")
        at += 1 if kind in (0xC0, 0xD0) else 2
    for (channel, pitch), (begin, loud) in sounding.items():
        spans.append((begin, max(tick, begin + 1), pitch, loud, channel))


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, and where it ends."""
    found = 0
    for _ in range(4):
        byte = data[at]
        at += 1
        found = found << 7 | byte & 0x7F
        if byte < 0x80:
            return found, at
    raise ValueError("a number is longer than four bytes")
