"""Functions as programs: what a foreign runtime gives is what the model gives, in batches of any size."""

from __future__ import annotations

import errno
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch

from unbraid import Gaussian, Set, load
from unbraid.model import Model
from unbraid.values import plain, tensors
from unbraid_plugins.tools.export import Exported, ExportError, export_function, functions as functions
from unbraid_plugins.tools.export.agreement import difference
from unbraid_plugins.tools.export.noise_inputs import Listening
from unbraid_plugins.tools.export.program_files import write_torch

Runs = Callable[..., dict[str, Any]]
Written = dict[str, Exported]
SUFFIXES = (".onnx", ".pt2")


def opened(path: Path) -> Runs:
    """A written file as its users run it: inputs by position, outputs by name."""
    if path.suffix == ".pt2":
        return torch.export.load(path).module()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs, outputs = ([p.name for p in ports] for ports in (session.get_inputs(), session.get_outputs()))
    return lambda *given: dict(zip(outputs, map(torch.as_tensor, session.run(None, {
        name: t.numpy() for name, t in zip(inputs, given, strict=True)})), strict=True))


def facts(path: Path) -> dict[str, Any]:
    """What is stored beside the program."""
    if path.suffix == ".onnx":
        return json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["unbraid"])
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(next(n for n in archive.namelist() if n.endswith("extra/unbraid.json"))))


