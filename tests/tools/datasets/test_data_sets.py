"""Data sets by name: entries are checked, get lays files, the source opens them, and training fetches nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import attrs
import numpy as np
import pytest
from lying_server import Site, serving

from unbraid import DataError
from unbraid_plugins.tools.datasets import (
    DataSet,
    DownloadError,
    EntryError,
    all_sets,
    catalogue,
    find_set,
    folder_of,
    get,
    read_entries,
    verify,
)
from unbraid_plugins.tools.datasets.getting import RECEIPT, SetError
from unbraid_plugins.tools.datasets.named import Named
from unbraid_registry import registry

ENTRY = """
[tiny]
title = "Tiny"
images = 4
image = "8 x 8 grey"
factors = ["label"]
licence = "CC0-1.0"
citation = "nobody"
homepage = "https://example.org"
checked = 2026-01-31
reader = {type = "sources.npz", file = "tiny.npz"}
files = [{name = "tiny.npz", addresses = ["ADDRESS"], bytes = BYTES, sha256 = "HASH"}]
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    np.savez(tmp_path / "made.npz", images=np.full((4, 8, 8), 200, np.uint8), labels=np.array([0, 1, 1, 0]))
    return (tmp_path / "made.npz").read_bytes()


def written(folder: Path, content: bytes, address: str = "https://example.org/tiny.npz", **changes: str) -> Path:
    text = ENTRY.replace("ADDRESS", address).replace("BYTES", str(len(content)))
    text = text.replace("HASH", hashlib.sha256(content).hexdigest())
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "sets.toml").write_text(text)
    return folder / "sets.toml"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch):
    """Make one entry the only data set."""
    def known(entry: DataSet) -> DataSet:
        monkeypatch.setattr(catalogue, "all_sets", lambda: {entry.name: entry})
        return entry

    return known


# -- entries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", all_sets().values(), ids=lambda e: e.name)
def test_our_entries_are_complete(entry: DataSet) -> None:
    assert entry.citation
    assert entry.homepage.startswith("http")
    assert entry.licence in ("MIT", "Apache-2.0") or entry.licence.startswith("CC-BY") or entry.accept
    reader = registry().catalog.find(entry.reader.type, "source")
    assert {"path", *entry.reader.options} <= {o.name for o in reader.options}
    for file in entry.files:
        hashed = file.sha256 or file.md5
        assert hashed or any("no hash" in note for note in entry.notes), file.name
        assert file.sha256 or not hashed or any("md5" in note for note in entry.notes)


def test_the_sets_that_the_field_uses_are_there() -> None:
    wanted = {"dsprites", "3dshapes", "mpi3d-toy", "mpi3d-realistic", "mpi3d-real", "mpi3d-real-complex", "smallnorb",
              "cars3d", "celeba", "mnist", "fashion-mnist", "kmnist", "emnist", "usps", "svhn", "omniglot", "multi-pie",
              "lpc-sheets", "sprites-li", "shapenet"}
    assert wanted <= set(all_sets())


@pytest.mark.parametrize(("old", "new", "told"), [
    ('licence = "CC0-1.0"', "", "no 'licence'"), ("title", "titel", "unknown field 'titel'"),
    ('checked = 2026-01-31', 'checked = "today"', "checked"), ("images = 4", 'images = "four"', "images is str"),
    ("images = 4", "images = 0", "images"), ('"tiny.npz", addr', '"../tiny.npz", addr', "plain name"),
    ("https://example.org/tiny.npz", "file:///tiny.npz", "must begin with https"),
    ("sha256 = ", "sha256 = 'ab' # ", "64 hexadecimal digits"), ('file = "tiny.npz"', 'file = "other"', "none of its"),
    ('["label"]', '"label"', "a list of texts"), ('"sources.npz"', '"named"', "asks for a reader in turn"),
    ("[tiny]", "[tiny", "can't read")])
def test_what_is_wrong_with_an_entry_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = written(tmp_path, b"x")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new).replace('", bytes', '",\n bytes') if "#" not in new
                    else text.replace(old, "sha256 = 'ab', hint = "))
    with pytest.raises(EntryError, match=re.escape(told)):
        read_entries(path)


def test_an_unknown_name() -> None:
    with pytest.raises(EntryError, match="there is no data set 'dsprite'") as caught:
        find_set("dsprite")
    assert "dsprites" in caught.value.hint


# -- getting ------------------------------------------------------------------------------------------------------


def test_get_verify_and_open(tmp_path: Path, content: bytes, known) -> None:
    site = Site(content)
    with serving(site) as address:
        entry = known(read_entries(written(tmp_path, content, address))[0])
        with pytest.raises(DataError, match="is not here") as caught:
            Named(name="tiny").open()
        assert caught.value.hint == "unbraid data get tiny"
        folder = get(entry)
        assert get(entry) == folder == tmp_path / "data" / "tiny"
    assert len(site.asked) == 1                    # the second call finds it
    assert verify(entry) == []
    images = Named(name="tiny").open()
    assert images.fields["label"].values.tolist() == [0, 1, 1, 0]
    assert Named(name="tiny", size=16).open().shape == (1, 16, 16)
    assert len(Named(name="tiny", options={"only": {"label": 1}}).open()) == 2
    with pytest.raises(DataError, match="has no option 'colour'"):
        Named(name="tiny", options={"colour": 1}).open()
    damaged = bytearray(content)
    damaged[-30] ^= 1
    (folder / "tiny.npz").write_bytes(damaged)
    assert "its sha256 is" in verify(entry)[0]
    (folder / "tiny.npz").write_bytes(content[:-1])
    assert "bytes, expected" in verify(entry)[0]
    with pytest.raises(DataError, match=r"no whole tiny\.npz"):
        Named(name="tiny").open()


