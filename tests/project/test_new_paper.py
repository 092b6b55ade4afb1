"""`make new-paper` writes a paper that works: its recipe loads, its suites pass, entry point and pages are there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from house import ROOT
from new_paper import write_paper
from test_method_pages import VARIANTS, plain, quoted

from unbraid_registry import UnbraidError


def checkout(folder: Path) -> Path:
    """As much of a checkout as the paper needs."""
    for part in ("plugins/unbraid_plugins", "configs/unbraid_configs/recipes", "docs/methods", "docs/fidelity"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_what_it_writes_works(tmp_path: Path) -> None:
    folder = checkout(tmp_path)
    written = write_paper("fresh", folder)
    assert all(path.is_file() for path in written)
    assert 'fresh = "unbraid_plugins.papers.fresh"' in (folder / "pyproject.toml").read_text()
    assert all("\nfresh\n```" in (folder / "docs" / p / "index.md").read_text() for p in ("methods", "fidelity"))
    code, recipe = folder / "plugins/unbraid_plugins/papers/fresh", folder / "configs/unbraid_configs/recipes/fresh"
    environment = {**os.environ, "PYTHONPATH": str(folder / "plugins"), "OMP_NUM_THREADS": "1"}
    suites = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests/papers/fresh")]
    check = [sys.executable, "-m", "unbraid", "check", "--plugin", str(code / "fresh.py"), "./fresh.yaml"]
    (code / "fresh.py").write_text("from unbraid_plugins.papers.fresh import unbraid_components  # noqa: F401\n")
    for command, where in ((suites, folder), (check, recipe)):
        done = subprocess.run(command, env=environment, cwd=where, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_it_writes_fits_into_the_house(tmp_path: Path) -> None:
    """One line more in the list of entry points; ruff is silent; the page passes the checks of methods' pages."""
    folder = checkout(tmp_path)
    written = [path for path in write_paper("style_split", folder) if path.suffix == ".py"]
    added = 'style_split = "unbraid_plugins.papers.style_split"\n'
    assert (folder / "pyproject.toml").read_text().replace(added, "") == (ROOT / "pyproject.toml").read_text()
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"),
            "--config", f"src = ['{ROOT / 'core'}', '{folder / 'plugins'}']", "--ignore", "D1", *written]
    done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (folder / "docs/methods/style_split.md").read_text()
    recipe = plain((folder / "configs/unbraid_configs/recipes/style_split/style-split.yaml").read_text())
    assert len(quoted(page)) >= 6
    assert [line for line in quoted(page) if plain(line) not in recipe] == []
    assert VARIANTS.findall(page) == ["style-split"]


def test_a_name_that_is_taken_or_none_is_refused(tmp_path: Path) -> None:
    for name in ("mixing", "Fresh", "class"):
        with pytest.raises(UnbraidError):
            write_paper(name, tmp_path)
