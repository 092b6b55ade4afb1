"""What an index page, a citation and a container say of the distribution: one version, pictures that are shown."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from house import ROOT

import unbraid

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "https://git.example/unbraid/unbraid"
RELATIVE = re.compile(r"\]\((?!https://|#)")


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """hatch_build.py."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- one version everywhere -------------------------------------------------------------------------------------------


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[\d.]*)\] - (\S+)$", changes, re.MULTILINE)
    assert newest is not None
    assert {PROJECT["version"], unbraid.__version__, citation["version"], newest[1]} == {PROJECT["version"]}
    assert str(citation["date-released"]) == newest[2]
    assert [a["name"] for a in citation["authors"]] == [a["name"] for a in PROJECT["authors"]]


def test_the_interpreters_that_are_named_are_those_that_are_allowed() -> None:
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in named


# -- the page of an index ---------------------------------------------------------------------------------------------


def test_pictures_and_links_become_absolute(build: ModuleType) -> None:
    page = build.described(README, ADDRESS)
    assert not RELATIVE.search(page)
    shown = re.findall(r"!\[[^\]]*\]\((\S+)\)", page)
    assert len(shown) > 1
    for picture in shown:
        file = ROOT / picture.removeprefix(f"{ADDRESS}/raw/main/")
        assert file.is_file()
        assert file.suffix == ".png"               # index pages show no SVG
    for link in re.findall(rf"\({ADDRESS}/blob/main/([^)#]+)", page):
        assert (ROOT / link).exists(), link


def test_without_an_address_no_picture_is_broken(build: ModuleType) -> None:
    page = build.described(README, "")
    assert "![" not in page
    assert not RELATIVE.search(page)
    assert "Every method is a short recipe" in page
    assert "* Methods, a page each" in page                        # the text of a link stays


@pytest.mark.parametrize(("remote", "address"), [
    ("https://git.example/unbraid/unbraid.git", ADDRESS), ("git@git.example:unbraid/unbraid.git", ADDRESS),
    ("ssh://git@git.example/unbraid/unbraid", ADDRESS), ("https://me:secret@git.example/unbraid/unbraid/", ADDRESS),
    ("/srv/unbraid", ""), ("file:///srv/unbraid", ""), ("../unbraid", "")])
def test_the_address_is_that_of_the_remote(build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                           remote: str, address: str) -> None:
    monkeypatch.delenv("UNBRAID_REPOSITORY", raising=False)
    assert build.repository(tmp_path) == ""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "other", "https://other.example/x"], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    assert build.repository(tmp_path) == address
    (tmp_path / "PKG-INFO").write_text(f"Name: unbraid\nProject-URL: Repository, {ADDRESS}/of-the-sdist\n\n{remote}\n")
    assert build.repository(tmp_path) == f"{ADDRESS}/of-the-sdist"
    monkeypatch.setenv("UNBRAID_REPOSITORY", ADDRESS)
    assert build.repository(tmp_path) == ADDRESS


def test_the_metadata_of_a_distribution(tmp_path: Path) -> None:
    """As the build backend writes them."""
    code = "import hatchling.build, sys; print(hatchling.build.prepare_metadata_for_build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, text=True, capture_output=True,
                          check=False, env={"UNBRAID_REPOSITORY": ADDRESS, "PATH": "/usr/bin:/bin"})
    assert done.returncode == 0, done.stderr
    found = (tmp_path / done.stdout.split()[-1] / "METADATA").read_text(encoding="utf-8")
    assert f"\nVersion: {PROJECT['version']}\n" in found
    assert f"\nProject-URL: Repository, {ADDRESS}\n" in found
    assert f"\nProject-URL: Changelog, {ADDRESS}/blob/main/CHANGELOG.md\n" in found
    assert "\nAuthor: The Unbraid developers\n" in found
    assert f"]({ADDRESS}/raw/main/docs/figures/swaps.png)" in found


# -- the container, by its parts: it is not built here ----------------------------------------------------------------


def test_the_parts_of_the_dockerfile() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    steps = [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]
    assert [s for s, _ in steps] == ["FROM", "RUN", "ARG", "RUN", "COPY", "RUN", "ENV", "WORKDIR", "ENTRYPOINT"]
    base = re.fullmatch(r"python:(3\.\d+)-slim", steps[0][1])
    assert base is not None
    assert f"Programming Language :: Python :: {base[1]}" in PROJECT["classifiers"]
    commands = [text for step, text in steps if step == "RUN"]
    for command in commands:                       # a shell can parse them
        subprocess.run(["sh", "-n", "-c", command], check=True)
    from unbraid_plugins.opengl.raster import gl_context

    hint = re.search(r"apt install ([\w\s-]+)\)", Path(gl_context.__file__).read_text(encoding="utf-8"))
    assert hint is not None
    assert set(hint[1].split()) <= set(shlex.split(commands[0]))   # what an error tells to install is installed
    extras = re.search(r"/src\[([\w,]+)\]", commands[2])
    assert extras is not None
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])
    assert json.loads(steps[-1][1]) == list(PROJECT["scripts"])
    options = {key: text for key, text in re.findall(r"(\w+)=(\S+)", dict(steps)["ENV"])}
    assert options["UNBRAID_CACHE"].startswith(dict(steps)["WORKDIR"])


@pytest.mark.parametrize(("index", "words"), [
    ("", "torch torchvision"), ("https://cpu.example", "--index-url https://cpu.example torch torchvision")])
def test_the_index_of_torch_is_an_option(index: str, words: str, tmp_path: Path) -> None:
    line = next(text for text in (ROOT / "Dockerfile").read_text().splitlines() if "TORCH_INDEX:+" in text)
    pip = tmp_path / "pip"
    pip.write_text('#!/bin/sh\necho "$@"\n')
    pip.chmod(0o755)
    said = subprocess.run(["sh", "-c", line.removeprefix("RUN ")], capture_output=True, text=True, check=True,
                          env={"PATH": f"{tmp_path}:/bin", "TORCH_INDEX": index})
    assert said.stdout == f"install --no-cache-dir {words}\n"
