"""Messages of a session, as LangChain's `BaseChatMessageHistory`."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict

from omni.plugins import Component

from . import rows
from .view import View

COMPONENTS = (
    Component(
        "store",
        "chat_history",
        "Messages of a session, as LangChain's chat history.",
    ),
)


class OmniChatHistory(BaseChatMessageHistory):
    """What was said, in its order; several processes may add to it.

    Args:
        view: where it lies.
        session: whose messages.
    """

    def __init__(self, view: View, session: str):
        self._view = view
        self.session = session

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """All, the oldest first."""
        with self._view.reading() as (db, ns):
            found = db.execute(
                "SELECT body FROM message WHERE ns = ? AND session = ? ORDER BY seq",
                (ns, self.session),
            ).fetchall()
        return messages_from_dict([rows.from_json(body) for (body,) in found])

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages in one transaction."""
        bodies = [rows.to_json(message_to_dict(message), "a message") for message in messages]
        with self._view.writing() as (db, ns):
            db.executemany(
                "INSERT INTO message(ns, session, body) VALUES (?, ?, ?)",
                [(ns, self.session, body) for body in bodies],
            )

    def clear(self) -> None:
        """Delete all messages of the session."""
        with self._view.writing() as (db, ns):
            db.execute("DELETE FROM message WHERE ns = ? AND session = ?", (ns, self.session))


plugin = OmniChatHistory
