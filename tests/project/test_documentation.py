"""The examples of the documentation run: commands are commands, recipes are recipes, Python is executed in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np
import pytest
from house import ROOT
from page_numbers import LINK, sections, slug
from people import people
from PIL import Image
from tiny_face_model import write_face_model

from unbraid import load_recipe, train
from unbraid.cli.program import program
from unbraid.data import open_data
from unbraid.model import build_method
from unbraid_registry import load_registry

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md")),
         *sorted((ROOT / "docs/fidelity").glob("*.md")), *sorted((ROOT / "docs/methods").glob("*.md"))]
MAKE = re.compile(r"\bmake ([a-z]+(?:-[a-z]+)*)\b")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TINY = ["train.steps=1", "data.batch=2", "data.workers=0", "train.tensorboard=false"]
NARROW = [f"networks.{name}.width=4" for name in ("encoder", "generator", "critic")]
RUNS = {                                           # those that the pages of the methods speak of
    "challenges": ("challenges-sprites", ["data.source.count=40", *NARROW]),
    "drnet": ("drnet-sprites", ["data.source={type: moving_sprites, size: 16, contents: 4, paths: 4, frames: 20}",
                                *(f"networks.{name}.width=4" for name in ("content", "pose", "generator"))]),
    "faces": ("intrinsic-faces-folder", ["data.source.path=photos", "data.source.size=16"]),
    "drgan": ("drgan", ["data.source.path=people.npz", "data.source.size=16", "code.identity=8", "code.yaw=3 classes",
                        *(f"networks.{n}={{width: 2, layers: 1}}" for n in ("encoder", "generator", "critic"))]),
    "infogan": ("infogan-sprites", ["data.source.count=40", "networks.generator.width=4", "networks.trunk.width=4"]),
    "ma": ("ma", ["data.source.path=persons.npz", *NARROW[1:], "networks.part_encoder.crop=8",
                  *(f"networks.{n}.width=4" for n in ("stem", "part_encoder", "background_encoder", "pose_encoder",
                                                      "pose_decoder"))]),
    "mathieu": ("mathieu", ["data.source.path=people", "code.z=8", "code.s=8", *NARROW]),
    "peng": ("peng", ["networks.features.width=2", *(f"data.sources.faces.{o}" for o in (
        "path=faces.npz", "identities=4", "expressions={open: {jawOpen: 1}}", "size=16", "backend=torch"))]),
    "shape3d": ("shape3d-small", ["networks.generator.points=9", *NARROW]),
    "unit": ("unit", ["code.content=16", *(f"data.sources.{s}.{o}" for s, who in (("a", "anna"), ("b", "berta"))
                                           for o in (f"path=people/{who}", "size=32")),
                      *(f"networks.{piece}_{s}.width=4" for piece in ("front", "look") for s in "ab")]),
    "vae": ("beta-vae-shapes", []),
    "graph": ("view-graph-boxes", ["data.source.count=40", "data.source.size=32", "networks.graph.directions=4"]),
}
FILE = re.compile(r"\b[\w-]+\.(?:py|yaml)\b")


@attrs.frozen
class Block:
    """A fenced block.  name: the file that the paragraph before it names, if it does."""

    page: Path
    line: int
    language: str
    text: str
    name: str = ""


def blocks(*languages: str, pages: list[Path] = PAGES) -> Iterator[Block]:
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            if found[1] in languages:
                before = text[:found.start()].rstrip().rpartition("\n\n")[2]
                named = FILE.findall(before)
                yield Block(page, text[:found.start()].count("\n") + 1, found[1], found[2], named[-1] if named else "")


def where(block: Block) -> str:
    return f"{block.page.name}:{block.line}"


def commands() -> list[str]:
    """The lines after a prompt, and all lines of bash blocks, without comments."""
    lines = [(b, line) for b in blocks("console", "bash") for line in re.sub(r"\\\n\s*", " ", b.text).splitlines()]
    found = [line.removeprefix("$ ") for b, line in lines if b.language == "bash" or line.startswith("$ ")]
    return list(dict.fromkeys(re.sub(r"\s+#.*", "", line).strip() for line in found))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with what the examples speak of: photos, two images, and a run."""
    folder = tmp_path_factory.mktemp("examples")
    dice = np.random.default_rng(0)
    for name in ("A.png", "B.png", *(f"photos/{i}.png" for i in range(24)),
                 *(f"people/{who}/{i}.png" for who in ("anna", "berta") for i in range(8))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dice.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(folder / name)
    np.savez(folder / "people.npz", images=dice.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8),
             identity=np.arange(60) // 3, yaw=np.arange(60) % 3)
    write_face_model(folder / "faces.npz")
    people(folder)
    recipe = load_recipe("mixing-sprites", ["train.steps=1", "data.source.count=40", "data.batch=4",
                                            "train.tensorboard=false"])
    train(recipe, folder / "runs/sprites")
    train(recipe, folder / "runs/first")
    return folder


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {(p.name, t) for p in PAGES for b in [p.read_text("utf-8")]
             for t in MAKE.findall("\n".join(_code(b)).replace("models make ", ""))}
    assert {t for _, t in named} >= {"demo", "test"}
    assert not {(page, t) for page, t in named if t not in targets}


def _code(text: str) -> list[str]:
    return [m[2] for m in BLOCK.finditer(text)] + re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("line", [c for c in commands() if c.startswith("unbraid ")])
def test_commands_are_understood(line, place, monkeypatch):
    monkeypatch.chdir(place)
    name, *rest = shlex.split(line)[1:]
    context = program.make_context("unbraid", ["--help"], resilient_parsing=True)
    command = program.get_command(context, name)
    assert command is not None, f"there is no command {name}"
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("block", list(blocks("toml")), ids=where)
def test_toml_can_be_read(block):
    import tomllib

    assert tomllib.loads(block.text)


def is_whole(block: Block) -> bool:
    named = re.search(r"^(base|data):", block.text, re.MULTILINE) and "title:" in block.text
    return bool(named) and not is_suite(block)


def is_suite(block: Block) -> bool:
    return bool(re.search(r"^methods:", block.text, re.MULTILINE))


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if not is_whole(b)], ids=where)
def test_pieces_of_recipes_are_yaml(block, tmp_path):
    from unbraid_configs.reading import read_file
    from unbraid_configs.resolving import expand

    file, mistakes = tmp_path / "piece.yaml", []
    file.write_text(block.text, encoding="utf-8")
    expand(read_file(file, mistakes), mistakes)
    assert not mistakes, "\n".join(map(str, mistakes))


