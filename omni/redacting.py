"""Keep secrets out of logs, errors and traces."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 8
"""Shorter values of variables are left alone: they stand in too many innocent words."""

_PATTERNS = (
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
    ),
    re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}"),
    re.compile(r"\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}"),
    re.compile(r"\bglpat-[\w-]{16,}|\bhf_[A-Za-z0-9]{16,}|\bxox[abeoprs]-[\w-]{10,}"),
    re.compile(r"\bA(?:KIA|SIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}"),
    re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
)
_NAMED = (
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(
        r"(\b(?:x-)?(?:api[-_]?key|access[-_]?token|auth[-_]?token|client[-_]?secret|password|"
        r"passwd|secret)[\"']?\s*[=:]\s*[\"']?)(?!\[)[^\s\"'&,;}]{4,}",
        re.IGNORECASE,
    ),
    re.compile(r"([?&](?:key|token|sig|signature|code)=)[^\s&#\"']{4,}", re.IGNORECASE),
)
MARK = "[redacted]"
_FORMATTER = logging.Formatter()


def redact(text: str) -> str:
    """The text without what looks like a key, a password or a token.

    Values of environment variables whose names say so are taken out wherever they stand, too.
    """
    for name, value in _variables():
        if value in text:
            text = text.replace(value, f"[{name} redacted]")
    for pattern in _PATTERNS:
        text = pattern.sub(MARK, text)
    for pattern in _NAMED:
        text = pattern.sub(rf"\1{MARK}", text)
    return text


def redact_logs() -> None:
    """From now on, every record of `logging` in this process is redacted, tracebacks too.

    A second call does nothing.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def record(*args: object, **more: object) -> logging.LogRecord:
        found = make(*args, **more)
        try:
            found.msg, found.args = redact(found.getMessage()), None
            if found.exc_info:
                found.exc_text = redact(_FORMATTER.formatException(found.exc_info))
        except Exception:  # arguments that do not fit: logging itself reports them
            return found
        return found

    record.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(record)


def _variables() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and _SECRET_NAME.search(name) and not os.path.isdir(value):
            yield name, value
