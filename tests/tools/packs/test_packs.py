"""Packs: one file that stands for a run, tells nothing of its machine, and runs nothing."""

from __future__ import annotations

import getpass
import json
import shutil
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from packed_recipe import packed_recipe
from safetensors.torch import load_file, save_file

from unbraid import load, make_recipe, train
from unbraid.runs import Run
from unbraid_plugins.tools.packs import Pack, PackError, write_pack
from unbraid_plugins.tools.packs.card import card
from unbraid_plugins.tools.packs.pack import MOST_HEADER, header

IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def packed(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pack(run, tmp_path_factory.mktemp("packed") / "first.safetensors", licence="CC-BY-4.0").path


def header_of(file: Path) -> tuple[dict[str, Any], bytes]:
    content = file.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8:8 + size]), content[8 + size:]


def changed(file: Path, to: Path, **texts: str | None) -> Path:
    """A pack with other texts in its header."""
    head, tensors = header_of(file)
    own = {k.replace("unbraid_", "unbraid."): v for k, v in texts.items()}
    head["__metadata__"] = {k: v for k, v in {**head["__metadata__"], **own}.items() if v is not None}
    text = json.dumps(head).encode()
    to.write_bytes(struct.pack("<Q", len(text)) + text + tensors)
    return to


def test_a_pack_gives_what_the_run_gives_without_data_run_and_critic(run: Path, packed: Path) -> None:
    model, there = load(packed), load(run)
    assert torch.equal(model.reconstruct(IMAGES), there.reconstruct(IMAGES))
    assert (model.step, model.layout) == (there.step, there.layout)
    assert sorted(model.modules) == ["encoder", "smooth"]
    assert {n.partition("/")[0] for n in load_file(packed)} == {"encoder", "smooth"}
    assert packed.stat().st_size < sum(f.stat().st_size for f in run.rglob("*.safetensors")) / 2


def test_equal_packs_are_equal_byte_for_byte(run: Path, packed: Path, tmp_path: Path) -> None:
    again = [write_pack(run, tmp_path / f"{n}.safetensors", licence="CC-BY-4.0").path.read_bytes() for n in range(3)]
    assert set(again) == {packed.read_bytes()}     # safetensors writes a header's texts in another order each time


def test_all_networks_are_kept_where_asked(run: Path, tmp_path: Path) -> None:
    done = write_pack(run, tmp_path / "all.safetensors", everything=True)
    assert done.networks == ("critic", "encoder", "generator", "smooth")
    assert not any("networks" in line for line in done.left_out)


def test_half_precision_tells_its_error(run: Path, packed: Path, tmp_path: Path) -> None:
    done = write_pack(run, tmp_path / "half.safetensors", half=True)
    assert done.size < 0.85 * packed.stat().st_size
    assert 0 < done.error < 1e-3
    assert torch.allclose(load(done.path).reconstruct(IMAGES), load(packed).reconstruct(IMAGES), atol=0.02)
    assert next(load(done.path).modules["encoder"].parameters()).dtype == torch.float32


def test_nothing_tells_where_it_was_made(packed: Path, run: Path) -> None:
    content = packed.read_bytes()
    long = [name for name in (socket.gethostname(), getpass.getuser()) if len(name) > 5]    # others occur by chance
    for secret in (str(Path.home()), "secret-place", "/tmp", str(run.parent), "pytest", *long):
        assert secret.encode() not in content, secret
    assert b"${UNBRAID_DATA}" in content


def test_what_is_left_out_is_told(unbraid: Any, run: Path, tmp_path: Path) -> None:
    said = unbraid("pack", run, "--to", "small.safetensors", "--card")
    assert said.code == 0, said.err
    assert "the path data.source.path, now ${UNBRAID_DATA}" in said.out
    assert "networks that no function uses: critic, generator" in said.out
    assert "--licence says" in said.out
    assert (tmp_path / "small.md").is_file()
    assert "is there already" in unbraid("pack", run, "--to", "small.safetensors").err
    assert unbraid("pack", run, "--to", "small.safetensors", "--force").code == 0
    assert "ends with .safetensors" in unbraid("pack", run, "--to", "small.zip").err


def test_it_is_read_where_a_run_is(unbraid: Any, packed: Path, tmp_path: Path) -> None:
    from PIL import Image

    for name in ("A", "B"):
        Image.new("RGB", (16, 16), "red").save(tmp_path / f"{name}.png")
    assert unbraid("edit", packed, "swap", "A.png", "B.png").code == 0
    assert unbraid("traverse", packed, "A.png", "--factor", "chunk1").code == 0
    assert unbraid("export", packed, "encode", "--to", "encode.pt2").code == 0
    said = unbraid("show", packed)
    assert said.code == 0, said.err
    for text in ("Tiny faces", "Somebody 2018", "CC-BY-4.0", "encode(x), decode(f1)",
                 "mig 0.3 0.25 to 0.35 (pixels 0.1)"):
        assert text in said.out


