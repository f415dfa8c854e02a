"""An agent: a session in which one asks about media and gets words and media back."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel

from omni import plugins
from omni.chat.brain import brain
from omni.chat.events import Event, Finished
from omni.chat.limits import Limits
from omni.chat.offload import Offload, model_name
from omni.chat.running import Runner
from omni.chat.sessions import Sessions, SessionShelf, check_name
from omni.chat.transcript import Turn, turns
from omni.chat.writing import TurnWriter
from omni.compression.budget import Budget
from omni.content import Answer, Asked
from omni.errors import UsageError
from omni.makers.brain import BrainMaker
from omni.making import Maker, Makers
from omni.media import HANDLE, Access, Lineage, Media, MediaRef
from omni.modality import open_media, readable
from omni.recollection import FolderRecollection, Recollection
from omni.wire import take

if TYPE_CHECKING:
    from langchain.agents.middleware import AgentMiddleware
    from langchain_core.tools import BaseTool

    from omni.chat.approving import Approve, Decision
    from omni.chat.asking import Question

Item = Path | str | Media
"""What can be attached: a file, media or a handle."""


@dataclass(frozen=True, slots=True)
class AgentContext:
    """What a tool finds under `runtime.context`, given `runtime: ToolRuntime[AgentContext, Any]`.

    Attributes:
        shelf: the media of the session: read them by handle, put new ones on it.
        access: which files may be opened.
        want: modalities that the answer of this turn is to hold.
    """

    shelf: SessionShelf
    access: Access
    want: tuple[str, ...] = ()


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
        approve: tools whose calls wait for a decision, besides those that ask by themselves;
            `all` for every tool, `None` for none.
        limits: what one turn may take.
        response_format: a class that every answer has to fit; see `create_agent` of LangChain.
        makers: who makes what the brain cannot, by kind, as `{"image": "stabilityai/sd-turbo"}`.
        memory: what the tools remember, recall and forget work on, or its folder; by default the
            one in the home.
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
        approve: Approve = (),
        limits: Limits | None = None,
        response_format: Any = None,
        makers: Mapping[str, str | Maker] | None = None,
        memory: Recollection | Path | str | None = None,
    ):
        is_model = isinstance(model, BaseChatModel)
        self.brain = model if is_model else brain(model, device=device, dtype=dtype)
        self.tools = tuple(tools)
        self.access = access or Access()
        self.budget = budget
        self.selector = _selector(selector, self.brain)
        self.seed = seed
        self.system_prompt = system_prompt
        self.approve = approve
        kept = self._priced(limits or Limits())
        self.response_format = response_format
        self._given_makers = dict(makers or {})
        self._given_memory = memory
        self.makers = Makers(makers, device=device, usual={"text": BrainMaker(model=self.brain)})
        self.session = "unsaved" if session is None else check_name(session)
        self._middleware = tuple(middleware)
        self._temporary = tempfile.TemporaryDirectory(prefix="omni-") if session is None else None
        self.sessions = Sessions(Path(self._temporary.name) if self._temporary else home)
        self.shelf = SessionShelf(self.sessions, self.session)
        self._offload = Offload(self.shelf)
        self._writer = TurnWriter(self.sessions, self.session, self.shelf, lambda: self.graph)
        self._writer.reconcile()
        self._runner = Runner(
            self._writer,
            self._offload,
            graph=lambda: self.graph,
            context=AgentContext(self.shelf, self.access),
            limits=kept,
            response_format=response_format,
        )

    @classmethod
    def from_file(cls, path: Path | str, **settings: Any) -> Agent:
        """The agent that a TOML file describes; see `omni.chat.agentfile`.

        Args:
            path: the file.
            settings: arguments of `Agent` that take the place of what the file says.

        Raises:
            UsageError: if the file cannot be read, or says something that is not known.
        """
        from omni.chat.agentfile import read

        return cls(**{**read(Path(path)).settings(), **settings})

    def attach(self, item: Item) -> MediaRef:
        """Attach a file, media or a handle to the next turn; what is returned is durable.

        Raises:
            MediaError: if the file cannot be opened, is of no known kind or cannot be decoded.
            StoreError: if it cannot be stored.
        """
        ref = self._take(item)
        with self.sessions.checkpoints.through(), self.sessions.checkpoints.cursor():
            self.sessions.touch(self.session)
            self.sessions.await_turn(self.session, ref.handle)
        return ref

    @property
    def pending(self) -> list[MediaRef]:
        """Attachments that wait for the next turn."""
        return self.sessions.refs(self.session, pending=True)

    @property
    def asked(self) -> list[Asked]:
        """Calls of tools that wait for a decision, also one of a process that is gone."""
        from omni.chat.approving import asked_of

        return asked_of(self._writer.interrupts())

    @property
    def limits(self) -> Limits:
        """What one turn may take; others that are set count from the next model call on."""
        return self._runner.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._runner.limits = self._priced(limits)

    def run(self, text: str, attach: Sequence[Item] = (), *, want: Sequence[str] = ()) -> Answer:
        """Ask and wait for the answer; see `stream`."""
        return _last(self.stream(text, attach, want=want))

    async def arun(
        self, text: str, attach: Sequence[Item] = (), *, want: Sequence[str] = ()
    ) -> Answer:
        """Ask and await the answer; see `astream`."""
        return await _alast(self.astream(text, attach, want=want))

    def stream(
        self, text: str, attach: Sequence[Item] = (), *, want: Sequence[str] = ()
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
        return self._runner.stream(functools.partial(self._ask, text, attach), want)

    def astream(
        self, text: str, attach: Sequence[Item] = (), *, want: Sequence[str] = ()
    ) -> AsyncGenerator[Event, None]:
        """`stream` in an event loop; a task that is cancelled stops the turn and keeps what came.

        Models and tools that have no asynchronous form work in threads.
        """
        return self._runner.astream(functools.partial(self._ask, text, attach), want)

    def resume(self, decision: Any, *, want: Sequence[str] = ()) -> Answer:
        """Go on with a turn that waits for a decision, and wait for its answer.

        Args:
            decision: `Allow()`, `Edit(args)` or `Refuse(reason)` for every call that waits, or a
                dictionary with one for each by the call's id; what another middleware interrupted
                for gets what is given as it is.
            want: as of `stream`.

        Raises:
            UsageError: if nothing waits, or the decision does not fit.
        """
        return _last(self.stream_resumed(decision, want=want))

    async def aresume(self, decision: Any, *, want: Sequence[str] = ()) -> Answer:
        """`resume` in an event loop."""
        return await _alast(self.astream_resumed(decision, want=want))

    def stream_resumed(self, decision: Any, *, want: Sequence[str] = ()) -> Iterator[Event]:
        """`resume`, and get what happens as it happens; see `stream`."""
        return self._runner.stream(functools.partial(self._decide, decision), want)

    def astream_resumed(
        self, decision: Any, *, want: Sequence[str] = ()
    ) -> AsyncGenerator[Event, None]:
        """`stream_resumed` in an event loop."""
        return self._runner.astream(functools.partial(self._decide, decision), want)

    def cancel(self) -> None:
        """Stop the turn that runs, from any thread; it ends with what came so far."""
        self._runner.cancel()

    def history(self) -> list[Turn]:
        """All turns of the session."""
        found = turns(self._writer.messages(), self._writer.handles())
        if found and self._writer.interrupts():
            found[-1] = dataclasses.replace(found[-1], status="waiting")
        return found

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
        return self.again(name)

    def again(self, session: str | None) -> Agent:
        """Another agent of the same making, in another session."""
        return Agent(
            self.brain,
            tools=self.tools,
            session=session,
            home=self.sessions.home,
            budget=self.budget,
            selector=self.selector,
            seed=self.seed,
            access=self.access,
            system_prompt=self.system_prompt,
            middleware=self._middleware,
            approve=self.approve,
            limits=self.limits,
            response_format=self.response_format,
            makers=self._given_makers,
            memory=self._given_memory,
        )

    def as_tool(self, name: str, description: str) -> BaseTool:
        """This agent as a tool of another: it is asked anew each time, with media by handle.

        Args:
            name: by which the other model calls it.
            description: what it is for, for the other model.
        """
        from omni.chat.delegating import AgentTool

        return AgentTool(name=name, description=description, open=lambda: self.again(None))

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
        from omni.chat.building import build

        return build(
            self,
            self._opened,
            offload=self._offload,
            middleware=self._middleware,
            context=AgentContext,
        )

    @cached_property
    def _opened(self) -> list[Any]:
        """The tools, each with the media of the session at hand."""
        from omni.chat.toolbox import toolbox
        from omni.workbench import Workbench

        memory = self._given_memory or self.sessions.home / "memory"
        if isinstance(memory, Path | str):
            memory = FolderRecollection(memory, self.access)
        bench = Workbench(
            self.shelf, self.access, makers=self.makers, memory=memory, brain=self.brain
        )
        return toolbox(self.tools, bench)

    def _ask(self, text: str, attach: Sequence[Item]) -> Question:
        refs = [self._take(item) for item in attach]
        self._offload.begin_turn()
        return self._writer.ask(text, refs, model_name(self.brain))

    def _decide(self, decision: Decision | dict[str, Any]) -> Any:
        """What the graph is given to go on with."""
        from langgraph.types import Command

        from omni.chat.approving import gated, resumed

        tools = self._opened
        waiting = gated(tools, self.approve)
        return Command(resume=resumed(self._writer.interrupts(), decision, tools, waiting))

    def _take(self, item: Item) -> MediaRef:
        if isinstance(item, str) and HANDLE.fullmatch(item) and item in self.shelf:
            return self.shelf[item]
        media = item if isinstance(item, Media) else open_media(item, self.access)
        return take(readable(media), self.shelf)

    def _priced(self, limits: Limits) -> Limits:
        """The limits, which can be kept."""
        if not getattr(self.brain, "costs_nothing", False):
            limits.require_price(model_name(self.brain))
        return limits

    def _messages(self) -> list[Any]:
        return self._writer.messages()


def _last(events: Iterator[Event]) -> Answer:
    for event in events:
        if isinstance(event, Finished):
            return event.answer
    raise AssertionError("a turn ends with Finished")


async def _alast(events: AsyncGenerator[Event, None]) -> Answer:
    async with contextlib.aclosing(events):
        async for event in events:
            if isinstance(event, Finished):
                return event.answer
    raise AssertionError("a turn ends with Finished")


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
