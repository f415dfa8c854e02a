"""Generate in the background and hand out text and finished media as they come."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from omni.model.pieces import Piece

if TYPE_CHECKING:
    from omni.model.modeling import OmniModel
    from omni.model.processor import OmniProcessor


class PartStreamer(BaseStreamer):
    """A streamer for `generate` whose iteration yields pieces; for one row and no beams."""

    def __init__(self, processor: OmniProcessor):
        self.scanner = processor.scanner()
        self.queue: queue.SimpleQueue[list[Piece] | BaseException | None] = queue.SimpleQueue()
        self.prompted = False

    def put(self, value: Tensor) -> None:
        """Take the prompt, which is passed over, and then each token."""
        if not self.prompted:
            self.prompted = True
            return
        for token in value.flatten().tolist():
            self.queue.put(self.scanner.feed(token))

    def end(self) -> None:
        """Hand out what is left."""
        self.queue.put(self.scanner.finish())
        self.queue.put(None)

    def fail(self, error: BaseException) -> None:
        """Raise an error where the pieces are read."""
        self.queue.put(error)

    def __iter__(self) -> Iterator[Piece]:
        while (found := self.queue.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield from found


class Cancelled(StoppingCriteria):
    """Stops a generation as soon as an event is set."""

    def __init__(self, event: threading.Event):
        self.event = event

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        """True for every row once the event is set."""
        done = input_ids.new_zeros(len(input_ids)).bool()
        return done | self.event.is_set()


def stream_parts(
    model: OmniModel,
    processor: OmniProcessor,
    inputs: Mapping[str, Any],
    *,
    cancel: threading.Event | None = None,
    **settings: Any,
) -> Generator[Piece]:
    """Pieces of one answer as they are generated; text comes in small bits.

    Closing the iterator, or setting `cancel`, stops the generation after the token at hand. What
    was said until then is handed out; an error of the generation is raised here.

    Args:
        model: the model.
        processor: its processor.
        inputs: of one prompt, from the processor.
        cancel: an event that stops the generation.
        settings: for `generate`, such as `max_new_tokens`.
    """
    streamer = PartStreamer(processor)
    stop = cancel or threading.Event()
    criteria = StoppingCriteriaList([*settings.pop("stopping_criteria", []), Cancelled(stop)])

    def work() -> None:
        try:
            model.generate(**inputs, streamer=streamer, stopping_criteria=criteria, **settings)
        except BaseException as error:  # it belongs to the reader, whatever it is
            streamer.fail(error)

    worker = threading.Thread(target=work, name="omni-generate", daemon=True)
    worker.start()
    finished = False
    try:
        yield from streamer
        finished = True
    finally:
        if not finished:
            stop.set()
        worker.join()
