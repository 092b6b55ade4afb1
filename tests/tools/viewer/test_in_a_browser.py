"""The viewer in a real browser (Debian's chromium): files, sliders, keyboard, meshes, films, plugins, small screens."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import uvicorn
from PIL import Image

from unbraid_plugins.tools.viewer import View, controls, outputs
from unbraid_plugins.tools.viewer.command import listen
from unbraid_plugins.tools.viewer.server import application
from unbraid_plugins.tools.viewer.session import Viewing

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
TOKEN = "browser-token"
MARKUP = "<img src=x onerror=alert(1)>"


def ball(values: Any) -> outputs.Mesh:
    """A square with a texture that is red on its left half and blue on its right."""
    vertices = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * values["size"]
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uv = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])[faces]
    texture = torch.zeros(3, 8, 8)
    texture[0, :, :4], texture[2, :, 4:] = 1, 1
    return outputs.Mesh(vertices, faces, None, uv, texture)


OWN = [View("solid", [controls.Slider("size", low=0.5, high=2, start=1)], ball),
       View("film", [], lambda values: outputs.Film(torch.eye(3)[:, :, None, None].expand(3, 3, 8, 8))),
       View(MARKUP, [controls.Choice(MARKUP, options=[MARKUP])], lambda values: {MARKUP: outputs.Text(MARKUP)}),
       View("broken", [], lambda values: 1 / 0)]


@pytest.fixture(scope="module")
def address(viewing: Viewing) -> Iterator[str]:
    """The address of a served viewer, with some views more."""
    listening = listen("127.0.0.1", None)
    port = listening.getsockname()[1]
    served = Viewing(viewing.scene, [*viewing.views, *(("acme", v) for v in OWN)])
    app = application(served, frozenset({f"127.0.0.1:{port}"}), TOKEN)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}/#{TOKEN}"
    server.should_exit = True
    thread.join(5)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        yield (own := p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--use-angle=swiftshader",
                                                                        "--enable-unsafe-swiftshader"]))
        own.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The opened page; at the end it has asked nobody but its server, and reported no error."""
    own, troubles = browser.new_page(viewport={"width": 1200, "height": 900}), []
    own.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
    own.on("pageerror", lambda e: troubles.append(str(e)))
    own.on("request", lambda r: None if r.url.startswith((address.partition("#")[0], "blob:")) else
           troubles.append(r.url))
    own.troubles = troubles
    own.goto(address)
    own.wait_for_selector("[role=tabpanel]:not([hidden]) .outputs[data-request]")
    yield own
    own.close()
    assert not troubles


