"""Trained models by name: listed, fetched from a server on this machine, made by one command, and never guessed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from lying_server import Site, serving

from unbraid import load
from unbraid_configs import bundled_recipes
from unbraid_plugins.tools.datasets import DownloadError
from unbraid_plugins.tools.models import find_model, get, read_models
from unbraid_plugins.tools.models.catalogue import ModelsError
from unbraid_plugins.tools.models.hooks import unbraid_models
from unbraid_plugins.tools.packs import Pack, PackError

GOLDEN = Path(__file__).parents[1] / "packs/golden-format-1.safetensors"
CONTENT = GOLDEN.read_bytes()
HASH = hashlib.sha256(CONTENT).hexdigest()
TINY = """
[tiny]
title = "A tiny <b>autoencoder</b>"
recipe = {recipe!r}
overrides = ["train.steps=4"]
metrics = ["reconstruction_error"]
licence = "CC0-1.0"
data_licence = "drawn by Unbraid"
release = "acme"
scores = {{reconstruction_error = 6.5}}
"""
RECIPE = """
data: {source: {type: sprites, size: 16, count: 40}, draw: {x: {}}, batch: 4}
code: {z: 4}
networks:
  encoder: {type: conv_encoder, width: 4}
  generator: {type: conv_generator, width: 4}
flow: {f: encoder(x), y: generator(f)}
players: {a: {trains: [encoder, generator], minimizes: {rebuild: "mse(y, x)"}}}
functions: {encode(x): f, decode(f): y}
train: {tensorboard: false, checkpoint_every: 2, device: cpu}
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("http_proxy", "")
    return tmp_path / "data/models"


def entries(folder: Path, *lines: str, **changes: str) -> Path:
    """A file of models: the tiny one, with further lines before its end."""
    (folder / "tiny.yaml").write_text(RECIPE)
    text = TINY.format(recipe=str(folder / "tiny.yaml"))
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "models.toml").write_text(text + "\n".join(lines) + "\n")
    return folder / "models.toml"


def published(address: str, content: bytes = CONTENT) -> list[str]:
    digest = hashlib.sha256(content).hexdigest()
    return [f'addresses = ["{address}"]', f"bytes = {len(content)}", f'sha256 = "{digest}"']


@pytest.fixture
def acme(tmp_path: Path) -> Callable[..., list[Any]]:
    """The options that load a plugin with these models."""
    plugin = tmp_path / "acme.py"
    plugin.write_text("from unbraid import hookimpl\n\n\n@hookimpl\ndef unbraid_models():\n"
                      f"    return {str(tmp_path / 'models.toml')!r}\n")

    def words(*own: Any) -> list[Any]:
        return ["models", "--plugin", plugin, *own]

    return words


def test_bundled_models_have_what_the_catalogue_promises() -> None:
    known = read_models(unbraid_models())
    assert len(known) >= 8
    for entry in known:
        assert entry.recipe in bundled_recipes(), entry.name
        assert entry.licence
        assert entry.data_licence
        assert entry.metrics
        if entry.file.sha256:
            assert 0 < entry.file.bytes < 5_000_000, entry.name
            assert entry.scores, entry.name
            assert entry.minutes, entry.name


def test_the_demo_is_the_recorded_pack() -> None:
    entry = find_model("mixing-sprites")
    pack = get(entry)
    assert hashlib.sha256(pack.read_bytes()).hexdigest() == entry.file.sha256
    assert pack.stat().st_size == entry.file.bytes
    own = Pack.at(pack).about["scores"]
    assert entry.scores == {name: pytest.approx(own[name]["score"], abs=0.01) for name in entry.scores}


def test_a_pack_is_fetched_checked_and_found_by_name(unbraid: Any, acme: Any, tmp_path: Path, own_folder: Path) -> None:
    site = Site(CONTENT, cuts=[20_000])
    with serving(site) as address:
        entries(tmp_path, *published(address))
        said = unbraid(*acme("get", "tiny"))
    assert said.code == 0, said.err
    assert "licence: CC0-1.0" in said.err
    assert (own_folder / "tiny.safetensors").read_bytes() == CONTENT
    assert [span for span, _ in site.asked] == ["", "bytes=20000-"]          # it resumed
    assert "unbraid view model:tiny" in said.out
    again = unbraid(*acme("get", "tiny"))          # the server is gone: nothing is asked
    assert again.code == 0
    shown = unbraid("show", "--plugin", tmp_path / "acme.py", "model:tiny")
    assert shown.code == 0, shown.err
    assert "functions" in shown.out
    listed = {m["name"]: m for m in json.loads(unbraid(*acme("list", "--json")).out)}
    assert listed["tiny"]["state"] == "here"
    assert listed["tiny"]["sha256"] == HASH


def test_what_arrives_must_be_the_pack(tmp_path: Path, own_folder: Path) -> None:
    with serving(Site(CONTENT[:-4] + b"evil")) as address:
        (entry,) = read_models(entries(tmp_path, *published(address)))
        with pytest.raises(DownloadError, match="has the sha256"):
            get(entry)
    assert not list(own_folder.glob("tiny.*"))
    with serving(Site(b"something else")) as address:
        (entry,) = read_models(entries(tmp_path, *published(address, b"something else")))
        with pytest.raises(PackError):
            get(entry)


