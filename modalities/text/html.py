"""HTML into passages: what a reader sees, without scripts, styles and tags."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from omni.errors import MediaError
from omni.media import Media
from omni.values import Document, Passage

from .decoding import words
from .plain import read_text

MAX_BYTES = 16 << 20
_HIDDEN = frozenset(
    {"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "select"}
)
_MAX_HIDDEN_DEPTH = 100
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "details", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4"}
    | {"h5", "h6", "head", "header", "hr", "html", "li", "main", "nav", "ol", "p", "pre"}
    | {"section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul"}
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]{2,30})", re.IGNORECASE)

_SECTION = re.compile(r"<!\[[^>]*>")


def read(media: Media) -> Document:
    """Read an HTML file; nothing that it names is fetched and no script runs.

    Raises:
        MediaError: if it is too large or no text.
    """
    if media.size > MAX_BYTES:
        raise MediaError(
            f"{media.name} has {media.size:,} bytes; the limit for HTML is {MAX_BYTES:,}: split it"
        )
    reader = _Reader()
    try:
        reader.feed(_closed(_decoded(media)))
        reader.close()
    except (AssertionError, ValueError) as error:
        raise MediaError(f"{media.name} cannot be read as HTML: {error}") from None
    reader.end_block()
    return Document(tuple(map(Passage, reader.blocks)), title=reader.title)


def _decoded(media: Media) -> str:
    """Text by the encoding that the page names, where there is one and it fits."""
    data = media.read()
    found = _CHARSET.search(data[:4096])
    if found and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        try:
            return words(data.decode(found[1].decode()))
        except (LookupError, ValueError):
            pass
    return read_text(media)


def _closed(text: str) -> str:
    """The page without comments, sections, and tags that are begun at its end and never closed.

    The parser of the standard library searches to the end of the page for the end of each of
    these, so that a page of nothing else would keep it busy for days; some sections it fails on.
    """
    kept, start = [], 0
    while (comment := text.find("<!--", start)) >= 0:
        kept.append(text[start:comment])
        end = text.find("-->", comment + 2)  # `<!-->` is a whole comment.
        start = len(text) if end < 0 else end + 3
    kept.append(text[start:])
    body, bracket, rest = "".join(kept).replace("<![CDATA[", "").rpartition(">")
    body = _SECTION.sub("", body + bracket)
    return body + rest.replace("<", "&lt;")


class _Reader(HTMLParser):
    """Collects the visible blocks in reading order."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.title = ""
        self._line: list[str] = []
        self._mark = ""
        self._hidden: list[str] = []
        self._in_title = False
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN and len(self._hidden) < _MAX_HIDDEN_DEPTH:
            self._hidden.append(tag)
        if tag in _BLOCKS:
            self.end_block()
        if tag in ("td", "th") and self._line:
            self._line.append("\t")
        self._in_title = tag == "title"
        self._preformatted += tag == "pre"
        if tag == "li":
            self._mark = "- "
        self._mark = _HEADINGS.get(tag, self._mark)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HIDDEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag in _BLOCKS:
            self.end_block()
        if tag == "title":
            self._in_title = False
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._in_title:
            self.title = " ".join(f"{self.title}{data}".split())
        elif self._preformatted:
            self._line.append(data)
        else:
            self._line.append(re.sub(r"\s+", " ", data))

    def end_block(self) -> None:
        """Close the passage that is being read."""
        text = "".join(self._line)
        if not self._preformatted:
            text = re.sub(r" *\t *", "\t", re.sub(r" {2,}", " ", text)).strip()
        if text.strip():
            self.blocks.append(self._mark + text.strip("\n"))
            self._mark = ""
        self._line = []
