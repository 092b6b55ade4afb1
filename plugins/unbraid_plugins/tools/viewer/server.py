"""The viewer's server: a page, a description, drawings and pictures, for one person on this machine.

Nobody else gets an answer: requests must name this machine as their host, come from this page or from no page, and
carry the token that only the printed address has. No path of the file system comes from a request.
"""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from unbraid_plugins.tools.viewer.loading import Loading
from unbraid_plugins.tools.viewer.requests import MOST_UPLOAD, ControlError, Superseded
from unbraid_registry import UnbraidError

if TYPE_CHECKING:
    from unbraid_plugins.tools.viewer.session import Viewing

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
         ".txt": "text/plain; charset=utf-8"}
MOST_VALUES = 1 << 16                              # bytes of the values of a view's controls
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
           "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
           "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"}
TOKEN = "x-unbraid-token"


def application(viewing: Viewing | Loading, hosts: frozenset[str], token: str) -> ASGIApp:
    """Return the application.

    viewing: the views; or `Loading`, whose words the page shows until they are there.
    hosts: the values of the header Host to answer, as `127.0.0.1:8000`.
    token: the text that requests for anything but the page's own files must carry.
    """
    routes = [
        Route("/", partial(_file, name="index.html")),
        *(Route(f"/page/{name}", partial(_file, name=name)) for name in PAGE),
        Route("/favicon.ico", partial(_file, name="icon.svg")),
        Route("/api/model", _answering(_model)),
        Route("/api/pictures/{name}", _answering(_picture)),
        Route("/api/views/{view:int}", _answering(_draw), methods=["POST"]),
        Route("/api/views/{view:int}/pictures/{control}", _answering(_give), methods=["POST"]),
    ]
    app = Starlette(routes=routes)
    app.state.loading = viewing if isinstance(viewing, Loading) else Loading(viewing=viewing)
    return Guard(app, hosts, token)


class Guard:
    """Refusal of requests by host, origin, token and size, before anything else; and the headers of every answer."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: str) -> None:
        self.app, self.hosts, self.token = app, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":                # there are no web sockets here
            return
        refused = self._refused(scope)

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        await (self.app if refused is None else refused)(scope, receive, send_guarded)

    def _refused(self, scope: Scope) -> Response | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if len(headers.get("host", ())) != 1 or headers["host"][0] not in self.hosts:
            return _error(400, "this server answers under its own address only")
        origins = {f"http://{host}" for host in self.hosts}
        if any(origin not in origins for origin in headers.get("origin", ())):
            return _error(403, "requests of other pages are refused")
        given = headers.get(TOKEN, [""])
        if scope["path"].startswith("/api/") and not hmac.compare_digest(given[0].encode(), self.token.encode()):
            return _error(403, "the token is missing or wrong; open the address that `unbraid view` printed")
        length = headers.get("content-length", ["0"])[0]
        if not re.fullmatch(r"\d{1,12}", length) or int(length) > MOST_UPLOAD:
            return _error(413, f"a request has at most {MOST_UPLOAD >> 20} MiB")
        return None


def _answering(answer: Callable[[Request, Viewing], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that turns errors into answers."""
    async def endpoint(request: Request) -> Response:
        loading = request.app.state.loading
        if loading.viewing is None:
            return JSONResponse({"loading": loading.doing}, status_code=202)
        try:
            return await answer(request, loading.viewing)
        except Superseded:
            return Response(status_code=204)
        except ControlError as error:
            return _error(400, error.message)
        except UnbraidError as error:
            return _error(422, f"{error.message}  {error.hint}".strip())
        except ClientDisconnect:
            return Response(status_code=204)

    return endpoint


async def _file(request: Request, name: str) -> Response:
    content, kind = PAGE[name]
    return Response(content, media_type=kind)


async def _model(request: Request, viewing: Viewing) -> Response:
    return JSONResponse(viewing.described())


async def _picture(request: Request, viewing: Viewing) -> Response:
    from unbraid_plugins.tools.viewer.outputs import png

    size = re.fullmatch(r"(\d{1,4})x(\d{1,4})x(\d{1,4})", request.query_params.get("size", ""))
    if size is None:
        raise ControlError("name the size of the picture: ?size=3x64x64")
    channels, height, width = map(int, size.groups())
    image = viewing.scene.gallery.image(request.path_params["name"], (channels, height, width))
    return Response(png(image), media_type="image/png")


async def _draw(request: Request, viewing: Viewing) -> Response:
    began = time.perf_counter()
    parts = _values(await _body(request, MOST_VALUES))
    number = request.path_params["view"]
    draw = partial(viewing.draw, number, parts["values"], parts["tab"], parts["request"])
    # on busy cores a thread waits for its turn, and this one again for the answer: more than a small model takes
    drawn = draw() if viewing.quick(number) else await anyio.to_thread.run_sync(draw)
    took = f"draw;dur={1000 * (time.perf_counter() - began):.2f}"          # milliseconds, for the browser's own tools
    return Response(drawn, media_type="application/octet-stream", headers={"Server-Timing": took})


async def _give(request: Request, viewing: Viewing) -> Response:
    content = await _body(request, MOST_UPLOAD)
    name = await anyio.to_thread.run_sync(viewing.give, content, request.path_params["view"],
                                          request.path_params["control"])
    return JSONResponse({"name": name})


async def _body(request: Request, most: int) -> bytes:
    """Read a request's body.  Raises ControlError where it has more than `most` bytes, whatever its header said."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise ControlError(f"the request has more than {most:,} bytes")
    return bytes(body)


def _values(body: bytes) -> Mapping[str, Any]:
    """Return the parts of a request to draw.  Raises ControlError."""
    try:
        parts = json.loads(body)
    except (ValueError, RecursionError):
        parts = None
    if not (isinstance(parts, dict) and isinstance(parts.get("values"), dict) and isinstance(parts.get("tab"), str)
            and len(parts["tab"]) <= 64 and type(parts.get("request")) is int and 0 <= parts["request"] < 2 ** 53):
        raise ControlError("expected JSON: {\"values\": {...}, \"tab\": \"...\", \"request\": 1}")
    return parts


def _error(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)


def _page() -> dict[str, tuple[bytes, str]]:
    """Return the page's files, read once: name -> content and type."""
    folder = files("unbraid_plugins.tools.viewer").joinpath("page")
    return {f.name: (f.read_bytes(), TYPES["." + f.name.rpartition(".")[2]]) for f in folder.iterdir()
            if "." + f.name.rpartition(".")[2] in TYPES}


PAGE = _page()