def test_one_process_at_a_time_fetches_a_file(tmp_path: Path, own_folder: Path) -> None:
    own_folder.mkdir(parents=True)
    with serving(Site(CONTENT)) as address, FileLock(own_folder / ".tiny.safetensors.lock"):
        (entry,) = read_models(entries(tmp_path, *published(address)))
        with pytest.raises(DownloadError, match="another process is fetching"):
            get(entry)


def test_without_an_address_get_says_what_to_do(unbraid: Any, acme: Any, tmp_path: Path) -> None:
    entries(tmp_path)
    said = unbraid(*acme("get", "tiny"))
    assert said.code == 2
    assert "is not published, so there is nothing to fetch" in said.err
    assert "make it yourself: unbraid models make tiny" in said.err
    shown = unbraid(*acme("show", "tiny"))
    assert "none: it is not published" in shown.out
    view = unbraid("show", "--plugin", tmp_path / "acme.py", "model:tiny")
    assert (view.code, "unbraid models make tiny" in view.err) == (2, True)
    assert "did you mean 'tiny'" in unbraid(*acme("get", "tinny")).err


def test_a_release_of_its_distribution_is_its_address(unbraid: Any, acme: Any, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    entries(tmp_path)
    (tmp_path / "acme-1.5.dist-info").mkdir()
    told = tmp_path / "acme-1.5.dist-info/METADATA"
    told.write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.5\nProject-URL: Repository, https://git.acme.org/a/\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    address = "https://git.acme.org/a/releases/download/v1.5/tiny.safetensors"
    listed = json.loads(unbraid(*acme("list", "--json")).out)
    assert {m["name"]: m["addresses"] for m in listed}["tiny"] == [address]
    assert address in unbraid(*acme("show", "tiny")).out
    told.write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.5\nProject-URL: Repository, file:///etc\n")
    assert "none: it is not published" in unbraid(*acme("show", "tiny")).out


def test_a_mirror_is_asked_first(unbraid: Any, acme: Any, tmp_path: Path, own_folder: Path,
                                 monkeypatch: pytest.MonkeyPatch) -> None:
    entries(tmp_path, f"bytes = {len(CONTENT)}", f'sha256 = "{HASH}"')
    with serving(Site(CONTENT)) as address:
        monkeypatch.setenv("UNBRAID_MODELS", address + "/")
        said = unbraid(*acme("get", "tiny"))
    assert said.code == 0, said.err
    assert (own_folder / "tiny.safetensors").read_bytes() == CONTENT
    (own_folder / "tiny.safetensors").unlink()
    monkeypatch.setenv("UNBRAID_MODELS", "/srv/models")
    said = unbraid(*acme("get", "tiny"))
    assert (said.code, "UNBRAID_MODELS" in said.err, "https://" in said.err) == (2, True, True)


def test_a_model_is_made_in_pieces_by_one_command(unbraid: Any, acme: Any, tmp_path: Path) -> None:
    entries(tmp_path)
    stopped = unbraid(*acme("make", "tiny", "--minutes", "1e-9"))
    assert stopped.code == 0, stopped.err
    assert "The same command resumes it" in stopped.err
    assert not (tmp_path / "tiny.safetensors").exists()
    said = unbraid(*acme("make", "tiny"))
    assert said.code == 0, said.err
    assert "reconstruction_error" in said.out
    assert "recorded: 6.5" in said.out
    pack = Pack.at(tmp_path / "tiny.safetensors")
    assert pack.about["step"] == 4
    assert pack.about["licence"] == {"weights": "CC0-1.0", "data": "drawn by Unbraid"}
    assert set(pack.about["scores"]) == {"reconstruction_error"}
    assert pack.about["scores"]["reconstruction_error"]["baselines"]
    assert load(pack.folder).step == 4


def test_data_that_is_missing_is_named(unbraid: Any, acme: Any, tmp_path: Path) -> None:
    entries(tmp_path, 'needs = {ACME_FACES = "the faces of acme"}')
    said = unbraid(*acme("make", "tiny"))
    assert said.code == 2
    assert "ACME_FACES: the faces of acme" in said.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("change", "told"), [
    ({'licence = "CC0-1.0"': ""}, "licence"), ({"title =": "titel ="}, "unknown field 'titel'"),
    ({'["train.steps=4"]': "4"}, "list of texts"), ({"= 6.5": '= "good"'}, "names of metrics to numbers"),
    ({"[tiny]": '["../tiny"]'}, "plain name"), ({"[tiny]\n": "tiny = 3\n[other]\n"}, "expected a table"),
    ({'release = "acme"': 'addresses = ["file:///etc/passwd"]'}, "https://"),
    ({'release = "acme"': 'sha256 = "abc"'}, "64 hexadecimal digits")])
def test_wrong_entries_are_told_with_model_and_field(tmp_path: Path, change: dict[str, str], told: str) -> None:
    with pytest.raises(ModelsError, match=told):
        read_models(entries(tmp_path, **change))
