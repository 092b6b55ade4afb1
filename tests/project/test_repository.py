"""What the repository contains, and what its four packages never do."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from house import HOUSE, PACKAGES, ROOT

PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf", ".bmp", ".tif", ".tiff"}
DATA = {".npz", ".npy", ".pt", ".pth", ".safetensors", ".h5", ".hdf5", ".pkl", ".gz", ".zip"}
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".json", ".txt", ".cff", ".cfg", ".in", ""}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt|private/var)/[\w.-]+|[A-Z]:\\\\?Users\\")
VAGUE_NAMES = {"utils.py", "util.py", "helpers.py", "common.py", "base.py", "misc.py"}
MODULES = list(HOUSE.files.values())


def tracked() -> list[Path]:
    """The files that git knows; all files of an unpacked source distribution."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [p for p in ROOT.rglob("*") if p.is_file() and not any(
        part.startswith(".") or part in ("build", "dist", "runs") for part in p.relative_to(ROOT).parts)]


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_no_paths_of_a_machine():
    found = [f"{named(f)}:{number}: {line.strip()}" for f in tracked()
             if f.suffix in TEXT and f != Path(__file__)
             for number, line in enumerate(f.read_text(encoding="utf-8").splitlines(), 1) if MACHINE_PATH.search(line)]
    assert not found, "\n".join(found)


def test_pictures_are_small():
    big = [f"{named(f)}: {f.stat().st_size >> 10} KB" for f in tracked()
           if f.suffix.lower() in PICTURES and f.stat().st_size > 200 << 10 and ROOT / "docs/figures" not in f.parents]
    assert not big, "\n".join(big)


def test_no_data_sets_and_no_models():
    golden = [f for f in tracked() if named(f).startswith("tests/engine/golden/")]          # tiny runs, of every format
    assert sum(f.stat().st_size for f in golden) < 64_000
    small = {"plugins/unbraid_plugins/tools/viewer/demo.safetensors": 900_000,           # of `unbraid view demo`
             "tests/tools/packs/golden-format-1.safetensors": 64_000}
    assert all(f.stat().st_size < small[named(f)] for f in tracked() if named(f) in small)
    kept = [named(f) for f in tracked() if f.suffix.lower() in DATA and f not in golden and named(f) not in small]
    assert not kept, "\n".join(kept)


def test_files_have_one_subject():
    lengths = {named(f): len(f.read_text(encoding="utf-8").splitlines()) for f in MODULES}
    assert not {name for name, lines in lengths.items() if lines > 400}
    assert not [named(f) for f in MODULES if f.name in VAGUE_NAMES]


@pytest.mark.parametrize("page", sorted(HOUSE.folder("unbraid_plugins").rglob("README.md")),
                         ids=lambda page: page.parent.name)
def test_the_readme_of_a_plugin_names_files_that_are_there(page):
    """A table `| file | subject |` names all of them."""
    text = page.read_text(encoding="utf-8")
    there = {f.name for f in page.parent.rglob("*.py")} - {"__init__.py", "hooks.py"}
    table = re.search(r"^\| file \| subject \|\n(?:\|.*\n)+", text, re.MULTILINE)
    listed = set(re.findall(r"`(\w+\.py)`", table[0])) if table else there
    assert listed == there
    assert {name for name in re.findall(r"`(\w+\.py)`", text)} - {f.name for f in tracked()} == set()


def test_styled_text_is_added_never_formatted():
    """`f"{columns(rows)}"` and `"".join(...)` make plain strings, whose styles are printed as escapes."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in MODULES}
    styled = {node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
              and node.returns and ast.unparse(node.returns) == "Shown"} - {"shown", "shown_line"}
    assert styled >= {"columns", "style", "lines", "plan_of"}
    found = [f"{named(file)}:{node.lineno}" for file, tree in trees.items() for node in ast.walk(tree)
             if _formats(node, styled)]
    assert not found, "\n".join(found)


def _formats(node: ast.AST, styled: set[str]) -> bool:
    match node:
        case ast.FormattedValue(value=ast.Call(func=ast.Name(id=name))):
            return name in styled
        case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join")):
            return any(isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id in styled
                       for n in ast.walk(node))
    return False


def test_nothing_is_unpickled():
    modules = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    found = [str(i) for i in HOUSE.everything() if i.package in modules]
    assert not found, "\n".join(found)


def test_no_call_that_runs_foreign_code():
    found = [f"{named(file)}: {ast.unparse(node)[:100]}" for file in MODULES
             for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if _runs_foreign_code(node)]
    assert not found, "\n".join(found)


def _runs_foreign_code(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="eval" | "exec" | "compile")):
            return True
        case ast.Attribute(value=ast.Name(id="torch"), attr="load" | "save"):
            return True
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="torch"), attr="jit"), attr="load"):
            return True
        case ast.keyword(arg="allow_pickle", value=value) if not (isinstance(value, ast.Constant) and not value.value):
            return True
        case ast.keyword(arg="shell", value=ast.Constant(value=True)):
            return True
    return False


@pytest.mark.parametrize("text", ["torch.load(f)", "eval(t)", "np.load(f, allow_pickle=True)", "torch.jit.load(f)",
                                  "run(c, shell=True)"])
def test_that_such_calls_are_found(text):
    assert any(map(_runs_foreign_code, ast.walk(ast.parse(text))))
    harmless = "module.eval(); np.load(f, allow_pickle=False); model.load(f); re.compile(p)"
    assert not any(map(_runs_foreign_code, ast.walk(ast.parse(harmless))))


def test_the_packages_are_typed_and_documented():
    for package in PACKAGES.values():
        folder = HOUSE.folder(package)
        assert (folder / "py.typed").is_file(), named(folder)
        assert not [named(f) for f in folder.rglob("*.py") if not ast.get_docstring(ast.parse(f.read_text("utf-8")))]


def test_test_files_have_names_of_their_own():
    names = [f.name for f in (ROOT / "tests").rglob("*.py") if f.name not in ("conftest.py", "__init__.py")]
    assert sorted(names) == sorted(set(names)), "pytest imports test files by their bare names"
