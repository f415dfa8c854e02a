"""A process that is killed at random instants: `benchmarks/session_kills.py`, in its short form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "session_kills.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script starts its children by fork")
@pytest.mark.timeout(180)
def test_kills_lose_no_acknowledged_turn_and_no_attachment():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "8", "--seed", "3"],
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kills, pictures, words = json.loads(done.stdout)["rows"]
    assert kills["lost"] == [] and kills["goes_on"]
    assert kills["acknowledged_turns"] >= 5 and kills["acknowledged_attachments"] >= 2
    assert pictures["pictures_bytes"] < pictures["bytes"] < 12_000_000
    assert words["bytes"] < 200_000
