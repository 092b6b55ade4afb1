"""The public face is what stands here: a change of these lists is a change that users see (CHANGELOG)."""

from __future__ import annotations

import ast
import importlib
from importlib import metadata
from pathlib import Path

import pytest

import unbraid
import unbraid.testing
import unbraid_registry
from unbraid_registry import hookspecs as hooks

FACE = [
    "BadPicture", "Code", "Context", "DataError", "Field", "Gaussian", "Images", "Label", "Layout", "Model", "Random",
    "Recipe", "Record", "Set", "UnbraidError", "Value", "critic", "encoder", "generator", "hookimpl", "load",
    "load_recipe", "loss", "make_recipe", "metric", "network", "open_file", "open_picture", "operation", "picture_size",
    "read_picture", "read_whole", "renderer", "source", "static", "train", "value", "write_whole",
]
SUITES = ["ComponentSuite", "CriticSuite", "EncoderSuite", "GeneratorSuite", "LossSuite", "NetworkSuite",
          "OperationSuite", "PluginSuite", "RendererSuite", "SourceSuite", "noise", "numbers", "small_context"]
HOOKS = ["unbraid_checkpoint", "unbraid_commands", "unbraid_components", "unbraid_data", "unbraid_doctor",
         "unbraid_evaluate", "unbraid_log", "unbraid_models", "unbraid_open_run", "unbraid_pictures", "unbraid_recipes",
         "unbraid_run_end", "unbraid_run_start", "unbraid_step_end", "unbraid_suites", "unbraid_views"]
DOORS = {                                          # documented doors of rooms, for authors of tools
    "unbraid.cli": """
        DEVICE OVERRIDES RECIPE RUN SET SIGNALS Session announce ask_before asked_about_changes columns describe
        echo factors_of foreign_commands indented main model_of one_of out_option
        overrides_given read_recipe recipe_on say write""",
    "unbraid.values": """
        ChoiceError Code Gaussian Label Layout Noise Part RANGES Random Record Set Value access choose code
        interpolate join map_tensors mix plain seed_at seeded static stream swap tensors value""",
    "unbraid.data": """
        BadPicture Data DataError DataFacts DrawFacts DrawPlan Field FieldFacts Images LazyImages Memory
        Need PictureError SourceFacts open_data open_picture open_source picture_size read_image
        read_picture unknown_name""",
    "unbraid.flow": """
        ArithmeticOp AttributeOp ComponentOp DetachOp DrawOp Flow FunctionGraph Graph ItemOp NetworkOp Node
        NumberOp ParameterOp PlayerGraph ReferenceOp Term TupleOp below reached
        written""",
    "unbraid.runs": """
        CheckpointError Logbook Mesh Picture Run RunError checkpoint is_free load_weights locked new_folder
        provenance reason remedy write_image write_whole""",
    "unbraid.model": """
        BATCH Environment EvaluationError Method Model ModelError Step build_method code_of computation
        detached evaluate load load_pretrained pinned preserved_buffers shapes_of with_pretrained""",
    "unbraid.engine": """
        Accept Culprits Estimate GATE_CLOSED Interpreter Mark NOT_FINITE Needs OneModel Players Progress
        RankError StepReport Stopped Terminated Training TrainingError Turn TurnGradients TurnResult UPDATE
        UPDATED Updates data_notes device_of distributed duration forwards gradients_reach laid_out on_signals planned
        run_loop terminable train without_bfloat16""",
    "unbraid_configs": """
        Data Draw Expression Factor Function Mistake Network Node Optimizer Place Player Recipe RecipeError
        Spec Train all_recipes bundled_recipes dump_recipe find_recipe is_path load_recipe logged_names make_recipe
        read_by recipe_from_text recipe_schema show_recipe title_of unread whole_name""",
    "unbraid_plugins.opengl": """
        Background Camera DirectionalLight HarmonicLight Margin Materials Mesh MeshRenderer Panorama Rendering draw
        looking opencv_camera orbiting orthographic perspective read_mesh write_film write_mesh""",
    "unbraid_plugins.tools": """
        draw_figure evaluate evaluate_model export_codes export_function probe probe_model profile
        reconstructions swaps train_seeds translations traversals write_comparison write_report""",
}
KINDS = ("encoder", "generator", "critic", "renderer", "network", "loss", "operation", "source", "metric")


def test_the_names_of_unbraid():
    assert unbraid.__all__ == FACE
    assert all(getattr(unbraid, name) is not None for name in FACE)
    assert dir(unbraid) == FACE


@pytest.mark.parametrize("door", DOORS)
def test_the_doors_of_rooms(door):
    names = DOORS[door].split()
    assert importlib.import_module(door).__all__ == names
    assert all(getattr(importlib.import_module(door), name) is not None for name in names)


@pytest.mark.parametrize(("name", "to"), [("export_codes", "unbraid_plugins.tools"), ("probe", "unbraid_plugins.tools"),
                                          ("cached_tensors", "unbraid_plugins.shared.metrics")])
def test_a_name_that_left_says_where_it_is(name, to):
    with pytest.raises(AttributeError, match=f"it moved: from {to} import {name}"):
        getattr(unbraid, name)
    assert hasattr(importlib.import_module(to), name)


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
