"""An agent: a session in which one asks about media and gets words and media back."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage

from omni import plugins
from omni.chat.brain import brain
from omni.chat.cancelling import Cancelled
from omni.chat.events import Event, Finished
from omni.chat.offload import Offload, model_name, note, noted, tool_failure
from omni.chat.sessions import Sessions, SessionShelf, check_name, now
from omni.chat.toolbox import toolbox
from omni.chat.transcript import Turn, answer_of, split, turns
from omni.chat.turn import TurnRun, stopped_message
from omni.chat.watching import Watch
from omni.compression.budget import Budget
from omni.content import Answer, MediaPart, missing
from omni.errors import OmniError, UsageError
from omni.media import HANDLE, Access, Lineage, Media, MediaRef
from omni.modality import open_media, readable
from omni.wire import take, to_langchain

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware
    from langchain_core.tools import BaseTool

_PROMPT = (
    "Media in this conversation have short names such as img-1 or aud-2, which stand before them. "
    "Use these names when you speak of media and when you hand them to tools. "
    "Never name media that do not exist."
)


@dataclass(frozen=True, slots=True)
class AgentContext:
    """What a tool finds under `runtime.context`, given `runtime: ToolRuntime[AgentContext, Any]`.

    Attributes:
        shelf: the media of the session: read them by handle, put new ones on it.
        access: which files may be opened.
    """

    shelf: SessionShelf
    access: Access


class Agent:
    """Talks to a model about media, keeps the session, and hands out typed answers.

    Args:
        model: `nano`, `provider:name`, a folder, a hub id, or any LangChain chat model.
        tools: names of ours such as `crop_image`, or `all`; LangChain tools; plain functions.
        session: name of the session to open or begin; `None` keeps nothing.
        home: folder of all sessions; `OMNI_HOME` or the system's place for data by default.
        budget: how many media tokens a model call may use, for models that select.
        selector: the method that keeps tokens within the budget, by its name in `omni catalog`.
        seed: fixes what is drawn at random, for models that take one.
        device: where our own models run.
        dtype: number format of our own models.
        access: which files may be attached.
        system_prompt: instructions; models that take media by name get a short default.
        middleware: more LangChain middleware, inside ours.
        max_steps: most model calls in one turn.
    """

    def __init__(
        self,
        model: str | BaseChatModel = "nano",
        *,
        tools: Sequence[str | type[BaseTool] | BaseTool | Callable[..., Any]] = (),
        session: str | None = "default",
        home: Path | None = None,
        budget: Budget | None = None,
        selector: str | None = None,
        seed: int | None = None,
        device: str = "auto",
        dtype: str = "auto",
        access: Access | None = None,
        system_prompt: str | None = None,
        middleware: Sequence[AgentMiddleware] = (),
        max_steps: int = 24,
    ):
        is_model = isinstance(model, BaseChatModel)
        self.brain = model if is_model else brain(model, device=device, dtype=dtype)
        self.tools = tuple(tools)
        self.access = access or Access()
        self.budget = budget
        self.selector = _selector(selector, self.brain)
        self.seed = seed
        self.system_prompt = system_prompt
        self.max_steps = max_steps
        self.session = "unsaved" if session is None else check_name(session)
        self._middleware = tuple(middleware)
        self._temporary = tempfile.TemporaryDirectory(prefix="omni-") if session is None else None
        self.sessions = Sessions(Path(self._temporary.name) if self._temporary else home)
        self.shelf = SessionShelf(self.sessions, self.session)
        self._offload = Offload(self.shelf)
        self._turn = threading.Lock()
        self._run: TurnRun | None = None
        self._reconcile()

    def attach(self, item: Path | str | Media) -> MediaRef:
        """Attach a file, media or a handle to the next turn; what is returned is durable.

        Raises:
            MediaError: if the file cannot be opened, is of no known kind or cannot be decoded.
            StoreError: if it cannot be stored.
        """
        ref = self._take(item)
        self.sessions.touch(self.session)
        self.sessions.await_turn(self.session, ref.handle)
        self.sessions.checkpoints.settle()
        return ref

    @property
    def pending(self) -> list[MediaRef]:
        """Attachments that wait for the next turn."""
        return self.sessions.refs(self.session, pending=True)

    def run(
        self, text: str, attach: Sequence[Path | str | Media] = (), *, want: Sequence[str] = ()
    ) -> Answer:
        """Ask and wait for the answer; see `stream`."""
        for event in self.stream(text, attach, want=want):
            if isinstance(event, Finished):
                return event.answer
        raise AssertionError("a turn ends with Finished")

    def stream(
        self, text: str, attach: Sequence[Path | str | Media] = (), *, want: Sequence[str] = ()
    ) -> Iterator[Event]:
        """Ask, and get what happens as it happens; the last event is `Finished`.

        When this yields its first event, the question and its attachments are durable. A model
        that fails makes a failed part; leaving the iterator early stops the turn and keeps what
        came.

        Args:
            text: the question.
            attach: files, media or handles; those attached before come first.
            want: modalities that the answer is to hold; one that is missing makes a failed part.

        Raises:
            UsageError: if nothing is asked, or the session is being used.
            OmniError: if media cannot be opened or a limit is reached; the turn is kept as failed.
        """
        if not self._turn.acquire(blocking=False):
            raise UsageError("a turn is running in this agent: wait for it, or cancel it")
        try:
            with self.sessions.lock(self.session):
                yield from self._stream(text, attach, want)
        finally:
            self._run = None
            self._turn.release()

    def cancel(self) -> None:
        """Stop the turn that runs, from any thread; it ends with what came so far."""
        if run := self._run:
            run.stop.set()

    def history(self) -> list[Turn]:
        """All turns of the session."""
        return turns(self._messages(), self._handles())

    def lineage(self, handle: str) -> Lineage | None:
        """Where a media item came from; `None` for an attachment."""
        return self.shelf[handle].lineage

    def fork(self, name: str) -> Agent:
        """Copy the session with all its media under a new name, and open the copy.

        Raises:
            UsageError: if the name is taken, or this session is kept nowhere.
        """
        if self._temporary:
            raise UsageError("this session is not kept: open one with a name to fork it")
        self.sessions.touch(self.session)
        self.sessions.copy(self.session, name)
        return Agent(
            self.brain,
            tools=self.tools,
            session=name,
            home=self.sessions.home,
            budget=self.budget,
            selector=self.selector,
            seed=self.seed,
            access=self.access,
            system_prompt=self.system_prompt,
            middleware=self._middleware,
            max_steps=self.max_steps,
        )

    def close(self) -> None:
        """Stop what runs and let go of the session."""
        self.cancel()
        self.sessions.close()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Agent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def graph(self) -> Any:
        """The LangGraph of this agent, made by LangChain's `create_agent`."""
        from langchain.agents import create_agent

        from omni.workbench import Workbench

        in_place = getattr(self.brain, "media_in_place", False)
        stack: list[Any] = [Watch(self._settings), *self._middleware, self._offload]
        return create_agent(
            self.brain,
            toolbox(self.tools, Workbench(self.shelf, self.access)),
            system_prompt=self.system_prompt or (None if in_place else _PROMPT),
            middleware=stack,
            context_schema=AgentContext,
            checkpointer=self.sessions.checkpoints,
        )

    def _stream(
        self, text: str, attach: Sequence[Path | str | Media], want: Sequence[str]
    ) -> Iterator[Event]:
        began = time.perf_counter()
        self._ask(text, [self._take(item) for item in attach])
        run = self._run = TurnRun(
            self.graph,
            thread=self.session,
            context=AgentContext(self.shelf, self.access),
            offload=self._offload,
            checkpoints=self.sessions.checkpoints,
            max_steps=self.max_steps,
        )
        try:
            yield from run.events()
        except Cancelled:
            self._end(run, "interrupted")
        except OmniError as error:
            self._end(run, "failed", str(error))
            raise
        except Exception as error:
            self._end(run, "failed", _reason(error, self.max_steps))
        except BaseException:  # Ctrl-C here, or the caller left the iterator
            run.halt()
            self._end(run, "interrupted")
            raise
        else:
            self._end(run)
        yield Finished(self._answer(want, time.perf_counter() - began))

    def _take(self, item: Path | str | Media) -> MediaRef:
        if isinstance(item, str) and HANDLE.fullmatch(item) and item in self.shelf:
            return self.shelf[item]
        media = item if isinstance(item, Media) else open_media(item, self.access)
        return take(readable(media), self.shelf)

    def _ask(self, text: str, refs: Sequence[MediaRef]) -> None:
        """Write the question; once this returns, it is durable with its attachments."""
        refs = list({ref.handle: ref for ref in [*self.pending, *refs]}.values())
        if not text.strip() and not refs:
            raise UsageError("nothing was asked: give a question, an attachment or both")
        content = to_langchain(MediaPart.of(ref) for ref in refs)
        if text.strip():
            content.append({"type": "text", "text": text})
        question = HumanMessage(content=content, id=uuid.uuid4().hex)  # type: ignore[arg-type]
        note(question, at=now(), stamp=time.time_ns())
        self._offload.begin_turn()
        self._write([*self._closing(self._messages()), question], "__start__")
        self.sessions.asked(self.session)
        title = text.strip() or refs[0].name
        self.sessions.touch(self.session, model=model_name(self.brain), title=title, turn=True)

    def _end(self, run: TurnRun, status: str = "", reason: str = "") -> None:
        """Write what a stopped turn left, and keep only its last checkpoint."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.sessions.checkpoints.settle)
            stack.callback(self.sessions.checkpoints.prune_thread, self.session)
            messages = self._messages()
            if status and not _is_answered(messages):
                partial = stopped_message(run.partial(), status, reason)
                self._write([*_cut(messages), partial], "model")

    def _answer(self, want: Sequence[str], seconds: float) -> Answer:
        question, rest = split(self._messages())[-1]
        answer = answer_of(question, rest, self._handles())
        absent = missing(want, answer.parts)
        if absent and isinstance(rest[-1], AIMessage):
            content = rest[-1].content
            words = [{"type": "text", "text": content}] if isinstance(content, str) else content
            words = [
                block for block in words if not isinstance(block, dict) or block.get("text", 1)
            ]
            changed = rest[-1].model_copy(update={"content": [*words, *to_langchain(absent)]})
            self._write([changed], "model")
            self.sessions.checkpoints.prune_thread(self.session)
            answer = answer_of(question, [*rest[:-1], changed], self._handles())
        return answer.model_copy(update={"timings": {**answer.timings, "total": seconds}})

    def _closing(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """What has to stand before the next question where a turn was cut off by a kill."""
        if not messages or _is_answered(messages):
            return []
        return [*_cut(messages), stopped_message([], "interrupted")]

    def _write(self, messages: Sequence[AnyMessage | RemoveMessage], node: str) -> None:
        self.graph.update_state(self._config, {"messages": list(messages)}, as_node=node)

    def _messages(self) -> list[AnyMessage]:
        return list(self.sessions.messages(self.session))

    @property
    def _config(self) -> Any:
        return {"configurable": {"thread_id": self.session, "checkpoint_ns": ""}}

    def _handles(self) -> set[str]:
        return {ref.handle for ref in self.shelf}

    def _settings(self) -> dict[str, Any]:
        """What this agent asks of its brain, as far as the brain knows of it."""
        fields = getattr(type(self.brain), "model_fields", {})
        given = {"budget": self.budget, "selector": self.selector, "seed": self.seed}
        return {
            name: value for name, value in given.items() if value is not None and name in fields
        }

    def _reconcile(self) -> None:
        """After a kill between two writes: attachments of the last question wait no more."""
        questions = [message for message, _ in split(self._messages())]
        if questions:
            stamp = int(noted(questions[-1]).get("stamp", 0))
            self.sessions.settle(self.session, stamp=stamp, turns=len(questions))


def _selector(name: str | None, model: BaseChatModel) -> str | None:
    """The method, which has to exist, for a model that can be told of it."""
    if name is None:
        return None
    if "selector" not in type(model).model_fields:
        raise UsageError(
            f"{model_name(model)} selects no media tokens that we know of: leave the selector out, "
            "or ask a model of ours such as nano"
        )
    known = plugins.names("compression")
    if name not in known:
        raise UsageError(f"no selector is called {name!r}; there is: {', '.join(known)}")
    return name


def _is_answered(messages: Sequence[AnyMessage]) -> bool:
    last = messages[-1] if messages else None
    return isinstance(last, AIMessage) and not last.tool_calls


def _cut(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """An answer to every tool call that has none: services insist on it."""
    rest = split(messages)[-1][1] if messages else []
    answered = {getattr(message, "tool_call_id", None) for message in rest}
    return [
        tool_failure(dict(call), "stopped before it ended")
        for message in rest
        if isinstance(message, AIMessage)
        for call in message.tool_calls
        if call["id"] not in answered
    ]


def _reason(error: Exception, max_steps: int) -> str:
    from langgraph.errors import GraphRecursionError

    if isinstance(error, GraphRecursionError):
        return f"no answer after {max_steps} steps: raise max_steps, or ask for less at a time"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
