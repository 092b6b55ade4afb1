"""Packs of others: nothing but the file is opened, imported or run; changes of it are told; it names nobody."""

from __future__ import annotations

import getpass
import json
import os
import platform
import random
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from packed_recipe import packed_recipe
from safetensors.torch import load_file, save

from unbraid import UnbraidError, load, make_recipe, train
from unbraid_plugins.tools.packs import Pack, PackError, write_pack
from unbraid_plugins.tools.packs.pack import hash_of, header

GOLDEN = Path(__file__).with_name("golden-format-1.safetensors")
WATCH = """
import json, sys, warnings
from pathlib import Path
import torch, unbraid
warnings.simplefilter("ignore")
first, second = sys.argv[1:]
x = torch.linspace(0, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
def use(file):
    try:
        return unbraid.load(file).code(x).tensor.tolist()
    except unbraid.UnbraidError as error:
        return str(error)
use(first)                                         # whatever must be imported is imported now
seen, watching = [], True
def hook(event, arguments):
    if not watching or event in ("object.__getattr__", "object.__setattr__", "object.__delattr__", "sys._getframe",
                                 "builtins.id", "compile", "gc.get_referents", "sys._current_frames"):
        return
    seen.append(f"{event} {arguments[0]!r}" if arguments else event)
sys.addaudithook(hook)
found = use(second)
watching = False
print(json.dumps({"seen": sorted(set(seen)), "found": found}))
"""