@pytest.mark.parametrize("command", ["evaluate", "probe", "compare"])
def test_what_needs_a_folder_says_so(unbraid: Any, packed: Path, command: str) -> None:
    said = unbraid(command, packed)
    assert said.code == 2
    assert "is a pack, not a run's folder" in said.err
    assert "unbraid show" in said.err


def test_networks_come_from_packs(packed: Path, tmp_path: Path) -> None:
    tree = packed_recipe(tmp_path / "faces.npz")
    np.savez(tmp_path / "faces.npz", images=np.zeros((20, 16, 16, 3), np.uint8))
    tree["networks"] = {**tree["networks"], "encoder": {"from": f"{packed}#encoder", "freeze": True}}
    tree["players"]["autoencoder"]["trains"] = ["generator"]
    tree["train"]["steps"] = 1
    again = load(train(make_recipe(tree), tmp_path / "run").folder)
    own = load_file(packed)
    assert all(torch.equal(t, own[f"encoder/{n}"]) for n, t in again.modules["encoder"].state_dict().items())
    packed_again = write_pack(tmp_path / "run", tmp_path / "again.safetensors")
    assert any("the run that encoder came from" in line for line in packed_again.left_out)
    assert torch.equal(load(packed_again.path).reconstruct(IMAGES), again.reconstruct(IMAGES))


def test_damage_is_told(packed: Path, tmp_path: Path) -> None:
    content = bytearray(packed.read_bytes())
    content[-3] ^= 1
    (tmp_path / "bit.safetensors").write_bytes(content)
    with pytest.raises(PackError, match="not those that were packed"):
        load(tmp_path / "bit.safetensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors", {"format": "pt", "prompt": "a cat"})
    with pytest.raises(PackError, match=r"is no pack.*'unbraid\.pack'; it has format, prompt"):
        load(tmp_path / "foreign.safetensors")
    with pytest.raises(PackError, match="there is no file"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(PackError, match="reads packs up to 1"):
        load(changed(packed, tmp_path / "new.safetensors", unbraid_pack="2"))
    with pytest.raises(PackError, match="has the weights of step 2 alone"):
        load(packed, step=7)


@pytest.mark.parametrize("size", [0, 1, MOST_HEADER + 1, 2 ** 63, 10 ** 6])
def test_lying_lengths_are_refused(packed: Path, tmp_path: Path, size: int) -> None:
    content = packed.read_bytes()
    (tmp_path / "lying.safetensors").write_bytes(struct.pack("<Q", size) + content[8:])
    with pytest.raises(PackError):
        load(tmp_path / "lying.safetensors")


@pytest.mark.parametrize(("name", "text"), [
    ("unbraid_pack", "one"), ("unbraid_data", "[]"), ("unbraid_data", "{"), ("unbraid_about", "[" * 9999),
    ("unbraid_about", '{"title": 3}'), ("unbraid_picture", "***"), ("unbraid_recipe", "a: !!python/object:os.system x"),
    ("unbraid_recipe", "networks: {e: {type: acme.encoder}}"), ("unbraid_recipe", None), ("unbraid_recipe", "x"),
])
def test_wrong_texts_are_one_error(packed: Path, tmp_path: Path, name: str, text: str | None) -> None:
    from unbraid import UnbraidError

    with pytest.raises(UnbraidError):
        load(changed(packed, tmp_path / "wrong.safetensors", **{name: text}))


def test_a_full_disk_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PackError, match="No space left"):
        write_pack(run, tmp_path / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_the_card_is_one(packed: Path) -> None:
    import yaml

    found = Pack.at(packed)
    text = card("first.safetensors", found.about, found.data)
    _, front, rest = text.split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert (metadata["library_name"], metadata["license"], metadata["pipeline_tag"]) == ("unbraid", "cc-by-4.0",
                                                                                        "image-to-image")
    assert metadata["model-index"][0]["results"][0]["metrics"] == [{"type": "mig", "value": 0.3, "name": "mig"}]
    assert "| mig | 0.3 | 0.25 to 0.35 | pixels 0.1 | higher |" in rest
    from huggingface_hub import ModelCard

    assert ModelCard(text).data.eval_results[0].metric_value == 0.3


def test_a_golden_pack_still_loads() -> None:
    file = Path(__file__).with_name("golden-format-1.safetensors")
    model = load(file)
    assert header(file)["unbraid.pack"] == "1"
    x = torch.linspace(0, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    assert model.code(x).tensor.sum().item() == pytest.approx(GOLDEN, abs=1e-5)


GOLDEN = 0.95344520


def test_runs_stay_runs(run: Path, packed: Path, tmp_path: Path) -> None:
    assert type(Run.at(run)) is Run
    assert isinstance(Run.at(packed), Pack)
    shutil.copy(packed, tmp_path / "renamed.bin")
    assert isinstance(Run.at(tmp_path / "renamed.bin"), Pack)
