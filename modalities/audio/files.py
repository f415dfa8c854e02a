"""Sound files to a `Waveform` and back, within limits on time and memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from omni.errors import MediaError
from omni.media import Media
from omni.values import Waveform

from .completeness import missing_bytes
from .quiet import TALKATIVE, quiet

if TYPE_CHECKING:
    import soundfile

MAX_SECONDS = 3600
MAX_VALUES = 1 << 26
"""Samples times channels that are kept as they are (256 MiB); beyond, sound is made 16 kHz mono."""
MAX_RATE = 1_000_000
_BLOCK_VALUES = 1 << 18
_UNKNOWN_FRAMES = 1 << 62
"""libsndfile reports a number above this where the header does not tell the length."""
_OVERSHOOT = 1.5
"""A peak up to this is ordinary after lossy coding and is scaled down without a note."""

FORMATS = {
    "audio/wav": ("WAV", "PCM_16"),
    "audio/flac": ("FLAC", "PCM_16"),
    "audio/ogg": ("OGG", "VORBIS"),
    "audio/mpeg": ("MP3", "MPEG_LAYER_III"),
    "audio/aiff": ("AIFF", "PCM_16"),
    "audio/opus": ("OGG", "OPUS"),
}
"""libsndfile's container and coding for each MIME type that is written."""
_SAME = {
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "audio/mp3": "audio/mpeg",
}


def read(media: Media) -> Waveform:
    """Decode a sound file.

    Raises:
        MediaError: if it is no sound, cut off, empty, too long, or holds no usable number.
    """
    mime = _SAME.get(media.mime, media.mime)
    with media.open() as stream:
        if missing := missing_bytes(stream, media.size, mime):
            raise MediaError(_cut_off(media, f"{missing:,} bytes of its sound are missing"))
    with quiet(mime in TALKATIVE):
        with _opened(media) as file:
            _check_header(file, media)
            blocks = _decode(file, media)
            if blocks is not None:
                return _finish(blocks, file.samplerate, media)
        return _read_smaller(media)


def _read_smaller(media: Media) -> Waveform:
    """Decode a long recording as 16 kHz mono, piece by piece."""
    import soxr

    from .features import SAMPLE_RATE, downmix

    pieces, broken = [], 0
    with _opened(media) as file:
        stream = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, dtype="float32")
        for block in _blocks(file, media):
            broken += _silence_broken(block)
            pieces.append(stream.resample_chunk(downmix(block))[:, None])
        pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True)[:, None])
        note = f"read as 16 kHz mono (from {file.samplerate} Hz, {file.channels} channels)"
    return _finish(pieces, SAMPLE_RATE, media, (note,), broken)


@contextmanager
def _opened(media: Media) -> Iterator[soundfile.SoundFile]:
    import soundfile

    with media.open() as stream:
        try:
            file = soundfile.SoundFile(stream)
        except soundfile.LibsndfileError as error:
            raise MediaError(
                f"{media.name} cannot be read as {media.mime} ({_reason(error)}): "
                "the file is damaged or is no sound"
            ) from None
        with file:
            yield file


def _check_header(file: soundfile.SoundFile, media: Media) -> None:
    if not 0 < file.samplerate <= MAX_RATE:
        raise MediaError(
            f"{media.name} declares {file.samplerate:,} samples a second; the limit is {MAX_RATE:,}"
        )
    if file.frames < _UNKNOWN_FRAMES:
        _check_length(file.frames, file.samplerate, media)
        _check_length(file.frames, file.samplerate, media)


def _check_length(frames: int, rate: int, media: Media, *, so_far: bool = False) -> None:
    if frames > MAX_SECONDS * rate:
        raise MediaError(
            f"{media.name} lasts {_duration(frames / rate)}{' or more' * so_far}; the limit is "
            f"{_duration(MAX_SECONDS)}: cut out the part that matters, for example with  "
            "ffmpeg -ss START -t SECONDS -i IN OUT"
        )


def _decode(file: soundfile.SoundFile, media: Media) -> list[np.ndarray] | None:
    """All blocks as they are, or `None` if they are too many for memory."""
    if file.frames < _UNKNOWN_FRAMES and file.frames * file.channels > MAX_VALUES:
        return None
    kept, values = [], 0
    for block in _blocks(file, media):
        values += block.size
        if values > MAX_VALUES:
            return None
        kept.append(block)
    return kept


