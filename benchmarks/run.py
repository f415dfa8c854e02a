"""Measure beside the honest rival, and print the form that `omni bench` programs read.

    python benchmarks/run.py start        import and help, beside a bare Python
    python benchmarks/run.py turns        ten turns with a picture each, beside a bare agent
    python benchmarks/run.py nano         the embedded model, beside plain transformers

Ratios above 1 mean that ours is faster. Both sides run in strict alternation, medians are taken,
and the equality check, where there is one, is of the same run.
"""

import argparse
import importlib.util
import json
import platform
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

CASES = ("start", "turns", "nano")
PACKAGES = ("torch", "transformers", "langchain", "langgraph")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="also write the JSON into this folder")
    given = parser.parse_args()
    for name in given.cases:
        if name not in CASES:
            parser.error(f"unknown case {name!r}: of {', '.join(CASES)}")
        figures = {
            "what": name,
            "device": f"cpu, {platform.machine()}",
            "versions": {"python": platform.python_version(), **versions()},
            "repeats": given.repeats,
            "rows": load(name).measure(given.repeats),
        }
        print(json.dumps(figures, indent=1))
        if given.out:
            given.out.mkdir(parents=True, exist_ok=True)
            (given.out / f"{name}-cpu-{date.today()}.json").write_text(
                json.dumps(figures, indent=1) + "\n"
            )


def load(name: str):
    """The script of a case."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


if __name__ == "__main__":
    sys.exit(main())
