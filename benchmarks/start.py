"""How long it takes to begin: `import omni` and `omni --help`, beside a Python that is idle."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

OMNI = Path(sys.executable).with_name("omni")
CASES = {
    "import omni": [sys.executable, "-c", "import omni"],
    "omni --help": [str(OMNI), "--help"],
}
NOTHING = [sys.executable, "-c", "pass"]


def measure(repeats: int) -> list[dict]:
    """Seconds of a fresh process; the rival is the least that any Python program takes."""
    rows = []
    for case, command in CASES.items():
        ours, rival = [], []
        for _ in range(max(repeats, 9)):
            rival.append(seconds(NOTHING))
            ours.append(seconds(command))
        mine, bare = statistics.median(ours), statistics.median(rival)
        rows.append(
            {
                "case": case,
                "seconds": round(mine, 4),
                "rival": "python -c pass",
                "rival_seconds": round(bare, 4),
                "ratio": round(bare / mine, 3),
                "above_bare_seconds": round(mine - bare, 4),
            }
        )
    return rows


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