def test_to_another_folder_and_from_ones_own(tmp_path: Path, content: bytes, known) -> None:
    with serving(Site(content)) as address:
        entry = known(read_entries(written(tmp_path, content, address))[0])
        get(entry, tmp_path / "disk")
    assert folder_of(entry) == tmp_path / "disk"
    assert len(Named(name="tiny").open()) == 4
    own = tmp_path / "own"
    own.mkdir()
    with pytest.raises(SetError, match=r"tiny\.npz: it is missing"):
        get(entry, own=own)
    (own / "tiny.npz").write_bytes(b"x" * len(content))
    with pytest.raises(SetError, match="its sha256 is"):
        get(entry, own=own)
    (own / "tiny.npz").write_bytes(content)
    assert get(entry, own=own) == own == folder_of(entry)
    assert len(Named(name="tiny", path=str(tmp_path / "disk")).open()) == 4


def test_files_without_a_published_hash_are_compared_with_what_was_fetched(tmp_path: Path, content: bytes, known
                                                                           ) -> None:
    with serving(Site(content)) as address:
        path = written(tmp_path, content, address)
        path.write_text(re.sub(r", bytes.*}\]", "}]", path.read_text()))
        entry = known(read_entries(path)[0])
        lines: list[str] = []
        folder = get(entry, say=lines.append)
    assert "none is published" in lines[-1]
    assert json.loads((folder / RECEIPT).read_text())["tiny.npz"]["sha256"] == hashlib.sha256(content).hexdigest()
    told: list[str] = []
    assert verify(entry, told.append) == []
    assert told == ["tiny.npz: as it was fetched"]
    (folder / "tiny.npz").write_bytes(content + b"x")
    assert "its sha256 is" in verify(entry)[0]


def test_what_is_fetched_by_hand_or_bought_is_explained(tmp_path: Path) -> None:
    sets = all_sets()
    with pytest.raises(SetError, match=r"img_align_celeba\.zip  1,443,490,838 bytes") as caught:
        get(sets["celeba"])
    assert caught.value.hint == "then: unbraid data get celeba --from FOLDER"
    with pytest.raises(SetError, match="needs a purchase"):
        get(sets["multi-pie"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(SetError, match="is empty"):
        get(sets["multi-pie"], own=tmp_path / "empty")


def test_no_address_answers(tmp_path: Path, content: bytes) -> None:
    with serving(Site(b"<!doctype html>", kind="text/html")) as address:
        entry = read_entries(written(tmp_path, content, address))[0]
        with pytest.raises(DownloadError, match="a web page instead of the file"):
            get(entry)
    assert not catalogue.is_here(entry)


def test_a_damaged_list_of_places(tmp_path: Path, content: bytes) -> None:
    entry = read_entries(written(tmp_path, content))[0]
    (tmp_path / "data").mkdir()
    for text in ("[1]", "{", '{"tiny": 1}'):
        (tmp_path / "data/places.json").write_text(text)
        with pytest.raises(EntryError, match=r"places\.json"):
            folder_of(entry)


def test_opening_never_fetches(tmp_path: Path, content: bytes, known, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(content)
    with serving(site) as address:
        known(read_entries(written(tmp_path, content, address))[0])
        with pytest.raises(DataError, match="is not here"):
            Named(name="tiny").open()
    assert site.asked == []


# -- the command, with a plugin that brings a set -------------------------------------------------------------------


def test_the_commands_with_a_set_of_a_plugin(tmp_path: Path, content: bytes) -> None:
    plugin = tmp_path / "more.py"
    plugin.write_text("from unbraid import hookimpl\n\n\n@hookimpl\ndef unbraid_data():\n"
                      f"    return {str(tmp_path / 'sets.toml')!r}\n")

    def unbraid(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "unbraid", "data", "--plugin", str(plugin), *words],
                              capture_output=True, text=True, env={**os.environ, "http_proxy": ""})

    with serving(Site(content)) as address:
        written(tmp_path, content, address, **{'"CC0-1.0"': '"read it"\naccept = true'})
        refused = unbraid("get", "tiny")
        assert refused.returncode == 2
        assert "only by those who accept its licence: read it" in refused.stderr
        done = unbraid("get", "tiny", "--accept-licence")
        assert done.returncode == 0, done.stderr
    assert "tiny is here: 4 images of 1 x 8 x 8, label" in done.stdout
    assert "the whole set has" not in done.stdout
    listed = {entry["name"]: entry for entry in json.loads(unbraid("list", "--json").stdout)}
    assert listed["tiny"]["state"] == "here"
    assert listed["dsprites"]["state"] == "to get"
    assert listed["multi-pie"]["state"] == "to ask for (purchase)"
    shown = unbraid("show", "tiny").stdout
    assert "source: {type: named, name: tiny}" in shown
    assert hashlib.sha256(content).hexdigest() in shown
    assert unbraid("verify", "tiny").stdout == "tiny.npz: as published\n"


def test_an_entry_is_frozen(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read_entries(written(tmp_path, content))[0].name = "x"


def test_of_two_with_one_name_the_bundled_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = all_sets()["dsprites"]
    other = attrs.evolve(bundled, title="another")
    monkeypatch.setattr("unbraid_plugins.tools.datasets.tables.registry", lambda: SimpleNamespace(
        call_by_plugin=lambda hook, check: {"datasets": check([bundled]), "foreign": check([other])}))
    assert all_sets() == {"dsprites": bundled}