def watched(first: Path, second: Path, **environment: str) -> tuple[list[str], object]:
    """What Python's audit hook saw while the second pack was loaded and used, and what it gave."""
    done = subprocess.run([sys.executable, "-c", WATCH, str(first), str(second)], capture_output=True, text=True,
                          env={**os.environ, **environment}, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return told["seen"], told["found"]


def changed(to: Path, about: dict[str, object] | None = None, of: Path = GOLDEN, **texts: str) -> Path:
    """A pack with other texts in its header, and the right hash."""
    tensors, head = load_file(of), dict(header(of))
    head |= {f"unbraid.{name}": text for name, text in texts.items()}
    told = {**json.loads(head["unbraid.about"]), **(about or {}), "sha256": hash_of(save(tensors))}
    to.write_bytes(save(tensors, {**head, "unbraid.about": json.dumps(told)}))
    return to


def test_nothing_but_the_file_is_opened_imported_or_run(run: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.npz"
    trap.write_bytes(b"trap")
    first = write_pack(run, tmp_path / "first.safetensors").path
    recipe = header(first)["unbraid.recipe"]
    assert "path: ${UNBRAID_DATA}" in recipe
    evil = changed(tmp_path / "evil.safetensors", {"plugins": {"acme": {"distribution": "acme", "version": "1"}}},
                   first, recipe=recipe.replace("${UNBRAID_DATA}", str(trap)))
    seen, found = watched(first, evil, UNBRAID_DATA=str(trap))
    assert isinstance(found, list), found
    ruamel = ("glob.glob", "os.scandir", "os.listdir")             # it looks for plug-ins in its own folder each time
    others = [e for e in seen if not (e.startswith(ruamel) and "ruamel/yaml" in e)]
    assert [e for e in others if not e.removeprefix("open ").isdigit()] == [f"open {str(evil)!r}"]
    assert sum(e.removeprefix("open ").isdigit() for e in others) <= 1         # the descriptor of that file


def test_the_machine_of_a_pack_may_be_gone(tmp_path: Path) -> None:
    data = tmp_path / "there" / "faces.npz"
    data.parent.mkdir()
    np.savez(data, images=np.random.default_rng(0).integers(0, 255, (40, 16, 16, 3), dtype=np.uint8))
    run = train(make_recipe(packed_recipe(data)), tmp_path / "there" / "run").folder
    x = torch.linspace(0, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)
    own = load(run).code(x).tensor.tolist()
    (tmp_path / "here").mkdir()
    pack = write_pack(run, tmp_path / "here" / "mine.safetensors").path
    shutil.rmtree(tmp_path / "there")
    (tmp_path / "home").mkdir()
    elsewhere = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home/cache"), "USER": "somebody",
                 "UNBRAID_CACHE": "", "UNBRAID_DATA": ""}
    assert watched(pack, pack, **elsewhere)[1] == own
    code = ("import sys, unbraid\nfrom unbraid_plugins.tools.viewer.scene import Scene\n"
            "print(Scene.of(unbraid.load(sys.argv[1]), 'x').gallery.note)")
    done = subprocess.run([sys.executable, "-c", code, str(pack)], capture_output=True, text=True, check=False,
                          env={**os.environ, **elsewhere}, cwd=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "test images" in done.stdout            # the viewer says that there are none, and shows its other tabs


def test_a_pack_names_no_machine_and_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "hostofsecrets")
    monkeypatch.setattr(platform, "node", lambda: "hostofsecrets")
    monkeypatch.setattr(getpass, "getuser", lambda: "userofsecrets")
    monkeypatch.setattr(sys, "argv", ["unbraid", "train", "--token=lineofsecrets"])
    for name in ("USER", "LOGNAME", "HOSTNAME"):
        monkeypatch.setenv(name, "userofsecrets")
    folder = tmp_path / "pathofsecrets"
    folder.mkdir()
    np.savez(folder / "faces.npz", images=np.zeros((40, 16, 16, 3), np.uint8), labels=np.arange(40) % 2)
    tree = packed_recipe(folder / "faces.npz")
    run = train(make_recipe({**tree, "train": {**tree["train"], "tensorboard": True}}), folder / "run")
    assert "lineofsecrets" in run.record_file.read_text()          # the run has them
    content = write_pack(run.folder, tmp_path / "p.safetensors", everything=True).path.read_bytes()
    assert b"ofsecrets" not in content
    assert str(Path(sys.prefix).parent).encode() not in content
    assert b"/tmp" not in content


@pytest.mark.parametrize("seed", range(4))
def test_mutated_headers_load_or_are_told(tmp_path: Path, seed: int) -> None:
    content, chance, outcomes = GOLDEN.read_bytes(), random.Random(seed), set()
    size = struct.unpack("<Q", content[:8])[0]
    for number in range(75):
        head = bytearray(content[8:8 + size])
        for _ in range(chance.choice([1, 1, 2, 8])):
            at = chance.randrange(len(head))
            match chance.randrange(4):
                case 0:
                    head[at] = chance.randrange(256)
                case 1:
                    head[at:at] = bytes([chance.choice(b'{}[]",:0-9\\')])
                case 2:
                    del head[at:at + chance.randrange(1, 40)]
                case _:
                    head[at:at + 4] = b"null"
        length = chance.choice([len(head), len(head), len(head), size, chance.randrange(2 ** 32), 2 ** 64 - 1])
        file = tmp_path / f"{number}.safetensors"
        file.write_bytes(struct.pack("<Q", length) + head + content[8 + size:])
        try:
            found = Pack.at(file)
            found.weights()
            found.recipe()
            str(found)
            outcomes.add("loaded")
        except UnbraidError:
            outcomes.add("told")
        file.unlink()
    assert "told" in outcomes


@pytest.mark.parametrize(("about", "told"), [
    ({"step": -5}, "no step -5"), ({"step": True}, "step is true or false"), ({"scores": {"mig": 3}}, "scores.mig"),
    ({"scores": {"mig": {"score": "high", "baselines": {}}}}, "scores.mig.score"), ({"functions": 3}, "functions"),
    ({"code": [1]}, "code is a list"), ({"carries": {"a": 3}}, "carries.a"), ({"plugins": {"a": 3}}, "plugins.a"),
    ({"versions": {"unbraid": [1]}}, "versions.unbraid"), ({"licence": {"weights": 3}}, "licence.weights"),
    ({"networks": "all"}, "networks"), ({"image": {}}, "image")])
def test_fields_of_another_form_are_named(tmp_path: Path, about: dict[str, object], told: str) -> None:
    with pytest.raises(PackError, match=told):
        Pack.at(changed(tmp_path / "odd.safetensors", about))


@pytest.mark.parametrize("text", ["0", "-1", "1.0", "", " 1", "1" * 5000, "١"])
def test_formats_that_are_no_numbers_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(PackError, match="its format is"):
        Pack.at(changed(tmp_path / "odd.safetensors", pack=text))


def test_a_network_without_weights_is_told_where_it_is_needed(tmp_path: Path) -> None:
    tensors, head = load_file(GOLDEN), dict(header(GOLDEN))
    kept = {name: t for name, t in tensors.items() if not name.startswith("encoder/")}
    about = {**json.loads(head["unbraid.about"]), "sha256": hash_of(save(kept))}
    file = tmp_path / "less.safetensors"
    file.write_bytes(save(kept, {**head, "unbraid.about": json.dumps(about)}))
    with pytest.raises(UnbraidError, match="encoder"):
        load(file).encode(torch.zeros(1, 3, 16, 16))


def test_a_newer_format_is_told_before_its_fields_are_read(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="reads packs up to 1"):
        Pack.at(changed(tmp_path / "new.safetensors", {"scores": "elsewhere"}, pack="2"))
