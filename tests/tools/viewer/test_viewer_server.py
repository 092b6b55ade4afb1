"""The viewer's server: who gets an answer, what pictures it takes, what it draws."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import uvicorn
from PIL import Image
from starlette.testclient import TestClient

from unbraid_plugins.tools.viewer import View
from unbraid_plugins.tools.viewer.command import listen
from unbraid_plugins.tools.viewer.controls import Slider
from unbraid_plugins.tools.viewer.gallery import GIVEN
from unbraid_plugins.tools.viewer.loading import Loading
from unbraid_plugins.tools.viewer.outputs import Text
from unbraid_plugins.tools.viewer.requests import MOST_UPLOAD
from unbraid_plugins.tools.viewer.server import PAGE, application
from unbraid_plugins.tools.viewer.session import Viewing

HOST, TOKEN = "127.0.0.1:8765", "the-token"
EDIT = {"A": "source:0", "B": "source:1", "chunk1": 0, "chunk2": 0, "pose": 0}


def drawn(content: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(content[:4], "little")
    return json.loads(content[4:4 + length]), content[4 + length:]


def image(content: bytes, number: int = 0) -> np.ndarray:
    """A picture among the outputs, uint8 (H, W, C)."""
    told, blobs = drawn(content)
    (start, count), (channels, height, width) = told["outputs"][number]["pixels"], told["outputs"][number]["size"]
    assert count == channels * height * width
    return np.frombuffer(blobs[start:start + count], np.uint8).reshape(height, width, channels)


def ask(client: TestClient, view: int, values: dict[str, Any], request: int = 1, tab: str = "tab") -> Any:
    return client.post(f"/api/views/{view}", json={"values": values, "tab": tab, "request": request})


def test_the_page_and_all_its_files_come_from_here(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "'unsafe" not in page.headers["content-security-policy"]
    assert "//" not in page.text.replace("<!doctype html>", "")            # no address of another machine
    assert {"main.js", "style.css", "three.js", "three-licence.txt"} <= PAGE.keys()
    for name in PAGE:
        assert client.get(f"/page/{name}").content == PAGE[name][0]
    for path in ("/page/../server.py", "/page/%2e%2e/server.py", "/page/server.py", "/etc/passwd", "/page/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(("headers", "status"), [
    ({"Host": "evil.example"}, 400), ({"Host": "127.0.0.1:9999"}, 400), ({"Host": "localhost.evil.example:8765"}, 400),
    ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "https://127.0.0.1:8765"}, 403),
    ({"X-Unbraid-Token": ""}, 403), ({"X-Unbraid-Token": "the-tokem"}, 403), ({"X-Unbraid-Token": "the-töken"}, 403),
    ({"Content-Length": "9437184"}, 413), ({"Content-Length": "-1"}, 413),
    ({"Origin": "http://127.0.0.1:8765"}, 200),
])
def test_who_gets_an_answer(client: TestClient, headers: dict[str, str], status: int) -> None:
    answer = client.get("/api/model", headers={k: v.encode() for k, v in headers.items()})
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_model_is_described(client: TestClient) -> None:
    told = client.get("/api/model").json()
    assert told["title"] == "A tiny <b>mixing</b>"                         # text, which the page shows as text
    assert (told["step"], told["note"], told["problems"]) == (2, "", [])
    assert [v["title"] for v in told["views"]] == ["edit", "strip", "traverse", "map", "mixture(x1, x2)"]
    a, b, *sliders = told["views"][0]["controls"]
    assert (a["kind"], a["size"], a["pictures"][:2], len(a["pictures"])) == ("picture", [3, 16, 16],
                                                                             ["source:0", "source:1"], 24)
    assert b["start"] == 1
    assert [s["label"] for s in sliders] == ["chunk1", "chunk2: hair", "pose"]


def test_an_edit_is_what_the_model_makes(client: TestClient, viewing: Viewing) -> None:
    model, gallery = viewing.scene.model, viewing.scene.gallery
    a, b = gallery.image("source:0"), gallery.image("source:1")
    answer = ask(client, 0, {**EDIT, "chunk2": 1})
    wanted = (model.swap(a, b, "chunk2")[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.abs(image(answer.content).astype(int) - wanted).max() <= 1
    assert drawn(answer.content)[0]["command"] == "unbraid edit runs/tiny blend A.png B.png --by chunk2=1"
    same = image(ask(client, 0, EDIT).content).astype(int)
    assert np.abs(same - (model.reconstruct(a)[0] * 255).round().permute(1, 2, 0).numpy()).max() <= 1
    half = image(ask(client, 0, {**EDIT, "chunk1": 0.5, "chunk2": 0.5, "pose": 0.5}).content)
    wanted = model.interpolate(a, b, steps=3)[1]
    assert np.abs(half - (wanted * 255).round().permute(1, 2, 0).numpy()).max() <= 1


def test_an_answer_is_not_held_back(viewing: Viewing) -> None:
    """Its head and its body are two packets: with Nagle's algorithm the second one waits 40 ms for the first one."""
    listening = listen("127.0.0.1", None)
    port = listening.getsockname()[1]
    app = application(viewing, frozenset({f"127.0.0.1:{port}"}), TOKEN)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    own, took = http.client.HTTPConnection("127.0.0.1", port), []
    for _ in range(40):
        began = time.perf_counter()
        own.request("GET", "/api/model", headers={"X-Unbraid-Token": TOKEN})
        assert own.getresponse().read()
        took.append(time.perf_counter() - began)
    server.should_exit = True
    thread.join(5)
    assert min(took[20:]) < 0.03                                           # the first ones are sent at once anyway


