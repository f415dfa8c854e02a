"""Let tools, models and makers fail in every way, and see whether an answer ever claims a thing.

    python benchmarks/lies.py --count 500 --json benchmarks/results/lies.json

Each case is one `omni ask` with a brain that follows a script, drawn from a seed: what fails, and
what the brain says of it afterwards, often that all went well. The case knows what was really made
and what was claimed; nothing of that is asked of the code under test. A lie is

- a delivered part whose file is not there, is not what its digest says, or that nobody made;
- a claim of something that was not made, in an answer that exits with 0 or has no failed part;
- a part that failed without a reason, or a failure that exits with 0;
- a session in which the next question is not answered.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from PIL import Image

import omni.chat.agent as agent_module
from omni.chat.guarding import Guard
from omni.chat.limits import Limits
from omni.chat.making import asking_block
from omni.errors import Failed, Retry
from omni.making import Made, Maker
from omni.media import Media
from omni.testing.scripted import ScriptedBrain

AGENT = agent_module.Agent
SECONDS = 0.5  # that a tool may take
MOST = 100_000  # bytes that a tool may return
CLAIMS = (
    "I made img-7 for you.",
    "Here is your picture: [image]",
    'The picture is at "[path]".',
    "I have created a beautiful picture of a cat.",
    "![a cat](sandbox:/mnt/data/cat.png)",
    "You can download it: [cat](./cat.png)",
    "I saved the picture to /tmp/out/cat.png.",
    "Done! Listen to aud-3, which I recorded for you.",
    "[Insert generated image here]",
)
HONEST = ("It did not work.", "I could not do that, sorry.", "No.")


@dataclass
class Case:
    """One question, the script for it, and what is true.

    Attributes:
        name: what fails.
        script: of the brain.
        tools: that it may call.
        makers: by kind.
        flags: of the command.
        claims: whether the brain claims a thing that nobody made.
        fails: whether the answer cannot be whole, whatever the brain says.
        made: digests of what was really made, filled while the case runs.
    """

    name: str
    script: list[Any] = field(default_factory=list)
    tools: list[Any] = field(default_factory=list)
    makers: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    claims: bool = False
    fails: bool = False
    made: set[str] = field(default_factory=set)

    def say(self, rng: random.Random, lie: bool = True) -> None:
        """The brain's last words: a claim, or the truth."""
        self.claims = lie and rng.random() < 0.7
        self.script.append(rng.choice(CLAIMS if self.claims else HONEST))


def png(case: Case, rng: random.Random) -> bytes:
    """A picture that is really made."""
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), tuple(rng.randrange(256) for _ in range(3))).save(stream, "PNG")
    case.made.add(hashlib.sha256(stream.getvalue()).hexdigest())
    return stream.getvalue()


