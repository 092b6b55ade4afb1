"""Models on a hub, against a stand-in of its six routes on this machine."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from unbraid_plugins.tools.packs import PackError
from unbraid_plugins.tools.packs.hub import fetch, push

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CODE = f"""
import sys, torch
from pathlib import Path
from unbraid.cli import main
import unbraid
run, = sys.argv[1:]
assert main(["push", run, "me/tiny", "--licence", "CC0-1.0"]) == 0
model = unbraid.load("hub:me/tiny")
x = torch.rand(2, 3, 16, 16)
assert torch.equal(model.reconstruct(x), unbraid.load(run).reconstruct(x))
assert main(["show", "hub:me/tiny@{COMMIT}"]) == 0
"""


class Hub(BaseHTTPRequestHandler):
    """Keeps what is committed, by path."""

    files: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"POST {self.path}")
        if self.headers.get("Authorization") != "Bearer hf_stand_in":
            self.answer(401, {"error": "Invalid credentials"})
        elif "/preupload/" in self.path:
            self.answer(200, {"files": [{**f, "uploadMode": "regular", "shouldIgnore": False}
                                        for f in json.loads(body)["files"]]})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self.answer(200, {"success": True, "commitOid": COMMIT, "commitUrl": f"http://{self.headers['Host']}/me/tiny/commit/{COMMIT}"})
        elif self.path.endswith("/create"):
            self.answer(200, {"url": f"http://{self.headers['Host']}/me/tiny", "name": "me/tiny", "id": "1"})
        else:
            self.answer(200, {"errors": [], "warnings": []})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        content = self.files.get(self.path.rpartition("/")[2])
        if "/resolve/" not in self.path or content is None:
            self.answer(404, {"error": "not found"})
            return
        self.send_response(200)
        for name, value in (("ETag", f'"{len(content)}"'), ("X-Repo-Commit", COMMIT), ("Content-Length", len(content))):
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def answer(self, status: int, told: Any) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Hub.files, Hub.asked = {}, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def ran(run: Path, home: Path, hub: str, code: str = CODE, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_TOKEN": "hf_stand_in",
                   "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", **more}
    return subprocess.run([sys.executable, "-c", code, str(run)], env=environment, capture_output=True, text=True,
                          timeout=120, check=False)


def test_a_model_is_pushed_and_fetched(run: Path, hub: str, tmp_path: Path) -> None:
    done = ran(run, tmp_path, hub)
    assert done.returncode == 0, done.stderr
    assert sorted(Hub.files) == ["README.md", "config.json", "model.safetensors", "picture.png"] or sorted(
        Hub.files) == ["README.md", "config.json", "model.safetensors"]
    assert f"hub:me/tiny at commit {COMMIT}" in done.stderr
    assert Hub.files["README.md"].startswith(b"---\nlibrary_name: \"unbraid\"\n")
    (kept,) = tmp_path.rglob("model.safetensors")
    assert kept.read_bytes() == Hub.files["model.safetensors"]
    offline = "import sys, unbraid; unbraid.load('hub:me/tiny')"
    Hub.asked.clear()
    assert ran(run, tmp_path, hub, offline, HF_HUB_OFFLINE="1").returncode == 0
    assert Hub.asked == []
    missing = "import sys; from unbraid.cli import main; sys.exit(main(['show', 'hub:me/other']))"
    done = ran(run, tmp_path, hub, missing, HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 2


def test_a_missing_token_is_one_line(run: Path, hub: str, tmp_path: Path) -> None:
    code = "import sys; from unbraid.cli import main; sys.exit(main(['push', sys.argv[1], 'me/tiny']))"
    done = ran(run, tmp_path, hub, code, HF_TOKEN="")
    assert done.returncode == 2
    assert "set HF_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", "tiny", "a/b/c", "../x", "me/tiny@", "me/ti ny", "http://x/y"])
def test_wrong_names_are_told(name: str) -> None:
    with pytest.raises(PackError, match="names no"):
        fetch(name)
    with pytest.raises(PackError, match="names no"):
        push(None, name, "")