def test_views_that_are_quick_draw_with_one_thread(viewing: Viewing) -> None:
    def draw(values: Any) -> Text:
        began = time.thread_time()
        while time.thread_time() - began < values["seconds"]:
            pass
        return Text(str(torch.get_num_threads()))

    def threads(seconds: float) -> str:
        return str(drawn(own.draw(0, {"seconds": seconds}, "tab", 1))[0]["outputs"][0]["text"])

    before = torch.get_num_threads()
    own = Viewing(viewing.scene, [("acme", View("slow", [Slider("seconds")], draw))])
    assert threads(0) == str(before)                                       # unless it is asked to, it leaves them alone
    assert own.quick(0)                                                    # so the server draws it without a thread
    with own._turn:
        assert not own.quick(0)                                            # but never waits for another drawing
    own.threads = 3
    try:
        assert [threads(s) for s in (0, 0.1, 0)] == ["1", "1", "3"]
        assert [own.quick(0), bool(threads(0.02)), own.quick(0)] == [True, True, False]
    finally:
        torch.set_num_threads(before)


def test_all_views_draw(client: TestClient) -> None:
    views = client.get("/api/model").json()["views"]
    starts = {"slider": lambda c: c["start"], "seed": lambda c: 0, "choice": lambda c: c["options"][-1],
              "picture": lambda c: c["pictures"][c["start"]]}
    for number, view in enumerate(views):
        answer = ask(client, number, {c["name"]: starts[c["kind"]](c) for c in view["controls"]})
        assert answer.status_code == 200, answer.text
        assert drawn(answer.content)[0]["outputs"]


def test_a_file_is_shown_as_the_model_sees_it(client: TestClient, viewing: Viewing) -> None:
    file = io.BytesIO()
    Image.fromarray(np.tile(np.arange(40, dtype=np.uint8)[:, None, None] * 6, (1, 60, 3))).save(file, "JPEG")
    name = client.post("/api/views/0/pictures/A", content=file.getvalue()).json()["name"]
    shown = np.asarray(Image.open(io.BytesIO(client.get(f"/api/pictures/{name}?size=3x16x16").content)))
    assert shown.shape == (16, 16, 3)
    assert np.diff(shown[:, 8, 0].astype(int)).min() >= 0
    assert ask(client, 0, {**EDIT, "A": name}).status_code == 200
    for _ in range(GIVEN):
        viewing.scene.gallery.give(file.getvalue())
    assert "choose another" in ask(client, 0, {**EDIT, "A": name}).json()["error"]         # forgotten by now


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, b"GIF89a",
                                     b"%!PS-Adobe"])
