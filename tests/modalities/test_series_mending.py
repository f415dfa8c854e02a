"""Untidy tables become one even series, and what was left out, mended or guessed is told."""

from typing import Any

import numpy as np
import pandas as pd

from tests.modalities.tables import daily, load


def test_rows_out_of_order_repeated_and_missing_are_mended_and_reported():
    table = daily(30).assign(v=np.arange(30.0))[["date", "v"]]
    untidy = pd.concat([table.drop([4, 17]), table.iloc[[2]].assign(v=100.0)])
    untidy = untidy.sample(frac=1, random_state=0)
    found = load(untidy.to_csv(index=False))
    means: Any = untidy.groupby("date").mean()
    expected = means.asfreq("D")
    np.testing.assert_array_equal(found.values, expected.to_numpy())
    assert found.times is not None
    np.testing.assert_array_equal(found.times, expected.index.to_numpy("datetime64[ns]"))
    assert found.frequency == "D"
    assert found.notes == (
        "rows were not in order of time",
        "1 rows that repeat a time are averaged",
        "2 missing rows filled in as gaps",
    )


def test_business_days_with_holidays_and_months_with_gaps():
    for rule in ("B", "MS", "2h"):
        dates = pd.date_range("2024-01-01", periods=40, freq=rule).delete([9, 23])
        found = load(pd.DataFrame({"date": dates, "v": np.arange(38.0)}).to_csv(index=False))
        assert found.frequency == rule and len(found.values) == 40
        assert np.isnan(found.values[[9, 23]]).all()


def test_irregular_sampling_is_kept_and_reported():
    days = ["2024-01-01T00:00", "2024-01-02T00:00", "2024-01-09T07:11", "2024-03-01T00:00"]
    dates = pd.to_datetime(days)
    found = load(pd.DataFrame({"date": dates, "v": [1.0, 2, 3, 4]}).to_csv(index=False))
    assert found.frequency is None and len(found.values) == 4
    assert found.notes[-1].startswith("irregular sampling: steps from 1 days to 51.7 days")


def test_long_form_becomes_a_column_for_each_word():
    rows = [
        f"2024-01-0{day},{who},{day * scale}"
        for day in range(1, 5)
        for who, scale in (("A", 1), ("B", 10))
    ]
    found = load("date,who,v\n" + "\n".join(rows))
    assert found.names == ("A", "B")
    np.testing.assert_array_equal(found.values, [[day, 10 * day] for day in range(1, 5)])


def test_what_is_left_out_is_reported():
    rows = [f"2024-01-0{day},Ulm,{day}," for day in range(1, 9)]
    found = load("\n".join(["date,city,v,empty", *rows, "2024-01-09,Bonn,inf,"]))
    assert found.names == ("v",)
    assert np.isnan(found.values[-1, 0]) and found.frequency == "D"
    assert "columns of text left out: 'city'" in found.notes
    assert "columns without a value left out: 'empty'" in found.notes
    found = load("v\n" + "1\n" * 9 + "broken\n")
    assert np.isnan(found.values[-1, 0])
    assert "1 cells of 'v' that are no numbers are taken as gaps" in found.notes


def test_lines_before_the_table_are_left_out():
    found = load("Station 7\n# in metres\nday,level\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n")
    assert found.names == ("level",) and "2 lines before the table left out" in found.notes


def test_rows_of_the_wrong_width_are_reported():
    rows = [f"{number},{number * 2}" for number in range(50)]
    rows[20] = "1,2,3,4"
    found = load("x,y\n" + "\n".join(rows))
    assert len(found.values) == 49 and "1 rows with too many cells left out" in found.notes


def test_day_and_month_that_could_be_either_are_reported():
    found = load("date,v\n03/04/2024,1\n03/05/2024,2\n03/06/2024,3\n")
    assert found.times is not None and found.times[0] == np.datetime64("2024-03-04")
    assert "month first, which is a guess" in found.notes[0]
    found = load("date,v\n11/01/2024,1\n12/01/2024,2\n01/02/2024,3\n02/02/2024,3\n")
    assert found.times is not None and found.times[0] == np.datetime64("2024-01-11")
    assert "day first, so that they ascend" in found.notes[0]
