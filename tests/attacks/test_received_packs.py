"""Received packs, and models that a received file names: read or refused in words, and nobody is asked for them."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damaged_packs import attack, hashed, joined, packed, parts_of, with_about, with_texts
from small_runs import RECIPE

import unbraid as library
from unbraid.data import open_data
from unbraid_configs import make_recipe
from unbraid_registry.files import read_whole

Command = Callable[..., Any]
SCORE = {"score": 1.0, "baselines": {}, "better": ""}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return packed(tmp_path_factory.mktemp("packs")).read_bytes()


def test_changed_packs_are_read_or_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)        # of this process, which goes on
    told, found = attack(tmp_path, 60, 500_000)
    assert found == []
    assert " were read, " in told


@pytest.mark.parametrize(("fields", "told"), [
    ({"licence": {"weights": 3}}, "licence.weights is a whole number, expected a text"),
    ({"scores": {"mig": 3}}, "scores.mig is a whole number, expected a map"),
    ({"scores": {"mig": {**SCORE, "score": "x"}}}, "scores.mig.score is a text, expected a number"),
    ({"scores": {"mig": {**SCORE, "interval": ["a", 1]}}}, "interval[0] is a text"),
    ({"image": 3}, "image is a whole number, expected a list"), ({"code": [1]}, "code is a list, expected a map"),
    ({"functions": {"encode": [3]}}, "functions.encode[0] is a whole number"), ({"networks": [3]}, "networks[0]"),
    ({"versions": {"torch": {}}}, "versions.torch is a map"), ({"plugins": {"x": 3}}, "plugins.x is a whole number"),
    ({"title": "\x1b]0;x\x07"}, r"'\x1b]0;x\x07' has control characters"), ({"paper": "a\nlicence  MIT"}, "control"),
    ({"scores": {"m\u202eig": SCORE}}, r"m\u202eig"), ({"sha256": "0" * 64}, ""), ({"title": 3}, "title is a whole"),
])
def test_facts_have_a_form(unbraid: Command, whole: bytes, tmp_path: Path, fields: dict[str, Any], told: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(with_about(whole, **fields))
    said = unbraid("show", "a.safetensors") if told else unbraid("sample", "a.safetensors")
    assert (said.code, told in said.err) == (2, True), said.err
    assert "fault of" not in said.err


def test_the_hash_covers_names_shapes_and_bytes(unbraid: Command, whole: bytes, tmp_path: Path) -> None:
    header, tensors = parts_of(whole)
    for name in [n for n in header if n != "__metadata__"][:1]:
        header[f"{name}x"] = header.pop(name)
    (tmp_path / "a.safetensors").write_bytes(joined(header, tensors))
    assert "not those that were packed" in unbraid("export", "a.safetensors", "encode", "--to", "a.pt2").err
    (tmp_path / "a.safetensors").write_bytes(hashed(joined(header, tensors)))
    assert "don't fit" in unbraid("export", "a.safetensors", "encode", "--to", "a.pt2").err


# -- what a file names ------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The machines that somebody asks for; none is reached."""
    from huggingface_hub import constants

    names: list[str] = []

    def refuse(host: Any, *_: Any, **__: Any) -> Any:
        names.append(str(host))
        raise socket.gaierror("nobody is asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return names


def naming(reference: str) -> dict[str, dict[str, Any]]:
    """Recipes that name a model: for a network, and for the data."""
    networks = {**RECIPE["networks"], "encoder": {"from": f"{reference}#encoder"}}
    return {"from": {**RECIPE, "networks": networks},
            "encoded": {**RECIPE, "data": {**RECIPE["data"], "source": {"type": "encoded", "run": reference}}}}


@pytest.mark.parametrize("kind", ["from", "encoded"])
def test_no_machine_is_asked_for_what_a_recipe_names(unbraid: Command, asked: list[str], whole: bytes, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    import json

    monkeypatch.setenv("UNBRAID_SECRET", "s3cr3t")
    for reference in ("hub:evil/model", "hub:evil/${UNBRAID_SECRET}", "hub:evil/model@refs/pr/1"):
        (tmp_path / "a.yaml").write_text(json.dumps(naming(reference)[kind]))
        said = unbraid("check", "a.yaml")
        assert (said.code, "was never fetched here" in said.err) == (2, True), said.err
        assert "unbraid show hub:evil/" in said.err
        assert "s3cr3t" not in said.err
    assert asked == []
    (tmp_path / "a.safetensors").write_bytes(with_texts(whole, recipe=lambda text: text.replace(
        "type: convnets.conv_encoder", 'from: "hub:evil/model#encoder"\n    type: convnets.conv_encoder')))
    library.load(tmp_path / "a.safetensors")
    assert asked == []
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: socket.getaddrinfo("hub", 443))
    assert unbraid("show", "hub:evil/model").code == 2                  # but the user may ask for it
    assert asked == ["hub"]


def test_what_the_user_fetched_is_taken(unbraid: Command, asked: list[str], whole: bytes, tmp_path: Path) -> None:
    import json

    kept = tmp_path / "hub/models--me--tiny"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("c" * 40)
    (kept / "snapshots" / ("c" * 40)).mkdir(parents=True)
    (kept / "snapshots" / ("c" * 40) / "model.safetensors").write_bytes(whole)
    (tmp_path / "a.yaml").write_text(json.dumps(naming("hub:me/tiny")["encoded"]))
    said = unbraid("check", "a.yaml")
    assert said.code == 0, said.err
    assert asked == []


def test_images_of_a_pack_are_encoded_as_those_of_its_run(tmp_path: Path) -> None:
    import torch

    file = packed(tmp_path)
    found = [open_data(make_recipe(naming(str(place))["encoded"]).data) for place in (file, tmp_path / "run")]
    rows = found[0].rows("train")
    for field in ("look", "pose"):
        values = [data.field(field, rows) for data in found]
        assert torch.equal(*values), field
    for data in found:
        data.close()


def test_a_run_that_encodes_its_own_images_is_told(unbraid: Command, whole: bytes, tmp_path: Path) -> None:
    for name, other in (("a", "a"), ("b", "c"), ("c", "b")):
        source = f"type: encoded\n    run: {tmp_path / other}.safetensors"
        (tmp_path / f"{name}.safetensors").write_bytes(with_texts(whole, recipe=lambda text, to=source: text.replace(
            "type: sources.sprites\n    size: 16\n    count: 24\n    only: {}", to)))
    for name in "ab":
        said = unbraid("export", f"{name}.safetensors", "codes", "--to", "codes.npz")
        assert (said.code, "codes of themselves" in said.err) == (2, True), said.err


def test_reading_takes_the_memory_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    tracemalloc.start()
    assert read_whole(tmp_path / "a", 4 << 30) == b"abc"
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
    assert read_whole(Path("/proc/self/status"), 1 << 20).startswith(b"Name:")    # its size is told as 0
    with pytest.raises(OSError, match="larger than 2 bytes"):
        read_whole(tmp_path / "a", 2)