def _blocks(file: soundfile.SoundFile, media: Media) -> Iterator[np.ndarray]:
    """Blocks float32 `[frames, channels]` up to the end, which must be where the header says."""
    import soundfile

    size = max(1, _BLOCK_VALUES // file.channels)
    declared, done = file.frames, 0
    while True:
        try:
            block = file.read(size, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise MediaError(_cut_off(media, f"its sound breaks off ({_reason(error)})")) from None
        if not len(block):
            break
        done += len(block)
        _check_length(done, file.samplerate, media, so_far=True)
        yield block
    if done < declared < _UNKNOWN_FRAMES:
        raise MediaError(_cut_off(media, f"it has {done:,} of {declared:,} samples"))


def _finish(
    blocks: list[np.ndarray],
    rate: int,
    media: Media,
    notes: tuple[str, ...] = (),
    broken: int = 0,
) -> Waveform:
    """Join blocks; silence what is no number and bring the peak down to 1."""
    if not sum(len(block) for block in blocks):
        raise MediaError(f"{media.name} holds no sound (0 samples): record or export it again")
    broken += sum(_silence_broken(block) for block in blocks)
    samples = np.concatenate(blocks)
    if broken >= samples.size:
        raise MediaError(
            f"{media.name} holds no usable sample: every one is NaN or infinite; export it again"
        )
    if broken:
        notes += (f"{broken:,} samples that were NaN or infinite are silenced",)
    peak = float(max(samples.max(), -samples.min()))
    if peak > 1:
        samples /= np.float32(peak)
        np.clip(samples, -1, 1, out=samples)
    if peak > _OVERSHOOT:
        notes += (f"scaled down from a peak of {peak:.3g}",)
    return Waveform(samples, rate, notes)


def _silence_broken(block: np.ndarray) -> int:
    """Put 0 for NaN and infinity, in place, and count them."""
    finite = np.isfinite(block)
    if finite.all():
        return 0
    block[~finite] = 0
    return int(block.size - np.count_nonzero(finite))


def write(waveform: Waveform, *, name: str, mime: str) -> Media:
    """Encode a sound; WAV, AIFF and FLAC hold 16-bit samples.

    Raises:
        MediaError: for a MIME type that is not written, or a sound that the format cannot hold.
    """
    import soundfile

    wanted = _SAME.get(mime, mime)
    if wanted not in FORMATS:
        raise MediaError(f"cannot write sound as {mime!r}; writable are {', '.join(FORMATS)}")
    container, coding = FORMATS[wanted]
    if not waveform.samples.size:
        raise MediaError(f"cannot write {name}: the sound has no samples")
    samples = np.nan_to_num(waveform.samples, nan=0.0, posinf=1.0, neginf=-1.0)
    samples = samples.reshape(len(samples), -1)
    target = io.BytesIO()
    try:
        with soundfile.SoundFile(
            target,
            "w",
            samplerate=waveform.sample_rate,
            channels=samples.shape[1],
            format=container,
            subtype=coding,
        ) as file:
            # In pieces, because libsndfile's Vorbis writer overflows its stack on long arrays.
            for start in range(0, len(samples), _BLOCK_VALUES):
                file.write(np.clip(samples[start : start + _BLOCK_VALUES], -1, 1))
    except soundfile.LibsndfileError as error:
        raise MediaError(
            f"cannot write {name} as {mime} with {waveform.sample_rate} Hz and "
            f"{samples.shape[1]} channels ({_reason(error)}): write it as audio/wav"
        ) from None
    return Media.from_bytes(target.getvalue(), modality="audio", mime=mime, name=name)


def _cut_off(media: Media, what: str) -> str:
    return f"{media.name} is cut off or damaged: {what}; get a complete copy of the file"


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours:,}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _reason(error: Exception) -> str:
    """The words of libsndfile without the object that soundfile puts before them."""
    words = getattr(error, "error_string", str(error)).strip().rstrip(".")
    return words.removeprefix("Error : ")
