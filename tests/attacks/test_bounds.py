"""Received files take time in proportion to their length, and little memory, whatever their numbers claim."""

from __future__ import annotations

import json
import struct
import sys
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin
from small_runs import recipe

import unbraid as library
from unbraid.runs import Run

sys.path.insert(0, str(Path(__file__).parent))
from repeated import attack, kinds

Command = Callable[..., Any]
QUICK = ("figure", "recipe", "TOML", "axis", "expression", "rows of", "mtl")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library.train(recipe("train.steps=8"), tmp_path_factory.mktemp("bounds") / "run").folder


def test_repeated_pieces_take_linear_time(tmp_path: Path) -> None:
    """Few of them; `python tests/attacks/repeated.py` takes all."""
    chosen = []
    for kind in kinds(tmp_path):
        if kind.name.startswith(QUICK):
            some = (" ", "<desc>", "<metadata>", "[", "a.", "1", "(")
            pieces = [p for p in kind.pieces if p in some]
            chosen.append(type(kind)(kind.name, kind.read, kind.forms[:4], tuple(pieces)))
    found, count, _ = attack(chosen, 4)
    assert found == []
    assert count > 40


@pytest.mark.parametrize(("arguments", "told"), [
    (["data.source.count=100000000000000000000"], ""), (["code={chunk: 100000000 x 8}"], "at most 1,000,000 numbers"),
    (["code={chunk: 100000 x 1}"], "in 10,000 parts"), (["code={chunk: 99999999999}"], "at most 1,000,000 numbers"),
], ids=["images", "parts", "small parts", "numbers"])
def test_codes_are_bounded(arguments: list[str], told: str) -> None:
    began = time.process_time()
    if told:
        with pytest.raises(library.UnbraidError, match=told):
            recipe(*arguments)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("name", "change", "told"), [
    ("annealed-vae-shapes", "data.source.positions=1000000000", "are more than 67,108,864"),
    ("annealed-vae-shapes", "data.source.orientations=100000", "are more than 67,108,864"),
    ("drnet-pairs", "data.source.paths=1000000000", "must be <= 100000"),
    ("drnet-pairs", "data.source.frames=1000000000", "are more than 67,108,864"),
    ("drnet-pairs", "networks.predictor={hidden: 1, layers: 1000000000}", "must be <= 100"),
    ("factor-vae-shapes", "networks.critic={width: 1, layers: 1000000000}", "must be <= 1000"),
])
def test_numbers_of_a_recipe_are_bounded(unbraid: Command, name: str, change: str, told: str) -> None:
    began = time.process_time()
    said = unbraid("check", name, change)
    assert (said.code, told in said.out + said.err) == (2, True), said.err
    assert time.process_time() - began < 10


def test_networks_of_layers_without_end_are_refused() -> None:
    from torch import nn

    from unbraid.model.memory_limit import WithinMemory

    with WithinMemory(), pytest.raises(ValueError, match="more than 20,000 tensors"):
        nn.Sequential(*(nn.Linear(1, 1) for _ in range(10**9)))


def test_hints_are_told_up_to_a_hundred(unbraid: Command, tmp_path: Path) -> None:
    from small_runs import RECIPE

    draws = {f"y{i}": {} for i in range(150)}
    text = json.dumps({**RECIPE, "data": {**RECIPE["data"], "draw": {"x1, x2": {}, **draws}}})
    (tmp_path / "many.yaml").write_text(text)
    said = unbraid("check", "many.yaml")
    assert said.code == 0, said.err
    assert said.out.count("hint:") <= 101
    assert "... and 50 more" in said.out


# -- runs -------------------------------------------------------------------------------------------------------------


