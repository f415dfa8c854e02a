"""An agent in a file: TOML that says what the arguments of `Agent` say.

model = "openai:gpt-5-mini"
system_prompt = "You look at pictures of parts, and say which is broken."
tools = ["crop_image", "read_text", "fetch_url"]
approve = ["read_text"]          # fetch_url asks by itself; "all", or "none"

[budget]
tokens = 2000

[limits]
steps = 10
money = 0.05
prices."gpt-5-mini" = { input = 0.25, output = 2.0 }

[answer.Finding]                 # every answer has to fit this
part = "text"
broken = "yes or no"
confidence = "number"

[agents.painter]                 # an agent that this one may call as a tool
description = "draws what it is told to"
file = "painter.toml"            # or what a file of its own would say
"""

from __future__ import annotations

import difflib
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from omni.errors import UsageError

if TYPE_CHECKING:
    from omni.chat.agent import Agent

Kind = Literal["text", "number", "whole number", "yes or no", "texts", "numbers"]
_TYPES: dict[str, Any] = {
    "text": str,
    "number": float,
    "whole number": int,
    "yes or no": bool,
    "texts": list[str],
    "numbers": list[float],
}
_MOST_BYTES = 1 << 20
_DEEPEST = 8
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetTable(_Table):
    """How many media tokens a model call may use; see `Budget`."""

    tokens: Count | None = None
    keep: float = Field(1.0, gt=0, le=1)
    floor: Count = 4


