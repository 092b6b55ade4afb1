"""The tutorial's package is built, installed, trained with, upgraded and uninstalled; each message is compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from house import ROOT
from plugin_life import Shelf

from unbraid_registry import registry

PAGE = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
PYTHON, RECIPE = 90, 50                            # lines that the package may have, without blanks
RENAME = (("hidden:", "units:"), ("self.hidden", "self.units"),
          ("@encoder\n", '@encoder(renamed={"hidden": "units"})\n'))


def marked(kind: str, name: str) -> str:
    """The block under `<!-- kind: name -->`."""
    found = re.search(rf"<!-- {kind}: {re.escape(name)} -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the tutorial has no block {kind}: {name}"
    return found[1]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the package, as the tutorial writes it."""
    folder = tmp_path_factory.mktemp("tutorial") / "unbraid-apart"
    for name in ("unbraid_apart/__init__.py", "unbraid_apart/recipes/sprites.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(marked("file", name), encoding="utf-8")
    toml = re.search(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert toml
    (folder / "pyproject.toml").write_text(toml[1], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A folder on the path, for the module's own process."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        shelf = Shelf(folder)
        yield shelf
        shelf.look_again()


def install(package: Path, site: Shelf) -> None:
    """Build and install the package without the network, in place of what was there."""
    uninstall(site)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index",
                    "--disable-pip-version-check", "--target", str(site.folder), str(package)], check=True)
    site.look_again()


def uninstall(site: Shelf) -> None:
    """Remove every file of the package."""
    for found in [*site.folder.glob("unbraid_apart-*.dist-info"), site.folder / "unbraid_apart"]:
        shutil.rmtree(found, ignore_errors=True)
    site.look_again()


def upgrade(package: Path, site: Shelf, version: str, *changes: tuple[str, str]) -> None:
    """Change the package, and install it in this version."""
    for file, pairs in ((package / "unbraid_apart/__init__.py", changes),
                        (package / "pyproject.toml", [(f'version = "{_version(package)}"', f'version = "{version}"')])):
        text = file.read_text(encoding="utf-8")
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    install(package, site)


def _version(package: Path) -> str:
    found = re.search(r'version = "(.*?)"', (package / "pyproject.toml").read_text(encoding="utf-8"))
    assert found
    return found[1]


def test_it_is_short() -> None:
    lines = {name: [line for line in marked("file", name).splitlines() if line.strip()]
             for name in ("unbraid_apart/__init__.py", "unbraid_apart/recipes/sprites.yaml")}
    assert len(lines["unbraid_apart/__init__.py"]) <= PYTHON
    assert len(lines["unbraid_apart/recipes/sprites.yaml"]) <= RECIPE


def test_its_whole_life(package: Path, site: Shelf, tmp_path: Path, unbraid: Callable[..., Any]) -> None:
    run = "runs/apart"
    install(package, site)
    assert [p.version for p in registry().plugins if p.name == "apart"] == ["0.1.0"]
    assert unbraid("doctor", "apart").code == 0
    says(marked("says", "list"), unbraid("list", "apart.bounded").out)
    said = unbraid("train", "apart.sprites", "--out", run, "train.tensorboard=false")
    assert said.code == 0, said.err
    assert json.loads(Path(run, "run.json").read_text())["sessions"][-1]["plugins"]["apart"]["version"] == "0.1.0"
    said = unbraid("evaluate", run, "--metrics", "apart.leak", "--images", 20, "--no-report")
    assert "apart.leak" in said.out

    upgrade(package, site, "0.2.0", ("default=64", "default=96"))
    said = unbraid("traverse", run, picture(tmp_path))
    assert said.code == 0, said.err
    says(marked("says", "default"), said.err)
    said = unbraid("train", "--resume", "--out", run, "train.steps=22")
    assert said.code == 2
    says(marked("says", "resume"), said.err)
    assert unbraid("train", "--resume", "--out", run, "train.steps=22", "--accept-changes").code == 0

    upgrade(package, site, "0.3.0", *RENAME)
    said = unbraid("traverse", run, picture(tmp_path))
    assert said.code == 0
    says(marked("says", "renamed"), said.err)
    assert unbraid("train", "--resume", "--out", run, "train.steps=23", "--accept-changes").code == 0

    upgrade(package, site, "0.4.0", ("[Bounded, shuffle_half, confusion, leak]", "[Bounded, shuffle_half, leak]"))
    assert unbraid("traverse", run, picture(tmp_path)).code == 0
    for command in (["check", "apart.sprites"], ["train", "--resume", "--out", run, "train.steps=24"]):
        said = unbraid(*command)
        assert said.code == 2
        says(marked("says", "removed"), said.err)
    half = "binary_cross_entropy(critic(p1, detach(p2)), 0.5)"
    said = unbraid("train", "--resume", "--out", run, "train.steps=24", "--accept-changes", "--set",
                   f"players.autoencoder.minimizes.confuse={half}")
    assert said.code == 0, said.err

    uninstall(site)
    said = unbraid("traverse", run, picture(tmp_path))
    assert said.code == 2
    says(marked("says", "gone"), said.err)
    Path("mine.yaml").write_text('base: apart.sprites\nrequires: {unbraid-apart: ">=0.1"}\ntitle: Mine\n')
    said = unbraid("check", "mine.yaml")
    assert said.code == 2
    says(marked("says", "base"), said.err)
    assert unbraid("compare", run).code == 0


def says(block: str, text: str) -> None:
    """Check that a text has every line of a block, in this order, apart from spaces."""
    told, at = " ".join(text.split()), 0
    for line in filter(None, (" ".join(line.split()) for line in block.splitlines())):
        assert line in told[at:], f"{line!r} is not in:\n{text}"
        at = told.index(line, at)


def picture(folder: Path) -> str:
    from PIL import Image

    Image.new("RGB", (16, 16), "teal").save(folder / "A.png")
    return os.fspath(folder / "A.png")
