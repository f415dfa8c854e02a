"""Ask a folder of mixed files: multimodal RAG whose answers name file, page, box, second and row.

    python recipes/ask_a_folder.py                                  # the samples, some questions
    python recipes/ask_a_folder.py ~/papers "What was measured?" --model ollama:qwen3-vl
    python recipes/ask_a_folder.py ~/papers "…" --memory ~/papers.memory   # kept for the next time

The embedded model looks at media of its own small world and answers from prose in its own words;
any other brain reads what was found, sees the media, and is to name its sources by number.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import omni
from omni.chat.recalling import Recall
from omni.memory.retrieve import Library

SAMPLES = Path(__file__).parent / "samples"
QUESTIONS = (
    "When was the lighthouse built?",
    "What colour is the circle?",
    "How many beeps are there?",
    "Who painted the ceiling of the chapel?",
)


def answers(library: Library, questions: list[str], model: str) -> list[dict[str, Any]]:
    """Each question with its answer and the spots that it is from."""
    recall = Recall(library)
    found = []
    for question in questions:
        # A session of its own for each, so that no answer rests on the one before.
        with omni.Agent(model, session=None, middleware=(recall,)) as agent:
            answer = agent.run(question)
        found.append(
            {
                "question": question,
                "answer": answer.text,
                "ok": answer.ok,
                "citations": [
                    one.model_dump(mode="json", exclude_none=True) for one in answer.citations
                ],
                "spots": [library.told(one) for one in answer.citations],
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SAMPLES)
    parser.add_argument("questions", nargs="*", metavar="QUESTION")
    parser.add_argument("--model", default="nano", help="the brain, as for  omni chat")
    parser.add_argument("--memory", type=Path, help="keep the memory in this folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = given.memory or Path(temporary, "memory")
        with Library(root, create=True) as library:
            taken = library.add([given.folder]).to_json()
            told = answers(library, given.questions or list(QUESTIONS), given.model)
    if given.json:
        print(json.dumps({"files": taken["counts"], "answers": told}, ensure_ascii=False))
        return
    print(f"{taken['counts']['added']} files taken in, {taken['counts']['kept']} known before")
    for one in told:
        print(f"\n{one['question']}\n  {one['answer'] or '(no answer)'}")
        for spot in one["spots"]:
            print(f"  from {spot}")


if __name__ == "__main__":
    main()