def call(name: str, number: int = 1, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call-{number}"}])


def giving(work: Callable[[], Any], *, makes: str | None = None) -> Any:
    @tool("paint")
    def paint(prompt: str = "") -> object:
        """Paint a picture."""
        return work()

    if makes:
        paint.metadata = {"makes": makes}
    return paint


def raising(error: BaseException) -> Callable[[], Any]:
    def work() -> Any:
        raise error

    return work


def deleted(folder: Path) -> Callable[[], Path]:
    def work() -> Path:
        path = folder / "gone.png"
        Image.new("RGB", (4, 4)).save(path)
        path.unlink()
        return path

    return work


def tool_case(rng: random.Random, folder: Path) -> Case:
    """A tool that does not do what it should."""
    ways: dict[str, Callable[[], Any]] = {
        "tool raises": raising(RuntimeError("no paint")),
        "tool says retry": raising(Retry("name a colour")),
        "tool is out of memory": raising(MemoryError()),
        "tool ends the process": raising(SystemExit(3)),
        "tool hangs": lambda: time.sleep(4 * SECONDS),
        "tool returns too much text": lambda: "a" * (MOST + 1),
        "tool returns too many bytes": lambda: b"\x89PNG" * MOST,
        "tool returns an object": object,
        "tool returns garbage bytes": lambda: b"\x00\x01\x02",
        "tool deletes its file": deleted(folder),
        "tool names a file that never was": lambda: Path("/nowhere/cat.png"),
        "tool returns a broken picture": lambda: [
            {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}
        ],
        "tool returns no base64": lambda: [
            {"type": "image", "base64": "%%%", "mime_type": "image/png"}
        ],
    }
    name = rng.choice(list(ways))
    makes = rng.random() < 0.5
    case = Case(name, tools=[giving(ways[name], makes="image" if makes else None)])
    case.script += [call("paint", n, prompt=str(n)) for n in range(1, rng.randint(1, 2) + 1)]
    case.say(rng)
    # A maker's failure is a failed part. Broken media blocks are that, whoever returns them.
    case.fails = makes or "base64" in name or "broken" in name
    return case


def model_case(rng: random.Random, folder: Path) -> Case:
    """A brain that does not do what it should."""
    good = giving(lambda: "seven")
    invalid = {"type": "invalid_tool_call", "name": "paint", "args": "{", "id": "c", "error": "?"}
    bad = AIMessage("", invalid_tool_calls=[invalid])
    ways: dict[str, Case] = {
        "model raises": Case("", [ConnectionError("no route")], fails=True),
        "model is silent": Case("", [""], fails=True),
        "model loops": Case(
            "", [call("paint", n, prompt=str(n)) for n in range(9)], [good], fails=True
        ),
        "model repeats itself": Case("", [call("paint", n) for n in range(3)], [good]),
        "model says no JSON": Case("", [bad, bad], [good], fails=True),
        "model sends a broken picture": Case(
            "", [AIMessage([{"type": "image", "base64": "%%", "mime_type": "image/png"}])],
            fails=True,
        ),
        "model calls an unknown tool": Case("", [call("hammer")], [good]),
        "model only claims": Case(""),
        "want is not met": Case("", flags=["--want", "video"], fails=True),
    }  # fmt: skip
    name = rng.choice(list(ways))
    case = ways[name]
    case.name = name
    if name in ("model repeats itself", "model calls an unknown tool", "model only claims"):
        case.say(rng)
        case.claims = case.claims or name == "model only claims"
        if name == "model only claims":
            case.script = [rng.choice(CLAIMS)]
    elif name == "want is not met":
        case.say(rng)
    return case


class Broken(Maker):
    """A maker that fails in the way it is told to."""

    makes = frozenset({"image", "audio"})

    def __init__(self, work: Callable[[], Any]):
        super().__init__()
        self.work = work

    def make(self, wish: Any) -> Made:
        return self.work()


def maker_case(rng: random.Random, folder: Path) -> Case:
    """A wish in a block of our own, or by `--want`, and a maker that does not meet it."""
    sound = Media.from_bytes(b"RIFF", modality="audio", mime="audio/wav", name="x.wav")
    gone = Media("image", "image/png", "x.png", "0" * 64, 9, path=folder / "never.png")
    empty = Media.from_bytes(b"", modality="image", mime="image/png", name="x.png")
    ways: dict[str, Callable[[], Any]] = {
        "maker raises": raising(Failed("no paint")),
        "maker crashes": raising(ZeroDivisionError("1/0")),
        "maker makes something else": lambda: Made(sound, "m"),
        "maker returns nothing": lambda: None,
        "maker's file is gone": lambda: Made(gone, "m"),
        "maker makes an empty file": lambda: Made(empty, "m"),
    }
    name = rng.choice([*ways, "wish is malformed", "wish for what nobody makes"])
    case = Case(name, makers={"image": Broken(ways.get(name, raising(Failed("no"))))}, fails=True)
    if name in ways and rng.random() < 0.4:
        case.flags = ["--want", "image"]
        case.say(rng)
        return case
    make: Any = {"kind": "image", "prompt": "a cat"}
    if name == "wish is malformed":
        make = rng.choice([{"kind": 3}, "cat", {"kind": "image"}, {"kind": "image", "prompt": 1}])
    block = asking_block("points" if "nobody" in name else "image", "a cat")
    block["value"]["omni"]["make"] = (
        make if "nobody" not in name else block["value"]["omni"]["make"]
    )
    case.say(rng)
    case.script = [AIMessage([{"type": "text", "text": case.script[0]}, block])]
    return case


def honest_case(rng: random.Random, folder: Path) -> Case:
    """All goes well, so that an answer that always fails would be found out, too."""
    case = Case("all is well")
    data = png(case, rng)
    case.tools = [giving(lambda: data, makes="image")]
    said = rng.choice(("There is img-1.", "I made a picture: img-1.", "Here is your picture."))
    case.script = [call("paint", prompt="a cat"), said]
    return case


KINDS = (tool_case, model_case, maker_case, honest_case)
WEIGHTS = (5, 4, 3, 1)


def cases(count: int, seed: int, folder: Path) -> Iterator[Case]:
    """Cases, the same for the same seed."""
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        yield rng.choices(KINDS, WEIGHTS)[0](rng, folder)


def run(case: Case, number: int) -> list[str]:
    """What was a lie in one case."""
    session = f"case-{number}"
    code, answer = ask(case, session, "make me a cat", *case.flags)
    found = [*_parts(case, answer), *_whole(case, code, answer)]
    again, after = ask(Case("after", ["I am here."]), session, "are you there?")
    if again != 0 or after["parts"][-1].get("text") != "I am here.":
        found.append(f"the session was not intact: {after}")
    return found


def _parts(case: Case, answer: dict[str, Any]) -> Iterator[str]:
    for part in answer["parts"]:
        if part["status"] != "delivered":
            if not part.get("reason"):
                yield f"no reason: {part}"
        elif part["type"] != "text":
            path = Path(part["path"] or "")
            data = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(data).hexdigest() not in case.made:
                yield f"delivered and not made: {part}"
            elif part["type"] == "image":
                Image.open(path).close()


def _whole(case: Case, code: int, answer: dict[str, Any]) -> Iterator[str]:
    failed = [part for part in answer["parts"] if part["status"] != "delivered"]
    bad = case.fails or case.claims
    if bad and code == 0:
        yield f"exit code 0, though {'it failed' if case.fails else 'it claims what is not there'}"
    if bad and not failed and "error" not in answer:
        yield "nothing failed in the answer"
    if not bad and code != 0:
        yield f"exit code {code}, though nothing was wrong: {answer}"


def ask(case: Case, session: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """`omni ask` in this process: its exit code, and the object that it prints."""
    from omni.cli.main import main

    class Careless(ScriptedBrain):
        """Calls whatever its script says, even a tool that there is not."""

        def _next(self, messages: Any, known_tools: Any) -> AIMessage:
            return super()._next(messages, [*known_tools, "hammer", "paint"])

    brain = Careless(script=list(case.script), disable_streaming=True)

    def scripted(**given: Any) -> Any:
        guard = Guard(seconds=SECONDS, most_bytes=MOST)
        given |= {"model": brain, "tools": case.tools, "makers": case.makers}
        given |= {"middleware": [*given.get("middleware", ()), guard], "limits": Limits(steps=4)}
        return AGENT(**given)

    agent_module.Agent = scripted  # type: ignore[misc,assignment]
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["ask", *arguments, "--json", "--session", session])
    finally:
        agent_module.Agent = AGENT  # type: ignore[misc]
    return code, json.loads(out.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", metavar="PATH", help="write the result here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["OMNI_HOME"] = home
        kinds: Counter[str] = Counter()
        lies: list[dict[str, Any]] = []
        claimed = failed = 0
        for number, case in enumerate(cases(given.count, given.seed, Path(home))):
            kinds[case.name] += 1
            claimed += case.claims
            failed += case.fails or case.claims
            for lie in run(case, number):
                lies.append({"case": number, "name": case.name, "lie": lie})
                print(f"case {number}, {case.name}: {lie}", file=sys.stderr)
    result = {
        "what": "lies",
        "seed": given.seed,
        "cases": given.count,
        "that_must_fail": failed,
        "with_a_false_claim": claimed,
        "lies": lies,
        "by_kind": dict(sorted(kinds.items())),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if given.json:
        Path(given.json).write_text(text + "\n", "utf-8")
    sys.exit(1 if lies else 0)


if __name__ == "__main__":
    main()
