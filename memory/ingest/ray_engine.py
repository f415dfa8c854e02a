"""Files taken apart and embedded by actors of Ray Data, on one machine or on many."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omni.errors import StoreError
from omni.extras import need
from omni.media import Access
from omni.plugins import Component

from ..embed.opening import open_embedder
from .piece import Source
from .plan import Plan
from .reading import Taken, take
from .vectors import embedded


class RayEngine:
    """An engine for `Ingester` whose work is done by Ray.

    Two kinds of actors stand in a row: the first take files apart on processors, the second embed
    what came of it, on GPUs where they are asked for. Records are written here, for a memory has
    one writer at a time. Files must lie under the same path on every machine.

    Args:
        embedders: what `open_embedder` takes; should be those of the ingester. Where there are
            none, or others, the ingester embeds by itself.
        readers: actors that take files apart.
        embedding: actors that embed.
        gpus: of each of the latter.
        address: of a cluster, as `ray.init` takes it; one is begun here if it is `None` and Ray
            does not run yet.

    Raises:
        MissingExtra: if Ray is not installed.
    """

    def __init__(
        self,
        embedders: Sequence[str] = (),
        *,
        readers: int = 2,
        embedding: int = 1,
        gpus: float = 0,
        address: str | None = None,
    ):
        self._ray: Any = need("ray", extra="ray")
        self._data: Any = need("ray.data", extra="ray")
        self.embedders, self.address = tuple(embedders), address
        self.readers, self.embedding, self.gpus = readers, embedding, gpus

    def run(
        self, paths: Sequence[Path], plan: Plan, access: Access | None
    ) -> Iterator[tuple[Path, Taken]]:
        """Each file with what became of it, in the order in which they are done.

        Raises:
            StoreError: if the cluster cannot be reached or is lost.
        """
        if not paths:
            return
        try:
            self._begin()
            yield from self._rows(paths, plan, access)
        except (ConnectionError, self._ray.exceptions.RayError) as error:
            reason = " ".join(str(error).split())[:200]
            raise StoreError(
                f"Ray gave up ({reason}): what was stored is kept, so add the same paths again"
            ) from None

    def _begin(self) -> None:
        """Connect, and leave the telling of progress to the ingester."""
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        self._data.DataContext.get_current().enable_progress_bars = False
        if not self._ray.is_initialized():
            self._ray.init(
                address=self.address,
                include_dashboard=False if self.address is None else None,
                log_to_driver=False,
                logging_level="ERROR",
            )

    def _rows(
        self, paths: Sequence[Path], plan: Plan, access: Access | None
    ) -> Iterator[tuple[Path, Taken]]:
        rows = [{"path": str(path)} for path in paths]
        strategy = self._data.ActorPoolStrategy
        flow = self._data.from_items(rows, override_num_blocks=len(rows)).map(
            _Reader,
            fn_constructor_args=(plan, access),
            compute=strategy(size=min(self.readers, len(rows))),
        )
        if self.embedders:
            flow = flow.map(
                _Embedding,
                fn_constructor_args=(self.embedders,),
                compute=strategy(size=min(self.embedding, len(rows))),
                num_gpus=self.gpus,
            )
        for row in flow.iter_rows():
            yield Path(row["path"]), pickle.loads(row["taken"])


class _Reader:
    """An actor that takes files apart."""

    def __init__(self, plan: Plan, access: Access | None):
        self._plan, self._access = plan, access

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        taken = take(Path(row["path"]), self._plan, self._access)
        return {"path": row["path"], "taken": pickle.dumps(taken)}


class _Embedding:
    """An actor that embeds pieces; its models are loaded once."""

    def __init__(self, names: Sequence[str]):
        self._embedders = [open_embedder(name) for name in names]

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        taken: Taken = pickle.loads(row["taken"])
        source = Source(row["path"], "", "")
        records = [
            piece.record(source, str(number), None) for number, piece in enumerate(taken.pieces)
        ]
        notes: list[str] = []
        vectors = {one.space: embedded(one, records, notes) for one in self._embedders}
        whole = replace(taken, vectors=vectors, notes=tuple(notes))
        return {"path": row["path"], "taken": pickle.dumps(whole)}


COMPONENTS = (
    Component(
        kind="store",
        name="ray ingestion",
        summary="The same ingestion as Ray Data actors, on one machine or a cluster.",
    ),
)