def test_a_long_log_is_thinned_and_resumed_whole(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                 ) -> None:
    from unbraid_plugins.tools.reports import read_run, run_reader

    monkeypatch.setattr(run_reader, "MOST_LOGGED", run_reader.MOST_LOGGED // 8)

    run = Run(tmp_path)
    (tmp_path / "run.json").write_text((finished / "run.json").read_text())
    filler = {f"player/loss{i}": 0.123456789 for i in range(20)}
    with run.metrics_file.open("w") as file:
        file.write("x" * 3_000_000 + "\n")
        file.writelines(json.dumps({"step": i, **filler}) + "\n" for i in range(3_000))
    tracemalloc.start()
    found = read_run(tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 25 << 20
    assert 150 < len(found.lines) < 1_500        # by the size of the file, the long line included
    assert (found.lines[0]["step"] < 20, found.lines[-1]["step"] > 2_900) == (True, True)
    assert any("one of" in gap for gap in found.gaps)


def test_a_log_with_nonsense_is_resumed(finished: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(finished, tmp_path / "run")
    with (tmp_path / "run/metrics.jsonl").open("a") as file:
        file.write('{"step": "x"}\n{"step": ' + "9" * 401 + '}\n[1]\n{"step": null}\n')
    run = library.train(recipe("train.steps=10"), tmp_path / "run", resume=True)
    assert all(isinstance(line["step"], int) and line["step"] <= 10 for line in run.metrics())


EVALUATION = {"format": 1, "step": 8, "arms": {"model": {"mig": {"score": 0.5}}}, "factors": {"x": 2}}
PROBE = {"format": 1, "fitted_on": {"source": "a", "split": "train", "images": 1},
         "judged_on": {"source": "a", "split": "test", "images": 1}, "labels": ["all"], "draws": 1, "factors": {},
         "representations": {}, "accuracy": {}, "notes": []}


@pytest.mark.parametrize(("part", "value", "told"), [
    ("factors", {"x": {"classes": 3}}, "factors.x is a map, expected a whole number"),
    ("arms", {"model": {"mig": {"score": "9" * 3}}}, "arms.model.mig.score is a text, expected a number"),
    ("arms", {f"a{i}": {} for i in range(99)}, "arms has 99 entries, more than 50"),
    ("arms", {"model": {"m" * 999: {}}}, "a name of 999 characters"), ("arms", [], "arms is a list, expected a map"),
    ("notes", "x", "notes is a text, expected a list"), ("notes", [1], r"notes\[0\] is a whole number"),
    ("hooks", {"x": json.loads("[" * 60 + "]" * 60)}, "nested more than 20 levels"),
    ("intervals", {"model": {"mig": [0, 1, 2]}}, "has 3 entries, more than 2"),
    ("metrics", {"mig": {"cost": "much"}}, "metrics.mig.cost is a text"), ("step", "8", "step is a text"),
    ("step", True, "step is true or false"), ("title", None, "title is null"),
])
def test_evaluations_have_a_form(unbraid: Command, finished: Path, part: str, value: Any, told: str) -> None:
    from unbraid_plugins.tools.reports import read_evaluation

    file = finished / "evaluation.json"
    file.write_text(json.dumps(EVALUATION))
    assert read_evaluation(file)
    file.write_text(json.dumps({**EVALUATION, part: value}))
    with pytest.raises(library.UnbraidError, match=told):
        read_evaluation(file)
    said = unbraid("compare", finished)
    assert (said.code, "Error:" in said.err) == (2, True)
    file.unlink()


@pytest.mark.parametrize("name", ["evaluation.json", "probe.json", "run.json", "metrics.jsonl", "evaluated.json"])
@pytest.mark.parametrize("text", [
    '{"step": ' + "9" * 401 + "}", "[" * 100_000, '{"format": 1e999}', "null"],
    ids=["digits", "nested", "infinite", "null"])
def test_numbers_and_nesting_are_no_fault(unbraid: Command, finished: Path, tmp_path: Path, name: str,
                                          text: str) -> None:
    import shutil

    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / name).write_text(text)
    from unbraid_plugins.tools.reports import write_comparison, write_report

    for write in (lambda: write_report(tmp_path / "run"),
                  lambda: write_comparison([tmp_path / "run"] * 2, tmp_path / "c.html"),
                  lambda: unbraid("compare", "run")):
        with suppress(library.UnbraidError):
            assert getattr(write(), "code", 0) in (0, 2)


def test_probes_have_a_form_and_are_few(finished: Path, tmp_path: Path) -> None:
    from unbraid_plugins.tools.reports import read_run

    (tmp_path / "run.json").write_text((finished / "run.json").read_text())
    for i in range(20):
        (tmp_path / f"probe-{i:02}.json").write_text(json.dumps(PROBE))
    found = read_run(tmp_path)
    assert len(found.probes) == 16
    assert any("Of 20 probes" in gap for gap in found.gaps)
    wrong = {"linear": {"code": {"x": {"mean": ["1"]}}}}
    (tmp_path / "probe-00.json").write_text(json.dumps({**PROBE, "accuracy": wrong}))
    assert any("mean[0] is a text" in gap for gap in read_run(tmp_path).gaps)


@pytest.mark.parametrize("about", [
    {"rows": [{"images": 2000} for _ in range(2000)]}, {"rows": [{"images": 30_000}]}, {"rows": [{}] * 20_000}],
    ids=["grid", "row", "rows"])
def test_rows_of_a_picture_are_bounded(tmp_path: Path, about: dict[str, Any]) -> None:
    from unbraid_plugins.tools.display import read_rows

    usual = {"label": "", "detail": "", "group": "", "columns": [], "blank": 0, "images": 1}
    rows = [{**usual, **row} for row in about["rows"]]
    text = PngImagePlugin.PngInfo()
    text.add_text("unbraid-rows", json.dumps({"left": 0, "gap": 0, "height": 1, "width": 1, "scale": 1, "rows": rows}))
    Image.new("RGB", (2000, 2000)).save(tmp_path / "a.png", pnginfo=text)
    began = time.process_time()
    with Image.open(tmp_path / "a.png", formats=["PNG"]) as picture:
        assert read_rows(picture) is None
    assert time.process_time() - began < 2


def test_pictures_of_a_report_are_bounded_together(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                   ) -> None:
    from unbraid_plugins.tools.reports import image_rows, write_report

    monkeypatch.setattr(image_rows, "LARGEST", image_rows.LARGEST // 16)

    (tmp_path / "run.json").write_text((finished / "run.json").read_text())
    (tmp_path / "pictures").mkdir()
    for i in range(6):
        Image.new("1", (2048, 2000)).save(tmp_path / f"pictures/a{i}.png")
    began = time.process_time()
    page = write_report(tmp_path).read_text()
    assert time.process_time() - began < 30
    assert page.count("be read: BadPicture") == 2


def test_frames_of_a_clip_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from unbraid_plugins.tools.calling import clip_files

    frames = [Image.new("L", (60, 60), 9 * i) for i in range(20)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    monkeypatch.setattr(clip_files, "MOST_PIXELS", clip_files.MOST_PIXELS >> 14)
    model: Any = SimpleNamespace(image_shape=(3, 16, 16))
    with pytest.raises(library.UnbraidError, match="20 frames of 60 x 60 pixels are too many together"):
        clip_files.read_clip(model, tmp_path / "a.gif")


# -- data and meshes --------------------------------------------------------------------------------------------------


def glb(tree: dict[str, Any], binary: bytes = b"") -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def triangle(vertices: int, instances: int) -> dict[str, Any]:
    size = 12 * vertices
    return {"asset": {"version": "2.0"}, "buffers": [{"byteLength": size + 12}],
            "bufferViews": [{"buffer": 0, "byteLength": size}, {"buffer": 0, "byteOffset": size, "byteLength": 12}],
            "accessors": [{"bufferView": 0, "componentType": 5126, "count": vertices, "type": "VEC3"},
                          {"bufferView": 1, "componentType": 5125, "count": 3, "type": "SCALAR"}],
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}], "scene": 0,
            "nodes": [{"mesh": 0} for _ in range(instances)], "scenes": [{"nodes": list(range(instances))}]}


def numbers(vertices: int) -> bytes:
    return struct.pack(f"<{3 * vertices}f", *(i % 7 for i in range(3 * vertices))) + struct.pack("<3I", 0, 1, 2)


def test_instances_of_meshes_are_counted_first(tmp_path: Path) -> None:
    from unbraid_plugins.opengl import read_mesh

    file = tmp_path / "a.glb"
    file.write_bytes(glb(triangle(50, 3), numbers(50)))
    assert read_mesh(file).topology.faces.shape[0] == 1         # three in one place are one
    began = time.process_time()
    for tree in (triangle(50_000, 20_000), triangle(3, 20_000)):
        file.write_bytes(glb(tree, numbers(tree["accessors"][0]["count"])))
        with pytest.raises(library.UnbraidError, match="its scene has 20,000 meshes"):
            read_mesh(file)
    doubled = triangle(3, 1)
    doubled["nodes"] = [{"mesh": 0}, *({"children": [i, i]} for i in range(60))]
    doubled["scenes"] = [{"nodes": [60]}]
    file.write_bytes(glb(doubled, numbers(3)))
    with pytest.raises(library.UnbraidError, match="its scene has 1,152,921,504,606,846,976 meshes"):
        read_mesh(file)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("accessor", [{"count": 200_000_000, "type": "VEC3", "componentType": 5126},
                                      {"bufferView": 0, "count": 200_000_000, "type": "VEC3", "componentType": 5126},
                                      {"bufferView": 0, "count": -1, "type": "VEC3", "componentType": 5126},
                                      {"bufferView": 0, "count": 1e9, "type": "MAT4", "componentType": 5126}])
def test_accessors_without_data_are_refused(tmp_path: Path, accessor: dict[str, Any]) -> None:
    from unbraid_plugins.opengl import read_mesh

    tree = triangle(3, 1)
    tree["accessors"][0] = accessor
    (tmp_path / "a.glb").write_bytes(glb(tree, numbers(3)))
    began = time.process_time()
    with pytest.raises(library.UnbraidError, match=r"no data|numbers|count is"):
        read_mesh(tmp_path / "a.glb")
    assert time.process_time() - began < 2


def test_idx_files_hold_what_their_size_can_hold(tmp_path: Path) -> None:
    import gzip

    head = struct.pack(">I", 0x803) + struct.pack(">III", 40_000, 300, 300)
    (tmp_path / "plain").write_bytes(head)
    with gzip.open(tmp_path / "packed.gz", "wb") as file:
        file.write(head + bytes(1 << 20))
    for name in ("plain", "packed.gz"):
        tracemalloc.start()
        with pytest.raises(library.UnbraidError, match="more than can be in it"):
            _opened(tmp_path / name)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 64 << 20


def _opened(path: Path) -> object:
    from unbraid_plugins.shared.sources import Idx

    return Idx(path=str(path)).open()


def test_many_values_of_an_axis_are_checked_in_linear_time() -> None:
    from unbraid_plugins.tools.studies.axes import read_axis

    began = time.process_time()
    assert len(read_axis("seed=" + ",".join(map(str, range(50_000)))).values) == 50_000
    assert time.process_time() - began < 3
