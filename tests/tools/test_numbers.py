"""Series, tables and solids whose numbers are known."""

import base64
import json

import numpy as np
import pytest

from omni.errors import Retry
from omni.media import Media
from omni.modality import modality
from omni.plugins import load
from omni.values import Cloud, Series


def value_in(block, kind):
    data = base64.b64decode(block["base64"])
    media = Media.from_bytes(data, modality=kind, mime=block["mime_type"], name="it")
    return modality(kind).load(media)


def one(values, name="x") -> Series:
    return Series(np.asarray(values, dtype=float)[:, None], (name,))


def test_a_forecast_of_a_clear_season_is_near_and_comes_as_a_table_and_a_plot(bench):
    tool = load("tools", "forecast")(bench=bench)
    words, table, plot = tool.work("ser-1", horizon=24)
    told = json.loads(words["text"])
    assert told["season"] in (7, 12)  # days have weeks by default
    found = value_in(table, "series")
    assert found.names == ("sales", "sales 10 %", "sales 90 %")
    assert found.values.shape == (24, 3)
    assert str(found.times[0])[:10] == "2020-04-06"
    assert (found.values[:, 1] <= found.values[:, 0]).all()
    assert (found.values[:, 0] <= found.values[:, 2]).all()
    at = np.arange(96, 120)
    truth = 10 + 0.5 * at + 3 * np.sin(2 * np.pi * at / 12)
    seasoned = value_in(tool.work("ser-1", horizon=24, season=12)[1], "series").values[:, 0]
    assert np.abs(seasoned - truth).mean() < 1.0
    assert value_in(plot, "image").size == (800, 360)
    assert value_in(tool.work("ser-1", horizon=3, column="stock")[1], "series").names[0] == "stock"
    with pytest.raises(Retry, match="no column 'price'; there are: sales, stock"):
        tool.work("ser-1", column="price")


def test_a_short_series_is_refused_with_the_reason(bench, shelf, put):
    short = put(shelf, "series", one([1, 2, 3]), "short.csv")
    with pytest.raises(Retry, match="at least"):
        load("tools", "forecast")(bench=bench).invoke({"series": short})
    with pytest.raises(Retry, match="an analysis needs 8 or more"):
        load("tools", "analyse_series")(bench=bench).work(short)


def analysed(bench, name) -> dict:
    words, _ = load("tools", "analyse_series")(bench=bench).work(name)
    return json.loads(words["text"])


def test_trend_season_and_outliers_are_those_that_were_put_in(bench, shelf, put, sales):
    rng = np.random.default_rng(0)
    values = sales(120).values[:, 0] + 0.2 * rng.standard_normal(120)
    values[37] += 9
    values[80] -= 12
    values[50:53] = np.nan
    told = analysed(bench, put(shelf, "series", one(values), "odd.csv"))
    assert (told["rows"], told["gaps"], told["trend"]) == (120, 3, "rising")
    assert told["season"] == "every 12 rows"
    assert told["trend per row"] == pytest.approx(0.5, abs=0.02)
    assert [text.split("row ")[1].split()[0] for text in told["outliers"]] == ["80", "37"]
    assert told["mean"] == pytest.approx(np.nanmean(values), rel=1e-3)


@pytest.mark.parametrize(
    ("values", "trend"),
    [
        (np.random.default_rng(1).standard_normal(200), "flat"),
        (np.full(30, 4.0), "flat"),
        (-np.arange(40.0), "falling"),
        (np.arange(40.0) * 1e-6, "rising"),
    ],
)
def test_noise_is_no_trend(bench, shelf, values, trend, put):
    told = analysed(bench, put(shelf, "series", one(values), "it.csv"))
    assert told["trend"] == trend
    assert told["outliers"] == []


def test_tables_are_read_and_summed(bench):
    read = load("tools", "read_table")(bench=bench)
    lines = read.work("ser-1", ["stock"], first=2, rows=2).splitlines()
    assert lines == [
        "row,time,stock",
        "2,2020-01-03T00:00:00,98",
        "3,2020-01-04T00:00:00,97",
        "(rows 2 to 3 of 96)",
    ]
    assert read.work("ser-1", ["stock"], total="sum") == (
        f"sum of rows 0 to 95 of 96: stock {sum(100 - at for at in range(96))}"
    )
    assert "max of rows 5 to 14 of 96: stock 95" in read.work(
        "ser-1", ["stock"], first=5, rows=10, total="max"
    )
    with pytest.raises(Retry, match="there is no row 96"):
        read.work("ser-1", first=96)
    with pytest.raises(Retry, match="no column 'price'"):
        read.work("ser-1", ["price"])


def test_a_cube_is_measured_and_shown_from_four_sides(bench, shelf, put):
    corners = np.array(np.meshgrid([0, 2], [0, 2], [0, 2])).T.reshape(-1, 3).astype(np.float32)
    from scipy.spatial import ConvexHull

    hull = ConvexHull(corners)
    faces = hull.simplices.astype(np.int64)
    measure = load("tools", "measure_points")(bench=bench)
    tangled = put(shelf, "points", Cloud(corners, faces=faces), "tangled.ply")
    assert "volume" not in json.loads(measure.work(tangled, views=False))
    across = np.cross(corners[faces[:, 1]] - corners[faces[:, 0]],
                      corners[faces[:, 2]] - corners[faces[:, 0]])  # fmt: skip
    inward = (across * hull.equations[:, :3]).sum(1) < 0
    faces[inward] = faces[inward, ::-1]
    name = put(shelf, "points", Cloud(corners, faces=faces), "cube.ply")
    words, block = measure.work(name)
    told = json.loads(words["text"].splitlines()[0])
    assert told["watertight"] is True
    assert told["volume"] == pytest.approx(8)
    assert told["area"] == pytest.approx(24)
    assert told["centre"] == [1.0, 1.0, 1.0]
    picture = value_in(block, "image")
    assert picture.width == 4 * 320
