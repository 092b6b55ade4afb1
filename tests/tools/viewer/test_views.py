"""Views of plugins and of the recipes' functions: controls from parameters, outputs from what they give."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import torch

from unbraid import Gaussian, Label, Record, Set, hookimpl, load
from unbraid.runs import Run
from unbraid.values import Code, Layout
from unbraid_configs import Factor
from unbraid_plugins.tools.viewer import View, ViewError, controls, outputs
from unbraid_plugins.tools.viewer.code_views import plane
from unbraid_plugins.tools.viewer.command import DEMO, listen
from unbraid_plugins.tools.viewer.function_views import shown
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.session import Viewing
from unbraid_registry import UnbraidError, registry


def plugin(name: str, views: Any) -> Any:
    class Plugin:
        @staticmethod
        @hookimpl
        def unbraid_views(scene: Any) -> Any:
            return views(scene)

    registry().manager.register(Plugin(), name)
    return Plugin


@pytest.fixture
def views_of(viewing: Viewing, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the viewer has of a plugin's views."""
    def made(views: Any) -> Viewing:
        monkeypatch.setattr(registry(), "problems", [])
        plugin("acme", views)
        try:
            return Viewing.of(viewing.scene)
        finally:
            registry().manager.unregister(name="acme")

    return made


def test_a_plugins_view_is_a_tab(views_of: Any) -> None:
    def draw(values: controls.Values) -> outputs.Picture:
        assert (values["way"], values["place"], values["seed"]) == ("up", (0.5, -0.5), 3)
        return outputs.Picture(values["x"] * values["by"])

    own = [controls.Picture("x"), controls.Slider("by", "<i>by</i>"), controls.Choice("way", options=["up", "down"]),
           controls.Point("place"), controls.Seed()]
    seen = views_of(lambda scene: [View("darker <script>", own, draw)])
    assert [(plugin, v.title) for plugin, v in seen.views[-1:]] == [("acme", "darker <script>")]
    assert seen.described()["views"][-1]["controls"][1]["label"] == "<i>by</i>"
    values = {"x": "source:0", "by": 0.5, "way": "up", "place": [0.5, -0.5], "seed": 3}
    assert b'"kind": "picture"' in seen.draw(len(seen.views) - 1, values, "tab", 1)


def test_plugins_that_fail_cost_one_message_each(views_of: Any) -> None:
    def broken(scene: Any) -> Any:
        raise RuntimeError("no such wheel")

    seen = views_of(broken)
    assert len(seen.views) == 5                                            # ours
    (told,) = seen.problems
    assert "acme" in told
    assert "no such wheel" in told
    assert "View" in views_of(lambda scene: ["edit"]).problems[0]
    seen = views_of(lambda scene: [View("half", [], lambda values: 1 / 0)])
    with pytest.raises(UnbraidError, match=r"the view 'half' of the plugin 'acme' failed: ZeroDivisionError"):
        seen.draw(len(seen.views) - 1, {}, "tab", 1)
    seen = views_of(lambda scene: [View("half", [], lambda values: {"": "a text"})])
    with pytest.raises(UnbraidError, match="a view gave str; expected Picture"):
        seen.draw(len(seen.views) - 1, {}, "tab", 2)


def test_views_are_checked_when_they_are_made() -> None:
    with pytest.raises(ViewError, match="two controls named 'a'"):
        View("edit", [controls.Picture("a"), controls.Slider("a")], lambda values: None)
    with pytest.raises(ViewError, match="none of"):
        View("edit", ["a slider"], lambda values: None)


def test_what_functions_give() -> None:
    images = torch.rand(4, 3, 16, 16)
    code = Code(torch.zeros(1, 3), Layout.of({"z": Factor(name="z", size=3)}))
    kinds = {name: type(o).__name__ for name, o in shown(Record({
        "one": images[:1], "many": images, "clip": Set(images, 4), "name": Label(torch.tensor([2]), 5), "code": code,
        "spread": Gaussian(code, torch.zeros(1, 3)), "numbers": torch.zeros(1, 100)})).items()}
    assert kinds == {"one": "Picture", "many": "Strip", "clip": "Film", "name": "Text", "code": "Text",
                     "spread": "Text", "numbers": "Text"}
    assert shown(code)[""].text == "z: 0, 0, 0"
    assert shown(torch.zeros(1, 100))[""].text.endswith("... (100 numbers)")


def test_a_mesh_has_its_texture_at_the_corners() -> None:
    vertices, faces = torch.rand(4, 3), torch.tensor([[0, 1, 2], [0, 2, 3]])
    content = outputs.encoded({"": outputs.Mesh(vertices, faces, None, torch.rand(2, 3, 2), torch.rand(3, 8, 8))}, {})
    assert b'"texture": [' in content
    plain = outputs.encoded({"": outputs.Mesh(vertices, faces)}, {})
    assert len(plain) < len(content)
    with pytest.raises(outputs.OutputError, match=r"faces \(F, 3\)"):
        outputs.encoded({"": outputs.Mesh(vertices, faces.flatten())}, {})


def test_the_map_keeps_the_largest_axes() -> None:
    torch.manual_seed(0)
    codes = torch.randn(200, 6) * torch.tensor([1.0, 9, 0.5, 0.1, 4, 1])
    places = plane(codes)
    assert torch.corrcoef(torch.stack([places[:, 0], codes[:, 1]]))[0, 1].abs() > 0.99
    assert torch.corrcoef(torch.stack([places[:, 1], codes[:, 4]]))[0, 1].abs() > 0.99
    assert torch.equal(plane(codes[:, :2]), codes[:, :2])


def test_a_taken_port_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UnbraidError, match=r"can't listen at the port \d+") as told:
            listen("127.0.0.1", other.getsockname()[1])
    assert "--port" in told.value.hint


def test_the_command_without_the_extra_says_what_to_install(unbraid: Any, run: Path, monkeypatch: pytest.MonkeyPatch
                                                            ) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = unbraid("view", run)
    assert said.code == 2
    assert "pip install 'unbraid[view]'" in said.err


def test_a_blend_is_an_edit(unbraid: Any, run: Path, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("A", "B"):
        Image.new("RGB", (16, 16), "red" if name == "A" else "blue").save(tmp_path / f"{name}.png")
    assert unbraid("edit", run, "blend", "A.png", "B.png", "--by", "chunk=0.25", "--out", "one.png").code == 0
    assert "did you mean" in unbraid("edit", run, "blend", "A.png", "B.png", "--by", "chnk=0.25").err
    assert unbraid("edit", run, "blend", "A.png", "B.png", "--by", "chunk=2").code == 2
    assert unbraid("edit", run, "blend", "A.png", "B.png").code == 2


def test_the_demo_is_there_after_the_installation() -> None:
    assert Run.at(DEMO).folder.stat().st_size < 900_000
    viewing = Viewing.of(Scene.of(load(DEMO), "demo"))
    assert viewing.scene.carries["chunk2"] == "shirt"
    labels = [c["label"] for c in viewing.described()["views"][0]["controls"]]
    assert "chunk7: pose" in labels
    model, gallery = viewing.scene.model, viewing.scene.gallery
    images = torch.cat([gallery.image(name) for name in gallery.names()])
    assert (model.reconstruct(images) - images).square().mean() < 0.01