@pytest.fixture(scope="module")
def written(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """Programs of the tiny mixing, by the names of their files."""
    model, folder = load(run), tmp_path_factory.mktemp("written")
    names = ("encode.onnx", "encode.pt2", "decode.pt2", "reconstruct.pt2", "swap.pt2", "blend.onnx", "blend.pt2")
    return {name: export_function(model, name.partition(".")[0], folder / name,
                                  factors=["chunk2"] if "swap" in name else ()) for name in names}


@pytest.mark.parametrize(("name", "result"), [
    ("encode.onnx", "encode"), ("encode.pt2", "encode"), ("decode.pt2", "decode"), ("reconstruct.pt2", "image"),
    ("swap.pt2", "image")])
def test_a_program_gives_what_the_model_gives(model: Model, written: Written, name: str, result: str) -> None:
    done, function = written[name], name.partition(".")[0]
    assert done.agreement.largest <= done.agreement.allowed <= 1e-3
    assert done.agreement.of == "17 images of the run's data"
    runs, factors = opened(done.path), ["chunk2"] if function == "swap" else []
    for size in (1, 7):
        given = [torch.rand(size, 8)] if function == "decode" else [torch.rand(size, 3, 16, 16) for _ in done.inputs]
        wanted = plain(getattr(model, function)(*given, *factors))
        torch.testing.assert_close(runs(*given)[result], wanted.clone(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_tells_what_it_is(written: Written, suffix: str) -> None:
    told = facts(written[f"encode{suffix}"].path)
    assert (told["title"], told["step"], told["function"]) == ("A tiny mixing, Szabó", 2, "encode(x): encoder(x)")
    assert told["code"][1] == {"name": "chunk2", "group": "chunk", "start": 4, "size": 4}
    assert told["image"] == {"channels": 3, "height": 16, "width": 16, "range": [0, 1]}
    assert told["unbraid"]
    assert [(p["name"], p["kind"], p["shape"]) for p in told["inputs"]] == [("x", "image", ["batch", 3, 16, 16])]
    assert [(p["name"], p["shape"]) for p in told["outputs"]] == [("encode", ["batch", 8])]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_has_no_paths_of_this_machine(written: Written, suffix: str) -> None:
    path = written[f"encode{suffix}"].path
    content = path.read_bytes() if suffix == ".onnx" else b"".join(
        zipfile.ZipFile(path).read(n) for n in zipfile.ZipFile(path).namelist())
    assert str(Path(torch.__file__).parent).encode() not in content
    assert str(Path(functions.__file__).parents[2]).encode() not in content
    assert str(path.parent).encode() not in content


def test_a_pt2_file_holds_no_pickle(written: Written) -> None:
    with zipfile.ZipFile(written["encode.pt2"].path) as archive:
        assert not archive.read(next(n for n in archive.namelist() if "sample_inputs" in n))
        assert b'"use_pickle": true' not in b"".join(archive.read(n) for n in archive.namelist() if n.endswith(".json"))


def test_the_batch_of_onnx_has_its_name(written: Written) -> None:
    session = onnxruntime.InferenceSession(written["blend.onnx"].path)
    assert [(i.name, i.shape) for i in session.get_inputs()] == [
        ("x1", ["batch", 3, 16, 16]), ("x2", ["batch", 3, 16, 16]), ("noise", ["batch", 2])]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("x3", ["batch", 3, 16, 16])]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_noise_is_an_input(model: Model, written: Written, suffix: str) -> None:
    done = written[f"blend{suffix}"]
    assert [(p.name, p.kind, p.shape) for p in done.inputs] == [
        ("x1", "image", ("batch", 3, 16, 16)), ("x2", "image", ("batch", 3, 16, 16)),
        ("noise", "noise", ("batch", 2))]
    assert done.inputs[2].about["distribution"] == "uniform"
    assert [o.name for o in done.outputs] == ["x3"]
    a, b = torch.rand(2, 5, 3, 16, 16)
    listening = Listening(3, torch.device("cpu"), batch=5)
    model.evaluated("blend", {"x1": a, "x2": b}, listening)
    found = opened(done.path)(a, b, listening.asked[0].numbers)["x3"]
    torch.testing.assert_close(found, model.blend(a, b, seed=3).clone(), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, model.blend(a, b, seed=4), atol=1e-5)


def test_noise_of_a_seed_is_kept(model: Model, tmp_path: Path) -> None:
    done = export_function(model, "blend", tmp_path / "blend.pt2", seed=7, batch=2)
    assert [p.shape for p in done.inputs] == [(2, 3, 16, 16)] * 2
    a, b = torch.rand(2, 2, 3, 16, 16)
    torch.testing.assert_close(opened(done.path)(a, b)["x3"], model.blend(a, b, seed=7).clone(), atol=1e-5, rtol=1e-5)
    with pytest.raises(ExportError, match="draws no noise"):
        export_function(model, "encode", tmp_path / "e.pt2", seed=1)


def test_images_from_noise_alone(sets: Model, tmp_path: Path) -> None:
    done = export_function(sets, "generate", tmp_path / "generate.pt2")
    assert [(p.name, p.shape, p.about["distribution"]) for p in done.inputs] == [("noise", ("batch", 3), "normal")]
    noise = torch.randn(4, 3)
    wanted = torch.sigmoid(sets.modules["generator"](noise))
    torch.testing.assert_close(opened(done.path)(noise)["new"], wanted, atol=1e-5, rtol=1e-5)


def test_sets_and_distributions_are_plain_tensors(sets: Model, tmp_path: Path) -> None:
    done = export_function(sets, "encode", tmp_path / "encode.pt2")
    assert [(p.name, p.shape) for p in done.inputs] == [("x", ("batch", 3, 3, 16, 16))]
    people = torch.rand(2, 3, 3, 16, 16)
    found, wanted = opened(done.path)(people), sets.encode(Set.fold(people))
    assert isinstance(wanted.folded, Gaussian)
    assert list(found) == ["q_mean", "q_logvar"]
    for t, folded in zip(found.values(), tensors(wanted.folded), strict=True):
        torch.testing.assert_close(t, folded.unflatten(0, (2, 3)).clone(), atol=1e-5, rtol=1e-5)


def test_several_results_have_names(model: Model, tmp_path: Path) -> None:
    done = export_function(model, "pair", tmp_path / "pair.pt2")
    assert [(o.name, o.shape) for o in done.outputs] == [("pair_1", ("batch", 8)), ("pair_2", ("batch", 3, 16, 16))]


def test_a_program_that_differs_is_not_left(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*arguments: Any) -> Runs:
        runs = write_torch(*arguments)
        return lambda inputs: {n: t + (0.01 if len(t) > 1 else 0) for n, t in runs(inputs).items()}

    monkeypatch.setattr(functions, "write_torch", wrong)
    path = tmp_path / "encode.pt2"
    with pytest.raises(ExportError, match=r"encode differs from the model: encode by up to 0\.01, .*batch of 16"):
        export_function(model, "encode", path)
    assert not list(tmp_path.iterdir())
    path.write_text("mine")
    with pytest.raises(ExportError, match="is there already"):
        export_function(model, "encode", path)
    with pytest.raises(ExportError, match="differs"):
        export_function(model, "encode", path, force=True)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]
    assert export_function(model, "encode", path, force=True, tolerance=0.1).agreement.largest > 0.009
    assert path.stat().st_size > 1000


def test_what_counts_as_a_difference() -> None:
    one = torch.tensor([1.0, -4.0])
    assert difference(one, one + torch.tensor([0.0, 0.5])) == (0.5, 4.0)
    assert difference(one, one[:1])[0] == float("inf")
    assert difference(one, one.double())[0] == float("inf")
    undefined = torch.tensor([float("nan"), float("inf")])
    assert difference(undefined, undefined.clone())[0] == 0
    assert difference(undefined, torch.tensor([0.0, float("inf")]))[0] == float("inf")


def test_a_network_that_fixes_the_batch_is_told(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = model.modules["encoder"].forward
    monkeypatch.setattr(model.modules["encoder"], "forward", lambda x: inner(x) / len(x))
    with pytest.raises(ExportError, match="something in it fixes the size of the batch") as told:
        export_function(model, "encode", tmp_path / "encode.pt2")
    assert "--batch 1" in told.value.hint
    done = export_function(model, "encode", tmp_path / "encode.pt2", batch=4)
    assert done.inputs[0].shape == (4, 3, 16, 16)


def test_an_operator_without_a_translation_is_told(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                   ) -> None:
    inner = model.modules["encoder"].forward
    monkeypatch.setattr(model.modules["encoder"], "forward", lambda x: torch.special.bessel_j1(inner(x)))
    with pytest.raises(ExportError, match=r"encode can't be translated to ONNX: .*bessel") as told:
        export_function(model, "encode", tmp_path / "encode.onnx")
    assert ".pt2" in told.value.hint
    assert not list(tmp_path.iterdir())
    assert export_function(model, "encode", tmp_path / "encode.pt2").agreement.largest == 0


def test_without_the_data_images_are_random(run: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                            ) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise ExportError("no such folder")

    monkeypatch.setattr("unbraid_plugins.tools.export.example_inputs.open_data", gone)
    done = export_function(model, "decode", tmp_path / "decode.pt2")
    assert done.agreement.of == "17 random images (the run's data can't be opened: no such folder)"


@pytest.mark.parametrize("failure", ["write", "flush"])
def test_a_full_disk_leaves_nothing(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
                                    ) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync" if failure == "flush" else "pathlib.Path.write_bytes", full)
    with pytest.raises(ExportError, match=r"can't write .*encode\.pt2: No space left on device"):
        export_function(model, "encode", tmp_path / "encode.pt2")
    assert not list(tmp_path.iterdir())


def test_weights_are_those_of_the_functions_networks_alone(model: Model, written: Written) -> None:
    weights = torch.export.load(written["decode.pt2"].path).state_dict
    own = {f"networks.generator.{name}": t for name, t in model.modules["generator"].state_dict().items()}
    assert weights.keys() == own.keys()
    assert all(torch.equal(weights[name], own[name]) for name in own)
