"""`unbraid view`: a trained model in the browser."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from unbraid.cli import DEVICE, RUN, overrides_given
from unbraid_registry import UnbraidError
from unbraid_registry.terminal import echo

if TYPE_CHECKING:
    from unbraid_plugins.tools.viewer.loading import Making
    from unbraid_plugins.tools.viewer.session import Viewing

PORTS = range(8765, 8785)                          # the first free one, where none is named
HERE = "127.0.0.1"
DEMO = Path("model:mixing-sprites")                # what `unbraid view demo` shows: the model that comes with us


@click.command("view")
@RUN
@click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="The port (default: a free one from 8765).")
@click.option("--host", default=HERE, show_default=True, metavar="ADDRESS",
              help="The address to listen at; another one lets other machines in, who need the token.")
@click.option("--no-browser", is_flag=True, help="Print the address and open no browser.")
@DEVICE
def command(run: Path, port: int | None, host: str, no_browser: bool, device: str) -> None:
    """Look at a trained model in the browser.

    RUN is a run, a pack, or "demo": a small model that is there after the installation. Drag factors from one image to
    another, traverse, sample, translate, turn meshes. The page asks nobody but this machine. Ctrl-C ends it.
    """
    need()
    listening = listen(host, port)                 # before the model is loaded: a taken port is told at once
    shown = DEMO if str(run) == "demo" and not run.exists() else run
    overrides = overrides_given()
    if ":" not in str(shown) and not shown.expanduser().exists():
        from unbraid.runs import Run

        Run.at(shown)                              # a slip in the name is told before a browser opens

    def make(tell: Callable[[str], None]) -> Viewing:
        tell("starting torch")
        import torch

        from unbraid.engine import device_of
        from unbraid.model import load
        from unbraid_plugins.tools.viewer.scene import Scene
        from unbraid_plugins.tools.viewer.session import Viewing

        tell(f"loading {run}")
        model = load(shown, device=str(device_of(device)), overrides=overrides)
        tell("reading test images")
        scene = Scene.of(model, str(shown))
        tell("making the tabs")
        found = Viewing.of(scene)
        found.threads = torch.get_num_threads()
        if scene.gallery.note:
            echo(scene.gallery.note, err=True)
        if not found.views:
            raise UnbraidError(f"there is nothing to view of {run}: its recipe declares no functions",
                               hint="functions are declared in the recipe: encode(x): encoder(x)")
        return found

    serve(make, listening, host, browser=not no_browser)


def need() -> None:
    """Raise UnbraidError unless the extra `view` is installed."""
    from importlib.util import find_spec

    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UnbraidError(f"the viewer needs {' and '.join(missing)}", hint="pip install 'unbraid[view]'")


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at an address.  Raises UnbraidError where the port is taken, or all are."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in PORTS if port is None else (port,):
        own = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((host, number))
            own.listen(32)
            return own
        except OSError as error:
            own.close()
            why = error.strerror or str(error)
    which = f"the port {port} of {host}" if port is not None else f"the ports {PORTS[0]} to {PORTS[-1]} of {host}"
    raise UnbraidError(f"can't listen at {which}: {why}", hint="name another one with --port")


def serve(make: Making, listening: socket.socket, host: str, *, browser: bool) -> None:
    """Serve until Ctrl-C; print the address, and open it in a browser if there is one.

    make: makes the views, in a thread, while the page is there already.

    Raises what `make` raises.
    """
    import uvicorn

    from unbraid_plugins.tools.viewer.loading import Loading
    from unbraid_plugins.tools.viewer.server import application

    port, token = listening.getsockname()[1], secrets.token_urlsafe(24)
    names = {HERE, "localhost", "[::1]"} if host in (HERE, "localhost", "::1") else {host, HERE, "localhost",
                                                                                   socket.gethostname()}
    named = f"[{host}]" if ":" in host else host
    loading = Loading()
    app = application(loading, frozenset(f"{name}:{port}" for name in {*names, named}), token)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", ws="none",
                                           server_header=False, date_header=False, timeout_graceful_shutdown=1))
    address = f"http://{named}:{port}/#{token}"
    echo(f"{address}\nCtrl-C ends it.")
    sys.stdout.flush()
    loading.begin(make, partial(setattr, server, "should_exit", True))
    if browser:
        threading.Thread(target=_open, args=(address,), daemon=True).start()
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()
    if loading.error is not None:
        raise loading.error


def _open(address: str) -> None:
    time.sleep(0.5)                                # until the server answers
    webbrowser.open(address)
