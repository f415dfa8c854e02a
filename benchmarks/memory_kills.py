"""Kill a memory at random moments, and look whether anything that it had acknowledged is lost.

    python benchmarks/memory_kills.py --kills 200         writes, seals, compacts, deletes, erases
    python benchmarks/memory_kills.py --seconds 60        one writer and four readers
    python benchmarks/memory_kills.py --strangers 10000   questions by the wrong principal
    python benchmarks/memory_kills.py --harms 1000        flips and cuts of every derived file

A worker says in a log what it is about to do, does it, and says that it was done. After each kill
the log is what has to be true; what was under way may have happened as a whole or not at all.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from omni import plugins
from omni.errors import OmniError
from omni.media import Media
from omni.memory.contracts import Space
from omni.memory.record import Record
from omni.memory.sealing import Sealing

Memory = plugins.load("memory", "store")
SPACE = Space("text", 16, "m")
PLAN = Sealing(tail=96, graph_from=200, probes=16, links=8, care=40)
POOL = 400
READERS = 4
BEGIN = 0.03  # seconds before which a worker has done nothing yet


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--strangers", type=int, default=0)
    parser.add_argument("--harms", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        kind, root, *rest = given.child
        return {"nest": nest, "reader": read, "writer": write}[kind](Path(root), *rest)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if given.kills:
            rows.append(kill_often(Path(folder) / "kills", given.kills, given.seed))
        if given.seconds:
            rows.append(share(Path(folder) / "share", given.seconds))
        if given.strangers:
            rows.append(ask_as_strangers(Path(folder) / "ask", given.strangers, given.seed))
        if given.harms:
            rows.append(harm_often(Path(folder) / "harm", given.harms, given.seed))
    print(json.dumps({"what": "memory_kills", "seed": given.seed, "rows": rows}, indent=1))


def kill_often(root: Path, kills: int, seed: int = 0) -> dict:
    """Kill workers one after another on one memory; what was found wrong after each."""
    root.mkdir(parents=True)
    rng = random.Random(seed)
    truth: dict[str, int] = {}
    tally = {"kills": 0, "acknowledged": 0, "lost": 0, "unopenable": 0, "problems": 0}
    during: dict[str, int] = {}
    with child("nest", root, pipe=True) as worker:
        assert worker.stdin and worker.stdout
        while tally["kills"] < kills:
            (root / "log").write_text("")
            worker.stdin.write(f"{rng.random()} {BEGIN + rng.random() ** 2 * 0.5}\n")
            worker.stdin.flush()
            worker.stdout.readline()
            pending = replay(root / "log", truth, tally)
            tally["kills"] += 1
            kind = pending["kind"] if pending else "between"
            during[kind] = during.get(kind, 0) + 1
            inspect(root / "memory", truth, pending, tally)
        worker.stdin.close()
    return {"case": "killed at random", **tally, "during": during}


def child(kind: str, root: Path, *rest: str, pipe: bool = False) -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True} if pipe else {}
    return subprocess.Popen([sys.executable, __file__, "--child", kind, str(root), *rest], **pipes)


def nest(root: Path) -> None:
    """Fork a worker for each line, let it live so long, and kill it; importing is done once."""
    for line in sys.stdin:
        seed, seconds = line.split()
        worker = os.fork()
        if not worker:
            try:
                work(root, random.Random(float(seed)))
            finally:
                os._exit(1)
        time.sleep(float(seconds))
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
        print("killed", flush=True)


def work(root: Path, rng: random.Random) -> None:
    """Do one thing after another until killed."""
    log = os.open(root / "log", os.O_WRONLY | os.O_APPEND)
    memory = Memory.open(root / "memory", sealing=PLAN, background=rng.random() < 0.3)
    view = memory.bind()
    while True:
        kind = rng.choices(["put", "delete", "seal", "compact", "erase"], [8, 3, 3, 2, 1])[0]
        ids = [f"id{n}" for n in rng.sample(range(POOL), rng.randint(1, 40))]
        version = rng.randrange(1 << 30)
        told = {"kind": kind, "ids": ids, "version": version}
        os.write(log, (json.dumps(told) + "\n").encode())
        if kind == "put":
            view.put([record(id, version) for id in ids], {SPACE: [vector(version)] * len(ids)})
        elif kind == "delete":
            view.delete(ids)
        elif kind == "erase":
            view.erase(ids[:3])
        else:
            memory.seal() if kind == "seal" else memory.compact()
        os.write(log, b"done\n")


def record(id: str, version: int) -> Record:
    media = None
    if version % 7 == 0:
        data = f"media {version % 50}".encode() * 50
        media = Media.from_bytes(data, modality="image", mime="image/png", name="a.png")
    return Record(id, text=f"{id} version {version}", media=media, meta={"version": version})


def vector(version: int) -> np.ndarray:
    return np.random.default_rng(version).standard_normal(SPACE.width).astype(np.float32)


def replay(log: Path, truth: dict[str, int], tally: dict) -> dict | None:
    """Make true what was acknowledged; what was under way, if anything."""
    pending = None
    for line in log.read_text().splitlines():
        if line != "done":
            pending = json.loads(line)
        elif pending:
            tally["acknowledged"] += 1
            apply(pending, truth)
            pending = None
    return pending


def apply(told: dict, truth: dict[str, int]) -> None:
    if told["kind"] == "put":
        truth.update(dict.fromkeys(told["ids"], told["version"]))
    elif told["kind"] in ("delete", "erase"):
        for id in told["ids"][: 3 if told["kind"] == "erase" else None]:
            truth.pop(id, None)


def inspect(root: Path, truth: dict[str, int], pending: dict | None, tally: dict) -> None:
    """Open the memory and compare; the truth becomes what was found, where both are right."""
    try:
        with Memory.open(root, sealing=PLAN, background=False) as memory:
            view = memory.bind()
            found = {one.id: one.meta["version"] for one in view.get(view.ids())}
            after = dict(truth)
            if pending:
                apply(pending, after)
            if found not in (truth, after):
                differing = {id for id in truth.keys() | found if truth.get(id) != found.get(id)}
                tally["lost"] += len(differing)
            truth.clear()
            truth.update(found)
            tally["problems"] += check(memory, view, found)
    except OmniError as error:
        tally["unopenable"] += 1
        print(error, file=sys.stderr)


def check(memory, view, found: dict[str, int]) -> int:
    """How many things about the records are wrong: vectors, words, media, derived files."""
    wrong = len(memory.verify())
    ids = list(found)
    for id, stored in zip(ids, view.vectors(SPACE, ids), strict=True):
        wanted = vector(found[id])
        wrong += stored is None or not np.allclose(
            stored, wanted / np.linalg.norm(wanted), atol=1e-5
        )
    for id in random.Random(0).sample(ids, min(5, len(ids))):
        near = view.nearest(SPACE, vector(found[id]), len(ids))
        wrong += len(near) != len(ids) or near[0][1] < 0.999
        wrong += id not in [each for each, _ in view.matching(f"{id} version {found[id]}", 5)]
    for one in view.get(ids):
        wrong += one.media is not None and not one.media.read().startswith(b"media")
    return wrong + len(memory.damage)


def share(root: Path, seconds: float) -> dict:
    """One process writes, seals and compacts while others read; what went wrong for any."""
    root.mkdir(parents=True)
    (root / "count").write_text("0")
    Memory.open(root / "memory", sealing=PLAN, background=False).close()
    readers = [child("reader", root, str(seconds), str(n), pipe=True) for n in range(READERS)]
    writer = child("writer", root, str(seconds), pipe=True)
    told = [json.loads(each.communicate()[0] or "{}") for each in (writer, *readers)]
    failed = sum(each.returncode != 0 for each in (writer, *readers))
    queries = [each.get("queries", 0) for each in told[1:]]
    return {
        "case": "one writer, four readers",
        "seconds": seconds,
        "writes": told[0].get("writes", 0),
        "queries": sum(queries),
        "errors": failed + sum(each.get("errors", 0) for each in told),
        "stale": sum(each.get("stale", 0) for each in told[1:]),
    }


def write(root: Path, seconds: str) -> None:
    rng, writes = random.Random(0), 0
    with Memory.open(root / "memory", sealing=PLAN) as memory:
        view = memory.bind()
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            writes += 1
            ids = ["counter", *(f"id{n}" for n in rng.sample(range(POOL), 20))]
            view.put([record(id, writes) for id in ids], {SPACE: [vector(writes)] * len(ids)})
            (root / "new").write_text(str(writes))
            os.replace(root / "new", root / "count")
            if writes % 20 == 0:
                view.delete([f"id{n}" for n in rng.sample(range(POOL), 50)])
            if writes % 60 == 0:
                memory.compact()
    print(json.dumps({"writes": writes}))


def read(root: Path, seconds: str, seed: str) -> None:
    rng = random.Random(int(seed))
    told = {"queries": 0, "errors": 0, "stale": 0}
    with Memory.open(root / "memory", sealing=PLAN, background=False) as memory:
        view = memory.bind()
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            told["queries"] += 1
            least = int((root / "count").read_text())
            try:
                near = view.nearest(SPACE, vector(rng.randrange(1000)), 10)
                told["errors"] += bool(least) and len(near) != 10
                told["errors"] += not all(np.isfinite(score) for _, score in near)
                view.matching("counter version", 3)
                (counter,) = view.get(["counter"]) or [record("counter", 0)]
                told["stale"] += counter.meta["version"] < least
                told["errors"] += counter.text != f"counter version {counter.meta['version']}"
            except OmniError as error:
                told["errors"] += 1
                print(error, file=sys.stderr)
    print(json.dumps(told))


def harm_often(root: Path, count: int, seed: int = 0) -> dict:
    """Harm sealed files at random, flat ones and graphs, each time with the memory closed.

    By turns a search or `verify` is the first to meet the harm. Either has to tell of it, answers
    have to be those of looking at all, and sealing has to leave a sound memory.
    """
    rng = random.Random(seed)
    tally = {"harms": 0, "noticed": 0, "wrong_answers": 0, "rebuilt": 0}
    kinds: dict[str, int] = {}
    block = np.stack([vector(n) for n in range(300)])
    with Memory.open(root, sealing=PLAN, background=False) as memory:
        for name, rows in (("flat", 40), ("graph", 300)):
            view = memory.bind(namespace=(name,))
            records = [Record(str(n), text="t") for n in range(rows)]
            view.put(records, {SPACE: list(block[:rows])})
        memory.seal()
    while tally["harms"] < count:
        path = rng.choice(sorted((root / "segments").iterdir()))
        kind = harm(path, rng)
        kinds[kind] = kinds.get(kind, 0) + 1
        tally["harms"] += 1
        with Memory.open(root, sealing=PLAN, background=False) as memory:
            told = len(memory.verify()) if tally["harms"] % 2 else 0
            for name, rows in (("flat", 40), ("graph", 300)):
                question = vector(rng.randrange(1000))
                near = memory.bind(namespace=(name,)).nearest(SPACE, question, 5, exact=True)
                lengths = np.linalg.norm(block[:rows], axis=1) * np.linalg.norm(question)
                wanted = np.argsort(-(block[:rows] @ question) / lengths)[:5]
                tally["wrong_answers"] += [id for id, _ in near] != [str(n) for n in wanted]
            tally["noticed"] += told + len(memory.damage) == 1
            memory.seal()
            whole = len(list((root / "segments").iterdir())) == 2
            tally["rebuilt"] += whole and not memory.verify()
    return {"case": "derived files harmed at random", **tally, "kinds": kinds}


def harm(path: Path, rng: random.Random) -> str:
    """Do something to a file that changes it; what."""
    whole = path.read_bytes()
    place = rng.randrange(len(whole))
    kind = rng.choice(["flip", "flip", "cut", "cut", "zeros", "longer", "gone"])
    if kind == "flip":
        changed = bytes([whole[place] ^ 1 << rng.randrange(8)])
        path.write_bytes(whole[:place] + changed + whole[place + 1 :])
    elif kind == "cut":
        path.write_bytes(whole[:place])
    elif kind == "zeros":
        path.write_bytes(bytes(len(whole)))
    elif kind == "longer":
        path.write_bytes(whole + rng.randbytes(1 + place))
    else:
        path.unlink()
    return kind


def ask_as_strangers(root: Path, count: int, seed: int = 0) -> dict:
    """Questions by principals for namespaces that are not theirs; how many found something."""
    rng = random.Random(seed)
    asked = refused = leaks = 0
    people = [f"p{n}" for n in range(8)]
    with Memory.open(root, background=False) as memory:
        for person in people:
            memory.bind(namespace=("org", person)).grant(person, 2)
            record = Record(f"of-{person}", text=f"secret of {person}", meta={"by": person})
            memory.bind(person, ("org", person)).put([record], {SPACE: [vector(1)]})
        while asked < count:
            person, other = rng.sample(people, 2)
            namespace = rng.choice([("org", other), ("org",), (), ("org", other, "x"), (other,)])
            view = memory.bind(person, namespace)
            where = rng.choice([None, {"by": other}, {"$not": {"by": "x"}}, {"@kind": "document"}])
            for ask in (
                lambda view=view, where=where: view.nearest(SPACE, vector(1), 9, where),
                lambda view=view, where=where: view.matching("secret", 9, where),
                lambda view=view, where=where: view.ids(where),
                lambda view=view, other=other: view.get([f"of-{other}"]),
                lambda view=view, other=other: view.history(f"of-{other}"),
                lambda view=view: view.spaces(),
                lambda view=view: range(len(view)),
            ):
                asked += 1
                try:
                    leaks += bool(ask())
                except OmniError:
                    refused += 1
    shutil.rmtree(root)
    return {"case": "wrong principal", "asked": asked, "refused": refused, "leaks": leaks}


if __name__ == "__main__":
    sys.exit(main())
