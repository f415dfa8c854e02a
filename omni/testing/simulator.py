"""A service of OpenAI's form on loopback, which follows a script: for tests of clients and agents.

What a client sends is checked as strictly as the real service does: a tool call without an answer,
words where media should be and the like are refused with 400 and a reason.

>>> import json, urllib.request
>>> with Simulator(script=["A red circle."]) as service:
...     body = {"model": "any", "messages": [{"role": "user", "content": "What is this?"}]}
...     asked = urllib.request.Request(f"{service.url}/chat/completions", json.dumps(body).encode())
...     answer = json.load(urllib.request.urlopen(asked))
>>> answer["choices"][0]["message"]["content"]
'A red circle.'
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from langchain_core.messages import AIMessage, convert_to_messages

from omni.media import Media
from omni.testing.openai_forms import chunks, completion
from omni.testing.openai_requests import Wrong, check_chat
from omni.testing.schema import problems

_DIMENSIONS = 64


class Refusal(Exception):
    """A line of a script: the service refuses, with an HTTP status, as it does when it is busy."""

    def __init__(self, status: int, message: str = "refused by the script", **headers: str):
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Simulator:
    """Answers the lines of a script, one a request, until the `with` block ends.

    Chat completions (plain and streamed, with tools, pictures and sound), images, speech,
    transcriptions, embeddings and the list of models. A script that has run out answers 500, and
    leaving the block then fails, as it does when lines are left.

    Args:
        script: what is answered, in order: words, messages with tool calls or media, `Refusal`,
            media for images and speech, or a function of the messages or of the request.
        model: the name that the list of models has.
        seconds: between the pieces of a streamed answer.
        strict: leaving the block fails if the script was not followed to its end.

    Attributes:
        requests: each path with the body that was sent, for a test to look at.
    """

    def __init__(
        self,
        script: Sequence[Any] = (),
        *,
        model: str = "simulated",
        seconds: float = 0.0,
        strict: bool = True,
    ):
        self.script = list(script)
        self.model = model
        self.seconds = seconds
        self.strict = strict
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._said = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """What clients call `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> Simulator:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if kind is None and self.strict and self._said != len(self.script):
            raise AssertionError(
                f"the script has {len(self.script)} lines; {self._said} were asked for"
            )

    def answer(self, path: str, body: dict[str, Any]) -> Any:
        """The body of the answer, bytes of a file, or the chunks of a stream.

        Raises:
            Refusal: if the script says so.
            Wrong: if the real service would refuse the request.
        """
        self.requests.append((path, body))
        if path == "/models":
            return {"object": "list", "data": [{"id": self.model, "object": "model"}]}
        if path == "/embeddings":
            return _embeddings(body)
        if path == "/chat/completions":
            return self._chat(body)
        if path in ("/images/generations", "/images/edits"):
            data = self._media(body).read()
            return {"created": 0, "data": [{"b64_json": base64.b64encode(data).decode()}]}
        if path == "/audio/speech":
            return self._media(body).read()
        if path in ("/audio/transcriptions", "/audio/translations"):
            return {"text": str(self._line(body))}
        raise Refusal(404, f"the simulator has no {path}")

    def _chat(self, body: dict[str, Any]) -> Any:
        check_chat(body)
        message = self._line(convert_to_messages(body["messages"]))
        message = AIMessage(message) if isinstance(message, str) else message
        takes = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or ()}
        for call in message.tool_calls:
            if call["name"] not in takes:
                raise AssertionError(f"the script calls {call['name']!r}; there is {[*takes]}")
            if wrong := problems(call["args"], takes[call["name"]].get("parameters") or {}):
                raise AssertionError(f"the script calls {call['name']!r}, but {'; '.join(wrong)}")
        if not body.get("stream"):
            return completion(message, self.model)
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return self._paced(chunks(message, self.model, usage=usage))

    def _paced(self, found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for one in found:
            yield one
            time.sleep(self.seconds)

    def _media(self, body: dict[str, Any]) -> Media:
        for name in ("model", "prompt" if "prompt" in body else "input"):
            if not body.get(name):
                raise Wrong(f"you must provide a {name} parameter")
        line = self._line(body)
        if not isinstance(line, Media):
            raise AssertionError(f"the script says {line!r} where media are asked for")
        return line

    def _line(self, given: Any) -> Any:
        with self._lock:
            self._said += 1
            number = self._said
        if number > len(self.script):
            raise AssertionError(
                f"the script has {len(self.script)} lines; this is request {number}"
            )
        line = self.script[number - 1]
        if isinstance(line, Exception):
            raise line
        return line(given) if callable(line) else line


def _handler(service: Simulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                self._answer(_parsed(data, self.headers.get("Content-Type") or ""))
            except ValueError:
                self._refuse(400, "the body is no JSON")

        def _answer(self, body: dict[str, Any]) -> None:
            path = self.path.partition("?")[0].removeprefix("/v1")
            try:
                found = service.answer(path, body)
            except Refusal as error:
                self._refuse(error.status, str(error), error.headers)
            except Wrong as error:
                self._refuse(400, str(error))
            except Exception as error:  # the test has to see what its script did
                self._refuse(500, str(error), {"x-should-retry": "false"})
            else:
                self._found(found)

        def _found(self, found: Any) -> None:
            if isinstance(found, bytes):
                self._send(200, "application/octet-stream", found)
            elif isinstance(found, Mapping):
                self._send(200, "application/json", json.dumps(found).encode())
            else:
                self._stream(found)

        def _stream(self, found: Iterator[dict[str, Any]]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError):  # a client may hang up
                for one in found:
                    self.wfile.write(f"data: {json.dumps(one)}\n\n".encode())
                    self.wfile.flush()
                self.wfile.write(b"data: [DONE]\n\n")

        def _refuse(
            self, status: int, message: str, headers: Mapping[str, str] | None = None
        ) -> None:
            kind = "invalid_request_error" if status < 500 else "server_error"
            error = {"message": message, "type": kind, "param": None, "code": None}
            self._send(status, "application/json", json.dumps({"error": error}).encode(), headers)

        def _send(
            self, status: int, kind: str, data: bytes, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Tests have logs of their own."""

    return Handler


def _parsed(data: bytes, kind: str) -> dict[str, Any]:
    """A JSON body, or the fields of a form, in which files are bytes."""
    if not kind.startswith("multipart/form-data"):
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError
        return found
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + data)
    fields: dict[str, Any] = {}
    for part in form.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        content: Any = part.get_payload(decode=True)
        fields[str(name)] = content if part.get_filename() else content.decode()
    return fields


def _embeddings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Vectors that are the same for the same text, and of length 1."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else list(given or ())
    data = []
    for index, text in enumerate(texts):
        raw = hashlib.shake_128(str(text).encode()).digest(_DIMENSIONS)
        values = [byte - 127.5 for byte in raw]
        length = sum(value * value for value in values) ** 0.5
        vector: Any = [value / length for value in values]
        if body.get("encoding_format") == "base64":
            import struct

            vector = base64.b64encode(struct.pack(f"<{_DIMENSIONS}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return {"object": "list", "model": str(body.get("model")), "data": data, "usage": usage}