def test_damaged_pictures_are_refused(client: TestClient, content: bytes) -> None:
    answer = client.post("/api/views/0/pictures/A", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("this picture can't be read: ")
    assert "/tmp" not in answer.text
    assert "unbraid-view" not in answer.text


def test_large_bodies_are_refused_whatever_they_say_of_themselves(client: TestClient) -> None:
    large = b"x" * (MOST_UPLOAD + 1)
    assert client.post("/api/views/0/pictures/A", content=large).status_code == 413
    chunks = (large[i:i + 2 ** 20] for i in range(0, len(large), 2 ** 20))                 # no Content-Length
    assert client.post("/api/views/0/pictures/A", content=chunks).status_code == 400
    assert ask(client, 0, {"A": "x" * 70000}).status_code == 400


@pytest.mark.parametrize(("view", "values", "told"), [
    (99, EDIT, "no view 99"), (0, {**EDIT, "chunk1": 2}, "chunk1 is a number from 0 to 1"),
    (0, {**EDIT, "chunk1": True}, "chunk1 is a number"), (0, {**EDIT, "A": "source:999"}, "choose another"),
    (0, {**EDIT, "A": "../../etc/passwd"}, "choose another"), (0, {**EDIT, "A": 3}, "the name of a picture"),
    (0, {**EDIT, "more": 1}, "no control 'more'"), (0, {"A": "source:0"}, "'B' has no value"),
    (1, {"A": "source:0", "B": "source:1", "factor": "no"}, "factor is one of"),
])
def test_wrong_values_are_told(client: TestClient, view: int, values: dict[str, Any], told: str) -> None:
    answer = ask(client, view, values)
    assert answer.status_code == 400
    assert told in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"values": 1}', b"[" * 50000,
                                  b'{"values": {}, "tab": "t", "request": 1.5}'])
def test_what_is_no_request_is_told(client: TestClient, body: bytes) -> None:
    assert client.post("/api/views/0", content=body).status_code == 400


def test_an_older_request_is_dropped(client: TestClient) -> None:
    assert ask(client, 0, EDIT, request=5, tab="one").status_code == 200
    assert ask(client, 0, EDIT, request=4, tab="one").status_code == 204
    assert ask(client, 0, EDIT, request=4, tab="two").status_code == 200                   # another browser tab
    assert ask(client, 1, {"A": "source:0", "B": "source:1", "factor": "pose"}, request=4, tab="one").status_code == 200


def test_while_a_model_is_loaded_the_page_tells_what_happens(viewing: Viewing) -> None:
    tell, there, failed = threading.Event(), threading.Event(), threading.Event()
    loading = Loading()

    def make(say: Any) -> Viewing:
        say("reading <b>test</b> images")
        tell.set()
        assert there.wait(10)
        return viewing

    with TestClient(application(loading, frozenset({HOST}), TOKEN), base_url=f"http://{HOST}",
                    headers={"X-Unbraid-Token": TOKEN}) as client:
        loading.begin(make, failed.set)
        assert tell.wait(10)
        answer = client.get("/api/model")
        assert (answer.status_code, answer.json()) == (202, {"loading": "reading <b>test</b> images"})
        assert client.post("/api/views/0", json={}).status_code == 202
        assert client.get("/").status_code == 200
        there.set()
        while loading.viewing is None:
            time.sleep(0.01)
        assert client.get("/api/model").json()["step"] == 2
    broken = Loading()
    broken.begin(lambda say: 1 / 0, failed.set)
    assert failed.wait(10)
    assert isinstance(broken.error, ZeroDivisionError)


def test_what_a_model_lacks_ends_the_command(unbraid: Any, tmp_path: Path) -> None:
    said = unbraid("view", "nowhere", "--no-browser")
    assert (said.code, said.out) == (2, "")
    assert "no run at nowhere" in said.err
    (tmp_path / "empty").mkdir()
    said = unbraid("view", "empty", "--no-browser")
    assert said.code == 2
    assert "it has no run.json" in said.err