def shown(page: Any, figure: str = "picture") -> np.ndarray:
    """The pixels of the result, as they were drawn."""
    canvas = page.locator(f"[role=tabpanel]:not([hidden]) figure.{figure} canvas").first
    numbers = canvas.evaluate("c => [c.width, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    return np.asarray(numbers[1:], np.int64).reshape(-1, numbers[0], 4)[..., :3]


def drawn_after(page: Any, act: Any) -> None:
    """Wait for the drawing that an action causes."""
    outputs = page.locator("[role=tabpanel]:not([hidden]) .outputs")
    before = outputs.get_attribute("data-request")
    act()
    page.wait_for_selector(f"[role=tabpanel]:not([hidden]) .outputs[data-request]:not([data-request='{before}'])"
                           "[aria-busy=false]")


def pixels(image: torch.Tensor) -> np.ndarray:
    return (image[0] * 255).round().permute(1, 2, 0).numpy()


def test_files_and_a_slider_give_what_the_model_gives(page: Any, viewing: Viewing, tmp_path: Path) -> None:
    model, chance = viewing.scene.model, np.random.default_rng(0)
    for name in ("A", "B"):
        Image.fromarray(chance.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
        given = page.locator("[role=tabpanel]:not([hidden]) input[type=file]").nth("AB".index(name))
        drawn_after(page, partial(given.set_input_files, tmp_path / f"{name}.png"))
    a, b = (model.images(tmp_path / f"{name}.png") for name in ("A", "B"))
    assert np.abs(shown(page) - pixels(model.reconstruct(a))).max() <= 1
    slider = page.get_by_label("chunk2: hair", exact=True)
    drawn_after(page, lambda: slider.fill("1"))
    assert np.abs(shown(page) - pixels(model.swap(a, b, "chunk2"))).max() <= 1
    assert page.locator(".line:visible code").inner_text().endswith("blend A.png B.png --by chunk2=1")
    drawn_after(page, lambda: page.get_by_role("button", name="all B").click())
    assert np.abs(shown(page) - pixels(model.reconstruct(b))).max() <= 1
    drawn_after(page, lambda: page.get_by_role("button", name="undo").click())
    assert np.abs(shown(page) - pixels(model.swap(a, b, "chunk2"))).max() <= 1
    drawn_after(page, lambda: page.get_by_role("button", name="swap", exact=True).first.click())
    assert np.abs(shown(page) - pixels(model.swap(b, a, "chunk2"))).max() <= 1


def test_a_dropped_picture_and_a_damaged_one(page: Any) -> None:
    drop = """(box, bytes) => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], 'x.png', {type: 'image/png'}));
        box.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})); }"""
    file = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(file, "PNG")
    box = page.locator("[role=tabpanel]:not([hidden]) fieldset.slot").first
    drawn_after(page, lambda: box.evaluate(drop, list(file.getvalue())))
    assert "picture given:" in box.locator("canvas").first.get_attribute("aria-label")
    box.evaluate(drop, list(file.getvalue()[:50]))
    page.get_by_text("this picture can't be read").wait_for()
    assert any("400" in t for t in page.troubles)                  # the browser's own line about the answer
    page.troubles.clear()


def test_many_fast_moves_end_with_the_last_one(page: Any, viewing: Viewing) -> None:
    slider = page.get_by_label("pose", exact=True)
    slider.evaluate("""s => { for (let i = 1; i <= 60; i++) {
        s.value = i / 60; s.dispatchEvent(new Event('input')); } }""")
    page.wait_for_function("s => document.querySelector('[role=tabpanel]:not([hidden]) .outputs').ariaBusy === 'false'")
    model, gallery = viewing.scene.model, viewing.scene.gallery
    wanted = model.swap(*(gallery.image(f"source:{i}") for i in (0, 1)), "pose")
    page.wait_for_timeout(300)
    assert np.abs(shown(page) - pixels(wanted)).max() <= 1
    requests = int(page.locator("[role=tabpanel]:not([hidden]) .outputs").get_attribute("data-request"))
    assert requests < 60                                           # those in between were never sent


def test_by_keyboard_alone(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "tab"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[role=tabpanel]:not([hidden]) figure.strip")
    page.keyboard.press("ArrowLeft")
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "range":
            break
    drawn_after(page, lambda: page.keyboard.press("End"))
    assert page.locator("output").first.inner_text() == "1.00"
    assert page.evaluate("""[...document.querySelectorAll('input:not([type=file]), select')].every(
        (e) => e.labels?.length || e.getAttribute('aria-label'))""")
    assert page.evaluate("[...document.querySelectorAll('button')].every((b) => b.textContent || b.ariaLabel)")


@pytest.mark.parametrize("width", [390, 1600])
def test_small_and_large_screens(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for tab in page.get_by_role("tab").all()[:4]:
        tab.click()
        page.wait_for_selector("[role=tabpanel]:not([hidden]) .outputs figure")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_mesh_turns_and_has_its_texture(page: Any) -> None:
    page.get_by_role("tab", name="solid").click()
    canvas = page.locator("figure.mesh canvas")
    canvas.wait_for()
    page.wait_for_timeout(500)

    def seen() -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), int)

    before = seen()
    middle = before.shape[0] // 2
    left, right = before[middle, before.shape[1] // 3], before[middle, 2 * before.shape[1] // 3]
    assert left[0] > 100 > left[2]                                 # red and blue, as in the texture
    assert right[2] > 100 > right[0]
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 115, steps=5)
    page.mouse.up()
    page.wait_for_timeout(200)
    turned = seen()
    assert np.abs(turned - before).mean() > 2
    drawn_after(page, lambda: page.get_by_label("size", exact=True).fill("2"))
    page.wait_for_timeout(200)
    assert np.abs(seen() - turned).mean() > 2                      # larger, in place
    with page.expect_download() as got:
        page.get_by_role("button", name="save GLB").click()
    import trimesh

    found = trimesh.load(io.BytesIO(Path(got.value.path()).read_bytes()), file_type="glb", force="mesh")
    assert (len(found.faces), found.bounds.tolist()) == (2, [[-2, -2, 0], [2, 2, 0]])
    assert np.asarray(found.visual.material.baseColorTexture)[0, 0].tolist()[:3] == [255, 0, 0]


def test_films_texts_and_plugins_that_fail(page: Any) -> None:
    page.get_by_role("tab", name="film").click()
    page.wait_for_selector("figure.film canvas")
    page.get_by_label("frame").fill("3")
    assert shown(page, "film")[0, 0].tolist() == [0, 0, 255]
    page.get_by_role("tab", name=MARKUP).click()
    page.wait_for_selector("figure.text")
    assert page.locator("figure.text pre").inner_text() == MARKUP
    assert page.locator("img").count() == 0                        # names and texts are never markup
    page.get_by_role("tab", name="broken").click()
    page.get_by_text("the view 'broken' of the plugin 'acme' failed").wait_for()
    assert page.get_by_text("the view 'broken' of the plugin 'acme' failed").count() == 1
    page.troubles.clear()                                          # the browser's line about the answer 422


def test_without_the_token_nothing_is_told(browser: Any, address: str) -> None:
    own = browser.new_page()
    own.goto(address.partition("#")[0])
    own.get_by_text("the token is missing or wrong").wait_for()
    assert own.get_by_role("tab").count() == 0
    own.close()


def saved(page: Any, button: Any, to: Path) -> Path:
    with page.expect_download() as got:
        button.click()
    got.value.save_as(to)
    return to


def test_the_command_makes_the_picture_that_is_saved(page: Any, unbraid: Any, run: Path, tmp_path: Path) -> None:
    panel = page.locator("[role=tabpanel]:not([hidden])")
    drawn_after(page, lambda: page.get_by_label("chunk2: hair", exact=True).fill("0.75"))
    drawn_after(page, lambda: page.get_by_label("pose", exact=True).fill("1"))
    for name, box in zip("AB", panel.locator("fieldset.slot").all(), strict=True):
        saved(page, box.get_by_role("button", name="save"), tmp_path / f"{name}.png")
    result = Image.open(saved(page, panel.get_by_role("button", name="save PNG"), tmp_path / "result.png"))
    words = shlex.split(panel.locator(".line code").inner_text())
    assert words[:3] == ["unbraid", "edit", "runs/tiny"]
    assert unbraid("edit", run, *words[3:], "--out", "blend.png").code == 0
    made = np.asarray(Image.open(tmp_path / "blend.png").convert("RGB"), int)[2:-2, 2:-2]
    wanted = np.asarray(result.convert("RGB").resize(made.shape[1::-1], Image.Resampling.NEAREST), int)
    assert np.abs(made - wanted).max() <= 1


def test_a_point_of_the_map_becomes_a_picture_everywhere(page: Any) -> None:
    page.get_by_role("tab", name="map").click()
    canvas = page.locator("figure.points canvas").first
    canvas.wait_for()
    page.locator("figure.points input[type=range]").fill("7")      # with the keyboard; a click does the same
    page.wait_for_selector("figure.points canvas.taken:visible")
    taken = page.locator("figure.points canvas.taken").get_attribute("aria-label")
    drawn_after(page, lambda: page.get_by_role("tab", name="edit").click())
    label = page.locator("[role=tabpanel]:not([hidden]) fieldset.slot canvas").first.get_attribute("aria-label")
    assert taken == "picture source:6, now A"
    assert label == "A: picture source:6"
    page.get_by_role("tab", name="map").click()
    box = canvas.bounding_box()
    for x, y in [(x, y) for y in range(30, 400, 12) for x in range(30, 400, 12)]:
        canvas.click(position={"x": x * box["width"] / 430, "y": y * box["height"] / 430})
        if page.locator("figure.points canvas.taken").get_attribute("aria-label") != taken:
            break
    else:
        raise AssertionError("no click took a point")


def test_a_slider_opens_the_strip_of_its_factor(page: Any) -> None:
    page.get_by_role("button", name="strip of chunk2: hair").click()
    page.wait_for_selector("[role=tabpanel]:not([hidden]) figure.strip")
    assert page.locator("[role=tabpanel]:not([hidden]) select").input_value() == "chunk2: hair"
    assert page.locator("[role=tabpanel]:not([hidden]) figure.strip li").count() == 9


def test_on_a_telephone_the_result_stays_in_sight(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("pose", exact=True).scroll_into_view_if_needed()
    result = page.locator("[role=tabpanel]:not([hidden]) figure.picture canvas").bounding_box()
    slider = page.get_by_label("pose", exact=True).bounding_box()
    assert result["y"] >= 0
    assert result["y"] + result["height"] <= slider["y"] <= 844


CONTRASTS = """() => {
    const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number).map((v) => v / 255)
        .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => { for (; e; e = e.parentElement) {
        const c = getComputedStyle(e).backgroundColor;
        if (!c.endsWith(', 0)')) return c; }
        return 'rgb(255, 255, 255)'; };
    return [...document.querySelectorAll('h1, p, button, label, legend, figcaption, output, select, code, .end')]
        .filter((e) => e.offsetParent && e.textContent.trim()).map((e) => {
            const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
            return [(a + 0.05) / (b + 0.05), e.tagName + ' ' + e.textContent.slice(0, 30)]; });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_readable_light_and_dark(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    found = page.evaluate(CONTRASTS)
    assert len(found) > 20
    assert min(found)[0] >= 4.5, min(found)                        # WCAG 2.1, AA
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 380) == (scheme == "light")
