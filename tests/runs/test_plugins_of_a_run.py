"""A run knows which plugins made it: recorded, compared, and needed only where something uses them."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from plugin_life import Shelf

import unbraid
from unbraid import load
from unbraid.cli.commands import INDEX
from unbraid.cli.program import program
from unbraid.engine import train
from unbraid.engine.resume import ChangedError
from unbraid.runs import Run
from unbraid_configs import RecipeError, dump_recipe, load_recipe, make_recipe
from unbraid_registry import MissingPlugin, configure, registry

NETS = '''
import attrs
from torch import nn
from unbraid import encoder, hookimpl

@encoder{mark}
@attrs.frozen(kw_only=True)
class Plain:
    """One hidden layer."""

    {option}: int = {default}

    def build(self, context, image):
        """The layers."""
        inner = nn.Linear(image[0].numel(), self.{option})
        return nn.Sequential(nn.Flatten(), inner, nn.Linear(self.{option}, context.code.size))

@hookimpl
def unbraid_components():
    return [Plain]
'''
LOSSES = '''
from unbraid import hookimpl, loss, operation

@loss
def near(a, b, *, strength: float = {default}):
    """Their distance."""
    return strength * (a - b).abs().mean()

@operation
def halves(f):
    """Half of it, twice."""
    return f / 2, f / 2

@hookimpl
def unbraid_components():
    return [{names}]
'''
RECIPE: dict[str, Any] = {
    "data": {"source": {"type": "sprites", "size": 8, "count": 60}, "batch": 4, "workers": 0},
    "code": {"z": 4},
    "networks": {"encoder": {"type": "nets.plain"}, "generator": {"type": "mlp_generator", "hidden": [8]}},
    "flow": {"f": "encoder(x)", "a, b": "sharp.halves(f)"},
    "players": {"all": {"trains": ["encoder", "generator"], "minimizes": {
        "rebuild": "sharp.near(generator(f), x)", "small": "0.1 * sharp.near(a, b)",
        "own": "mse(generator(a + b), x)"}}},
    "functions": {"encode(x)": "encoder(x)", "decode(f)": "generator(f)", "parts(x)": "a, b"},
    "train": {"steps": 2, "tensorboard": False, "picture_every": 1000, "device": "cpu"}}


def nets(option: str = "hidden", default: int = 8, mark: str = "") -> str:
    return NETS.format(option=option, default=default, mark=mark)


def losses(names: str = "near, halves", default: float = 1.0) -> str:
    return LOSSES.format(names=names, default=default)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("trained")
        (folder / "site").mkdir()
        patch.syspath_prepend(str(folder / "site"))
        shelf = Shelf(folder / "site")
        shelf.install("nets", "0.1.0", nets())
        shelf.install("sharp", "1.0", losses())
        train(make_recipe(RECIPE), folder / "run")
        shelf.uninstall("nets")
        shelf.uninstall("sharp")
    return folder / "run"


@pytest.fixture
def run(trained: Path, shelf: Shelf, tmp_path: Path) -> Run:
    """A run, with the plugins that made it installed as they were."""
    shelf.install("nets", "0.1.0", nets())
    shelf.install("sharp", "1.0", losses())
    return Run(Path(shutil.copytree(trained, tmp_path / "run")))


def edited(model: unbraid.Model) -> torch.Tensor:
    return model.reconstruct(torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)))


def loaded(run: Run, **options: Any) -> tuple[unbraid.Model, list[str]]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = unbraid.load(run.folder, **options)
    return model, [str(w.message) for w in told]


def test_the_record_names_every_plugin(run: Run) -> None:
    plugins = run.record()["sessions"][-1]["plugins"]
    assert plugins["nets"] == {"distribution": "unbraid-nets", "version": "0.1.0"}
    assert plugins["sharp"] == {"distribution": "unbraid-sharp", "version": "1.0"}
    assert plugins["convnets"]["distribution"] == "unbraid"
    assert "opengl" not in plugins                 # nothing of it is used


def test_a_single_file_is_recorded_with_its_hash(tmp_path: Path, shelf: Shelf) -> None:
    shelf.install("nets", "0.1.0", nets())
    file = tmp_path / "sharp.py"
    file.write_text(losses())
    try:
        configure(files=[file])
        run = train(make_recipe(RECIPE), tmp_path / "run")
        recorded = run.record()["sessions"][-1]["plugins"]["sharp"]
        assert recorded == {"file": "sharp.py", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        assert loaded(run)[1] == []
        file.write_text(losses(default=2.0))
        shelf.look_again()
        assert "the plugin 'sharp' was sharp.py (" in loaded(run)[1][0]
    finally:
        configure()


def test_another_version_is_told_and_the_same_is_not(run: Run, shelf: Shelf) -> None:
    assert loaded(run)[1] == []
    shelf.install("nets", "0.2.0", nets())
    told = loaded(run)[1]
    assert len(told) == 1
    assert "the plugin 'nets' was unbraid-nets 0.1.0 when this run was made; now it is unbraid-nets 0.2.0" in told[0]
    assert 'pip install "unbraid-nets==0.1.0"' in told[0]


def test_a_changed_default_leaves_a_run_as_it_was(run: Run, shelf: Shelf) -> None:
    before = edited(loaded(run)[0])
    shelf.install("nets", "0.2.0", nets(default=16))
    assert torch.equal(before, edited(loaded(run)[0]))


def test_inference_needs_no_plugin_of_losses(run: Run, shelf: Shelf) -> None:
    before = edited(loaded(run)[0])
    shelf.uninstall("sharp")
    model, told = loaded(run)
    assert told == []
    assert torch.equal(before, edited(model))
    assert set(model.functions) == {"encode", "decode"}
    with pytest.raises(MissingPlugin, match="no plugin 'sharp' is installed; this run was made with"):
        model.parts(torch.rand(2, 3, 8, 8))


def test_a_missing_plugin_is_told_before_anything_else(run: Run, shelf: Shelf) -> None:
    shelf.uninstall("nets")
    with pytest.raises(MissingPlugin) as caught:
        unbraid.load(run.folder)
    assert caught.value.message == "no plugin 'nets' is installed; this run was made with unbraid-nets 0.1.0"
    assert caught.value.hint == 'pip install "unbraid-nets==0.1.0"'


def test_a_recipe_without_its_plugin_is_told_once(run: Run, shelf: Shelf, tmp_path: Path) -> None:
    shelf.uninstall("sharp")
    file = tmp_path / "mine.yaml"
    file.write_text(dump_recipe(run.recipe()))
    with pytest.raises(RecipeError) as caught:
        load_recipe(file)
    told, = caught.value.mistakes
    assert told.message == "no plugin 'sharp' is installed, which 3 places of this recipe need"


def test_through_base_too(shelf: Shelf, tmp_path: Path) -> None:
    child = {"base": "nets.small", "title": "Mine"}
    with pytest.raises(RecipeError, match="no plugin 'nets' is installed"):
        make_recipe(child)
    with pytest.raises(RecipeError, match='pip install "unbraid-nets>=0'):
        make_recipe({**child, "requires": {"unbraid-nets": ">=0.1"}})


def test_a_renamed_option_still_loads(run: Run, shelf: Shelf) -> None:
    before = edited(loaded(run)[0])
    shelf.install("nets", "0.2.0", nets("units", mark='(renamed={"hidden": "units"})'))
    model, told = loaded(run)
    assert torch.equal(before, edited(model))
    assert any("the option 'hidden' of nets.plain is called 'units' now" in t and "recipe.yaml:" in t for t in told)
    assert model.method.recipe.networks["encoder"].spec.options == {"units": 8}  # type: ignore[union-attr]


def test_of_a_former_and_a_present_name_the_later_counts(shelf: Shelf) -> None:
    shelf.install("nets", "0.2.0", nets("units", mark='(renamed={"hidden": "units"})'))
    shelf.install("sharp", "1.0", losses())
    base = {**RECIPE, "networks": {**RECIPE["networks"], "encoder": {"type": "nets.plain", "hidden": 5}}}
    with pytest.warns(UserWarning, match="is called 'units' now"):
        recipe = make_recipe(base, ["networks.encoder.units=7"])
    assert recipe.networks["encoder"].spec.value.units == 7  # type: ignore[union-attr]


def test_a_renamed_component_still_loads(run: Run, shelf: Shelf) -> None:
    before = edited(loaded(run)[0])
    renamed = nets(mark='(formerly="plain")').replace("class Plain", "class Simple").replace("[Plain]", "[Simple]")
    shelf.install("nets", "0.2.0", renamed)
    model, told = loaded(run)
    assert torch.equal(before, edited(model))
    assert any("'nets.plain' is called 'nets.simple' now" in t for t in told)


def test_renamed_options_of_losses(shelf: Shelf, tmp_path: Path) -> None:
    shelf.install("nets", "0.1.0", nets())
    marked = losses().replace("@loss", '@loss(renamed={"weight": "strength"})')
    shelf.install("sharp", "1.0", marked)
    player = {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "sharp.near(generator(f), x, weight=2)"}}
    with pytest.warns(UserWarning, match="the option 'weight' of sharp.near is called 'strength' now"):
        recipe = make_recipe({**RECIPE, "players": {"all": player}})
    train(recipe, tmp_path / "run")


@pytest.mark.parametrize("mark", ['(renamed={"units": "hidden"})', '(renamed={"old": "no_such"})'])
def test_a_wrong_list_of_names_is_refused(shelf: Shelf, mark: str) -> None:
    shelf.install("nets", "0.2.0", nets("units", mark=mark))
    problem, = [p for p in registry().problems if p.plugin == "nets"]
    assert "Plain says that" in problem.message
    assert problem.stage == "components"


def test_what_no_longer_fits_is_set(run: Run, shelf: Shelf) -> None:
    before = edited(loaded(run)[0])
    shelf.install("nets", "0.2.0", nets("units"))
    with pytest.raises(RecipeError) as caught:
        unbraid.load(run.folder)
    told = str(caught.value)
    assert "unknown option 'hidden' of nets.plain" in told
    assert "was unbraid-nets 0.1.0 when this run was made; now it is unbraid-nets 0.2.0" in told
    assert "--set" in told
    model, _ = loaded(run, overrides=["networks.encoder.hidden=null", "networks.encoder.units=8"])
    assert torch.equal(before, edited(model))


def test_resume_asks_for_another_version(run: Run, shelf: Shelf) -> None:
    shelf.install("sharp", "1.1", losses(default=3.0))
    again = make_recipe(RECIPE, ["train.steps=4"])
    with pytest.raises(ChangedError) as caught:
        train(again, run.folder, resume=True)
    assert "the plugin 'sharp' was unbraid-sharp 1.0" in str(caught.value)
    train(again, run.folder, resume=True, accept_changes=True)
    sessions = run.record()["sessions"]
    assert [s["plugins"]["sharp"]["version"] for s in sessions] == ["1.0", "1.1"]


def test_resume_without_a_plugin(run: Run, shelf: Shelf, unbraid: Any) -> None:
    shelf.uninstall("sharp")
    said = unbraid("train", "--resume", "--out", run.folder, "train.steps=4")
    assert said.code == 2
    assert said.err.splitlines()[0].endswith("no plugin 'sharp' is installed; this run was made with unbraid-sharp 1.0")
    assert 'pip install "unbraid-sharp==1.0"' in said.err


def test_resume_of_a_run_that_no_longer_fits(run: Run, shelf: Shelf, unbraid: Any) -> None:
    shelf.install("nets", "0.2.0", nets("units"))
    fit = ["--set", "networks.encoder.hidden=null", "--set", "networks.encoder.units=8"]
    said = unbraid("train", "--resume", "--out", run.folder, "train.steps=4", *fit)
    assert said.code == 2
    assert "unknown option 'hidden'" in said.err
    assert "--accept-changes" in said.err
    said = unbraid("train", "--resume", "--out", run.folder, "train.steps=4", *fit, "--accept-changes")
    assert said.code == 0, said.err
    assert "units: 8" in run.recipe_file.read_text()


def test_commands_take_set(run: Run, shelf: Shelf, unbraid: Any, tmp_path: Path) -> None:
    shelf.install("nets", "0.2.0", nets("units"))
    fit = ["--set", "networks.encoder.hidden=null", "--set", "networks.encoder.units=8"]
    assert "unknown option 'hidden'" in unbraid("evaluate", run.folder).err
    assert unbraid("evaluate", run.folder, *fit, "--images", 4, "--metrics", "reconstruction_error").code == 0
    said = unbraid("render", run.folder)
    assert "unknown option 'hidden'" in said.err
    assert "the model has no function solid(x)" in unbraid("render", run.folder, *fit).err         # it was loaded
    pack = tmp_path / "own.safetensors"
    assert unbraid("pack", run.folder, "--to", pack, *fit).code == 0
    assert edited(load(pack)) is not None                               # it has the recipe that fits
    assert "the model has no function solid(x)" in unbraid("render", pack).err


def test_every_command_on_a_run_takes_set() -> None:
    context = click.Context(program)
    for name in sorted(INDEX):
        command = program.get_command(context, name)
        words = {p.metavar or "" for p in command.params if isinstance(p, click.Argument)}
        if any(word.split("|")[-1].strip().startswith("RUN") for word in words):
            assert any("--set" in p.opts for p in command.params), name


def test_compare_needs_no_plugin(run: Run, shelf: Shelf, unbraid: Any, tmp_path: Path) -> None:
    evaluation = {"format": 1, "step": 2, "arms": {"model": {"reconstruction_error": {"score": 20.0}}},
                  "metrics": {"reconstruction_error": {"summary": "PSNR", "better": "higher"}}}
    (run.folder / "evaluation.json").write_text(json.dumps(evaluation))
    shelf.uninstall("nets")
    shelf.uninstall("sharp")
    said = unbraid("compare", run.folder)
    assert said.code == 0, said.err


def test_a_removed_component_is_told_with_both_versions(run: Run, shelf: Shelf) -> None:
    shelf.install("sharp", "2.0", losses("near"))
    model, _ = loaded(run)
    assert set(model.functions) == {"encode", "decode"}
    with pytest.raises(MissingPlugin, match=r"no .* named 'sharp.halves'; the plugin 'sharp' was unbraid-sharp 1.0"):
        model.parts(torch.rand(2, 3, 8, 8))


def test_a_network_is_taken_from_a_run_without_the_others(run: Run, shelf: Shelf, tmp_path: Path) -> None:
    shelf.uninstall("sharp")
    networks = {**RECIPE["networks"], "encoder": {"from": f"{run.folder}#encoder", "freeze": True}}
    train(make_recipe({**RECIPE, "networks": networks, "flow": {"f": "encoder(x)"}, "functions": {},
                       "players": {"all": {"trains": "generator", "minimizes": {"own": "mse(generator(f), x)"}}}}),
          tmp_path / "second")