def pages_with(language: str) -> list[Path]:
    return sorted({b.page for b in blocks(language)})


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if is_suite(b)], ids=where)
def test_suites_of_benchmarks_are_whole(block, tmp_path):
    from unbraid_plugins.tools.bench import read_suite

    (tmp_path / "suite.yaml").write_text(block.text)
    assert read_suite(tmp_path / "suite.yaml").methods


@pytest.mark.parametrize("page", sorted({*pages_with("python"), *(b.page for b in blocks("yaml") if is_whole(b))}),
                         ids=lambda p: p.name)
def test_examples_of_a_page_run(page, place, monkeypatch):
    """Python blocks in order, in one name space; those that are named files are written first; recipes come to life."""
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("UNBRAID_DATA", "photos")
    plugins = []
    names: dict[str, object] = {"__name__": "example"}
    for name in RUNS.keys() & set(re.findall(r'load\("runs/(\w+)"', page.read_text(encoding="utf-8"))):
        base, narrow = RUNS[name]
        train(load_recipe(base, [*TINY, *narrow]), place / "runs" / name)
    for block in blocks("python", "yaml", pages=[page]):
        if block.name:
            Path(block.name).write_text(block.text, encoding="utf-8")
        if block.language == "yaml" and is_whole(block):
            check(block, plugins)
        elif block.name.startswith("test_"):
            run("-m", "pytest", "-q", "-p", "no:cacheprovider", block.name)
        elif block.language == "python" and block.name:
            plugins.append(block.name)
        elif block.language == "python":
            code = compile("\n" * block.line + block.text, str(page), "exec")
            exec(code, names)


def check(block: Block, plugins: list[str]) -> None:
    file = Path(block.name or "example.yaml")
    file.write_text(block.text, encoding="utf-8")
    installed = load_registry(files=plugins, strict=True)
    recipe = load_recipe(file, ["data.workers=0"], plugins=installed)
    data = open_data(recipe.data)
    try:
        build_method(recipe, data.facts, catalog=installed.catalog)
    finally:
        data.close()


def run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_between_pages_lead_somewhere():
    broken = [f"{page.name}: {link}" for page in PAGES
              for link in re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8"))
              if not (page.parent / link).exists()]
    assert not broken, "\n".join(broken)


def test_links_to_sections_lead_somewhere():
    """Before `make docs` says so, minutes later."""
    broken = [f"{page.name}: {file}#{anchor}" for page in PAGES
              for file, anchor in LINK.findall(page.read_text(encoding="utf-8"))
              if anchor not in anchors((page.parent / file).resolve() if file else page)]
    assert not broken, "\n".join(broken)


def anchors(page: Path) -> set[str]:
    """What a link into a page may name: its titles, as they are written there, and its own labels."""
    titles = {slug(re.sub(r"\{[\w-]+\}", "", title)) for title, _ in sections(page)}
    return titles | set(re.findall(r"^\(([\w-]+)\)=$", page.read_text(encoding="utf-8"), re.MULTILINE))
