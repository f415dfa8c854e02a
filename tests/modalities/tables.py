"""Tables for the tests of series: read, refused, and written by NumPy and pandas."""

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from omni.errors import MediaError
from omni.media import Media
from omni.modalities.series import plugin as series
from omni.modality import media_from_bytes
from omni.values import Series

PARQUET = "application/vnd.apache.parquet"


def load(content: str | bytes, name: str = "table.csv") -> Series:
    data = content.encode() if isinstance(content, str) else content
    media = media_from_bytes(data, name)
    assert media.modality == "series"
    return series.load(media)


def refused(content: str | bytes, mime: str = "text/csv") -> str:
    data = content.encode() if isinstance(content, str) else content
    media = Media.from_bytes(data, modality="series", mime=mime, name="bad")
    with pytest.raises(MediaError) as caught:
        series.load(media)
    message = str(caught.value)
    assert message.startswith("bad ") and "\n" not in message
    return message


def npy(array: np.ndarray, **options: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, array, **options)
    return target.getvalue()


def daily(rows: int = 6) -> pd.DataFrame:
    dates = pd.date_range("2024-01-29", periods=rows)
    return pd.DataFrame(
        {"date": dates, "temp": np.arange(rows) + 0.5, "rain": [3, 0] * (rows // 2)}
    )
