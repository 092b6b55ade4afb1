"""A server on this machine that cuts, lies, redirects, changes its files, and sends pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs


@attrs.define
class Site:
    """The file of a server, and its lies.  cuts: bytes after which each answer in turn ends, None for all of it."""

    content: bytes
    etag: str = '"first"'
    cuts: list[int | None] = attrs.Factory(list)
    ranges: bool = True
    kind: str = "application/octet-stream"
    to: str = ""                                   # a redirect
    code: int = 0                                  # a refusal
    length: int | None = None                      # a lie about the size
    wrong_range: bool = False
    changes_to: bytes | None = None                # after the first answer
    asked: list[tuple[str, str]] = attrs.Factory(list)         # (Range, If-Range)
    address: str = ""


def handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range", ""), self.headers.get("If-Range", "")
            site.asked.append(asked)
            if site.to or site.code:
                self.send_response(site.code or 302)
                self.send_header("Location", site.to.replace("SELF", site.address))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            first = int(asked[0].removeprefix("bytes=").rstrip("-") or 0)
            if asked[0] and first >= len(site.content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            partial = bool(asked[0]) and site.ranges and asked[1] in ("", site.etag)
            body = site.content[first:] if partial else site.content
            self.send_response(206 if partial else 200)
            if partial:
                begin = first + 1 if site.wrong_range else first
                self.send_header("Content-Range", f"bytes {begin}-{len(site.content) - 1}/{len(site.content)}")
            self.send_header("Content-Type", site.kind)
            self.send_header("Content-Length", str(site.length if site.length is not None else len(body)))
            self.send_header("ETag", site.etag)
            self.end_headers()
            cut = site.cuts.pop(0) if site.cuts else None
            with suppress(ConnectionError):        # who was refused does not listen to the end
                self.wfile.write(body[:cut])
            self.close_connection = True
            if site.changes_to is not None:
                site.content, site.etag, site.changes_to = site.changes_to, '"second"', None

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """The address of a file on a server that sends a site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(site))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    site.address = f"http://127.0.0.1:{server.server_port}/file.bin"
    try:
        yield site.address
    finally:
        server.shutdown()
        server.server_close()
