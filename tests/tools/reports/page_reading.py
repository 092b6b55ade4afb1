"""HTML as a test reads it: elements with their attributes and text, in order."""

from __future__ import annotations

from html.parser import HTMLParser

import attrs

VOID = {"meta", "link", "img", "br", "input", "hr", "wbr"}


@attrs.define
class Element:
    """An element; path: the tags that it stands in."""

    tag: str
    attributes: dict[str, str]
    path: tuple[str, ...]
    text: str = ""


class Page(HTMLParser):
    """All elements of a page; raises where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {[e.tag for e in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, tuple(e.tag for e in self._open))
        assert len(element.attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, *tags: str) -> list[Element]:
        """The elements of these tags."""
        return [e for e in self.elements if e.tag in tags]

    def one(self, id_: str) -> Element:
        """The element of an id."""
        return next(e for e in self.elements if e.attributes.get("id") == id_)

    @property
    def text(self) -> str:
        """All that is said in the body."""
        return " ".join(next(e for e in self.elements if e.tag == "body").text.split())