class PriceTable(_Table):
    """For a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class LimitsTable(_Table):
    """What one turn may take; see `Limits`."""

    steps: Count = 24
    tokens: Count | None = None
    seconds: Positive | None = None
    money: Positive | None = None
    prices: dict[str, PriceTable] = Field(default_factory=dict)


class AgentFile(_Table):
    """The keys of a file; each is the argument of `Agent` of the same name."""

    model: str = Field("nano", min_length=1)
    device: str = Field("auto", min_length=1)
    dtype: str = Field("auto", min_length=1)
    system_prompt: str | None = None
    tools: tuple[str, ...] = ()
    approve: Literal["all", "none"] | tuple[str, ...] = ()
    budget: BudgetTable | None = None
    selector: str | None = None
    seed: int | None = Field(None, ge=0, lt=2**63)
    roots: tuple[Path, ...] = ()
    max_bytes: Count = 4 << 30
    makers: dict[str, str] = Field(default_factory=dict)
    memory: Path | None = None
    limits: LimitsTable = LimitsTable()
    answer: dict[str, dict[str, Kind]] = Field(default_factory=dict)
    agents: dict[str, WorkerTable] = Field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """Arguments of `Agent`; the agents that it calls are opened when it calls them."""
        from omni.chat.delegating import AgentTool
        from omni.chat.limits import Limits, Price
        from omni.compression.budget import Budget
        from omni.media import Access

        prices = {name: Price(one.input, one.output) for name, one in self.limits.prices.items()}
        limits = {**self.limits.model_dump(exclude={"prices"}), "prices": prices}
        workers = [
            AgentTool(name=name, description=one.description, open=_opener(one))
            for name, one in self.agents.items()
        ]
        return {
            "model": self.model,
            "device": self.device,
            "dtype": self.dtype,
            "system_prompt": self.system_prompt,
            "tools": (*self.tools, *workers),
            "approve": None if self.approve == "none" else self.approve,
            "budget": Budget(**self.budget.model_dump()) if self.budget else None,
            "selector": self.selector,
            "seed": self.seed,
            "access": Access(self.roots, self.max_bytes),
            "makers": dict(self.makers),
            "memory": self.memory,
            "limits": Limits(**limits),
            "response_format": self._answer(),
        }

    def as_settings(self) -> dict[str, Any]:
        """What the file says of things that `Settings` say, too."""
        names = ("model", "device", "dtype", "tools", "selector", "seed", "roots", "max_bytes")
        found = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        if self.budget and self.budget.tokens:
            found["budget"] = self.budget.tokens
        said = self.limits.model_fields_set - {"prices"}
        found |= {f"max_{name}": getattr(self.limits, name) for name in said}
        return found

    def _answer(self) -> Any:
        """The class of the answers, made from its table."""
        for name, fields in self.answer.items():
            made: dict[str, Any] = {key: (_TYPES[kind], ...) for key, kind in fields.items()}
            return create_model(name, __config__=ConfigDict(extra="forbid"), **made)
        return None


class WorkerTable(AgentFile):
    """An agent that another calls as a tool, in a file of its own or in place."""

    description: str = Field(min_length=1)
    file: Path | None = None


def _opener(worker: WorkerTable) -> Callable[[], Agent]:
    """Opens an agent in a session of no name; its brain is loaded once."""
    from omni.chat import agent

    loading = threading.Lock()
    loaded: list[Any] = []

    def opened() -> Agent:
        with loading:
            settings = worker.settings()
            if not loaded:
                chosen = {"device": worker.device, "dtype": worker.dtype}
                loaded.append(agent.brain(worker.model, **chosen))
        return agent.Agent(**{**settings, "model": loaded[0]}, session=None)

    return opened


def read(path: Path) -> AgentFile:
    """What a file says.

    Paths in it are taken from its folder.

    Raises:
        UsageError: if it cannot be read, has a key that is not known (the nearest one is named),
            or a value that is refused.
    """
    return AgentFile.model_validate(_data(path, AgentFile, 0))


def _data(path: Path, table: type[AgentFile], depth: int) -> dict[str, Any]:
    path = path.expanduser()
    if depth > _DEEPEST:
        raise UsageError(f"{path}: agents call each other in a circle")
    data = _parsed(path)
    _check_keys(data, table, "", path)
    data = _resolved(data, path, depth)
    try:
        table.model_validate(data)
    except ValidationError as error:
        raise UsageError(f"{path}: {_refused(error)}") from None
    if len(data.get("answer", {})) > 1:
        raise UsageError(f"{path}: [answer.…] names one class, not {len(data['answer'])}")
    return data


def _resolved(data: dict[str, Any], path: Path, depth: int) -> dict[str, Any]:
    """The data with files of other agents read, and paths taken from the folder of this one."""
    found = dict(data)
    if isinstance(data.get("roots"), list):
        found["roots"] = [path.parent / Path(str(root)).expanduser() for root in data["roots"]]
    if isinstance(data.get("memory"), str):
        found["memory"] = path.parent / Path(data["memory"]).expanduser()
    if isinstance(agents := data.get("agents"), dict):
        found["agents"] = {
            name: _worker(name, one, path, depth) if isinstance(one, dict) else one
            for name, one in agents.items()
        }
    return found


def _worker(name: str, given: dict[str, Any], path: Path, depth: int) -> dict[str, Any]:
    if "file" in given:
        return _from_its_file(name, given, path, depth)
    return _resolved(given, path, depth)


def _from_its_file(name: str, given: dict[str, Any], path: Path, depth: int) -> dict[str, Any]:
    more = [key for key in given if key not in ("file", "description")]
    if more:
        raise UsageError(
            f"{path}: agents.{name} has a file of its own; {more[0]!r} belongs into that"
        )
    inner = _data(path.parent / Path(str(given["file"])).expanduser(), AgentFile, depth + 1)
    return {**inner, "description": given.get("description", "")}


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is no agent file: it has more than {_MOST_BYTES:,} bytes")
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the agent in {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _check_keys(data: dict[str, Any], table: type[BaseModel], where: str, path: Path) -> None:
    """Refuse keys that are not known, at any depth."""
    known = list(table.model_fields)
    for key, value in data.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            place = f" in [{where}]" if where else ""
            raise UsageError(f"{path}: unknown key {key!r}{place}: {hint}known are {_list(known)}")
        inner = {"budget": BudgetTable, "limits": LimitsTable}.get(key)
        if inner and isinstance(value, dict):
            _check_keys(value, inner, f"{where}.{key}".lstrip("."), path)
        tables = {"agents": WorkerTable, "prices": PriceTable}.get(key)
        if tables and isinstance(value, dict):
            for name, one in value.items():
                if isinstance(one, dict):
                    _check_keys(one, tables, f"{where}.{key}.{name}".lstrip("."), path)


def _refused(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    reason = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] == "missing":
        return f"{place} is missing"
    return f"{place} = {first['input']!r} is refused: {reason}"


def _list(names: list[str]) -> str:
    return ", ".join(names)


AgentFile.model_rebuild()
