"""The public face is what stands here: a change of these lists is a change that users see (CHANGELOG)."""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path

import unbraid
import unbraid.testing
import unbraid_registry
from unbraid_registry import hookspecs as hooks

FACE = [
    "BadPicture", "Code", "Context", "DataError", "Field", "Gaussian", "Images", "Label", "Layout", "Model", "Random",
    "Recipe", "Record", "Set", "UnbraidError", "Value", "critic", "encoder", "generator", "hookimpl", "load",
    "load_recipe", "loss", "make_recipe", "metric", "network", "operation", "picture_size", "read_picture", "renderer",
    "source", "static", "train", "value", "write_whole",
]
SUITES = ["CriticSuite", "EncoderSuite", "GeneratorSuite", "LossSuite", "NetworkSuite", "OperationSuite", "PluginSuite",
          "RendererSuite", "SourceSuite", "noise", "numbers", "small_context"]
HOOKS = ["unbraid_checkpoint", "unbraid_commands", "unbraid_components", "unbraid_doctor", "unbraid_evaluate",
         "unbraid_log", "unbraid_pictures", "unbraid_recipes", "unbraid_run_end", "unbraid_run_start",
         "unbraid_step_end"]
KINDS = ("encoder", "generator", "critic", "renderer", "network", "loss", "operation", "source", "metric")


def test_the_names_of_unbraid():
    assert unbraid.__all__ == FACE
    assert all(getattr(unbraid, name) is not None for name in FACE)
    assert dir(unbraid) == FACE


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(unbraid.__file__).read_text(encoding="utf-8"))
    branch = next(n for n in tree.body if isinstance(n, ast.If)).body
    assert sorted(a.asname or a.name for n in branch if isinstance(n, ast.ImportFrom) for a in n.names) == FACE


def test_the_suites_hooks_and_kinds():
    assert unbraid.testing.__all__ == SUITES
    assert sorted(name for name in vars(hooks) if name.startswith("unbraid_")) == HOOKS
    assert unbraid_registry.KINDS == KINDS
    assert unbraid_registry.API_LEVEL == 1


def test_the_installed_distribution():
    installed = metadata.distribution("unbraid")
    assert installed.version == unbraid.__version__
    commands = {e.name: e.value for e in installed.entry_points if e.group == "console_scripts"}
    assert commands == {"unbraid": "unbraid.cli:main"}
    bundled = {p.name for p in unbraid_registry.registry().plugins if p.bundled and p.status == "loaded"}
    assert bundled == {e.name for e in installed.entry_points if e.group == "unbraid"}
