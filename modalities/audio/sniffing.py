"""Tell sound formats by their first bytes."""

from __future__ import annotations

_OGG_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""MP3 sample rates by the version bits: MPEG 1, 2 and 2.5."""
_BITRATES_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def mime_of(head: bytes) -> str | None:
    """The MIME type of the sound format that these first bytes begin, or `None`."""
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head[:4] == b"fLaC":
        return "audio/flac"
    if head[:4] == b"OggS" and head[28:].startswith(_OGG_CODECS):
        return "audio/ogg"
    if head[:3] == b"ID3" and len(head) >= 10 and head[3] in (2, 3, 4):
        return "audio/flac" if head[10 + tag_size(head) :][:4] == b"fLaC" else "audio/mpeg"
    return "audio/mpeg" if _is_mp3(head) else None


def tag_size(head: bytes) -> int:
    """Bytes of the ID3 tag that begins here, less the ten of its header."""
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return size


def _is_mp3(head: bytes) -> bool:
    """Whether a frame of MPEG layer III begins here, and another where the first one ends."""
    length = _mp3_frame(head)
    if not length:
        return False
    following = head[length:]
    return _mp3_frame(following) > 0 if len(following) >= 4 else len(head) < length + 4


def _mp3_frame(head: bytes) -> int:
    """Bytes of the MPEG layer III frame that begins here; 0 if none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3 or head[3] & 3 == 2:
        return 0
    kilobits = (_BITRATES_1 if version == 3 else _BITRATES_2)[bitrate - 1]
    samples = 1152 if version == 3 else 576
    return samples // 8 * 1000 * kilobits // _RATES[version][rate] + (head[2] >> 1 & 1)
