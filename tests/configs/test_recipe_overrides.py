"""`a.b.c=value`: typed, checked, recorded; what it changes must exist."""

from __future__ import annotations

from pathlib import Path

import pytest
from marked_recipes import GOOD, load, mistakes

from unbraid_configs import Expression, show_recipe


def test_values_are_yaml(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        GOOD,
        "train.steps=30_000",
        "train.optimizer.lr=1e-4",
        "train.compile=true",
        "train.optimizer.betas=[0.5, 0.9]",
        "title='yes'",
        "data.source.colours=5",
        "networks.encoder.width=8",
        "train.keep_best=autoencoder/rebuild",
        "data.batch=7",
    )
    assert recipe.train.steps == 30_000
    assert recipe.train.optimizer.lr == Expression("1e-4")
    assert recipe.train.compile is True
    assert recipe.train.optimizer.betas == (0.5, 0.9)
    assert recipe.title == "yes"
    assert recipe.data.sources["source"].value == {"colours": 5, "seed": 0}
    assert recipe.networks["encoder"].spec.value.width == 8
    assert (recipe.train.keep_best, recipe.data.batch) == ("autoencoder/rebuild", 7)


def test_expressions_and_names(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        GOOD,
        "weights.beta=9",
        "players.autoencoder.minimizes.rebuild=5 * l1(y, x1)",
        "flow.y=generator(f, f)",
        "functions.encode=f",
        "flow.q, p=halves(y)",
        "players.autoencoder.trains=encoder",
    )
    assert recipe.weights["beta"].text == "9"
    assert recipe.players["autoencoder"].minimizes["rebuild"].text == "5 * l1(y, x1)"
    assert recipe.flow["y",].text == "generator(f, f)"
    assert (recipe.functions["encode"].parameters, recipe.functions["encode"].body.text) == (("x",), "f")
    assert recipe.flow["q", "p"].text == "halves(y)"


def test_null_removes_and_later_overrides_win(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        GOOD,
        "players.critic=null",
        "train.steps=5",
        "train.steps=6",
        "functions.encode=null",
        "networks.critic=null",
        "flow.p, q=null",
    )
    assert list(recipe.players) == ["autoencoder"]
    assert recipe.functions == {}
    assert recipe.train.steps == 6


def test_type_and_options_after_each_other(tmp_path: Path) -> None:
    recipe = load(tmp_path, GOOD, "networks.encoder.width=9", "networks.encoder.type=mlp", "networks.encoder.out=3")
    assert (recipe.networks["encoder"].spec.component.name, recipe.networks["encoder"].spec.value.out) == ("mlp", 3)


def test_networks_declared_together(tmp_path: Path) -> None:
    text = GOOD.replace("  encoder:", "  encoder, spare:")
    assert load(tmp_path, text, "networks.spare.width=9").networks["encoder"].spec.value.width == 32
    both = load(tmp_path, text, "networks.encoder, spare.width=9").networks
    assert both["encoder"].spec.value.width == both["spare"].spec.value.width == 9


def test_what_may_be_added(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        GOOD,
        "watch.share=mean(y)",
        "networks.extra={type: mlp}",
        "functions.again(x)=y",
        "players.more={trains: extra, minimizes: {a: mean(y)}}",
        "data.draw.x9={}",
    )
    assert recipe.watch["share"].text == "mean(y)"
    assert {"extra"} <= set(recipe.networks)
    assert recipe.functions["again"].parameters == ("x",)
    assert {"x9"} <= set(recipe.data.draw)


@pytest.mark.parametrize(
    ("override", "path", "phrase"),
    [
        ("weights.bta=3", "weights.bta", "did you mean 'beta'?"),
        ("weights.gamma=3", "weights.gamma", "there is beta"),
        ("watch", "", "write path=value"),
        ("=3", "", "write path=value"),
        ("train..steps=3", "", "write path=value"),
        ("train.stps=3", "train.stps", "did you mean 'steps'?"),
        ("trian.steps=3", "trian", "did you mean 'train'?"),
        ("train.optimizer.beta=3", "train.optimizer.beta", "did you mean 'betas'?"),
        ("train.steps=3.5", "train.steps", "expected a whole number, got 3.5"),
        ("train.steps=", "train.steps", "nothing stands after `=`"),
        ("train.steps.a=3", "train.steps.a", "train.steps is a single value"),
        ("players.autoencoder.trains.0=encoder", "players.autoencoder.trains.0", "is a list; give it whole"),
        ("networks.encodr.width=3", "networks.encodr.width", "did you mean 'encoder'?"),
        ("networks.encoder.wdth=3", "networks.encoder.wdth", "did you mean 'width'?"),
        ("networks.encoder.type=conv_encodr", "networks.encoder.type", "conv_encoder"),
        ("networks.new.width=3", "networks.new.width", "the recipe has no network 'new'"),
        ("players.critic.minimizes.realsm=0", "players.critic.minimizes.realsm", "did you mean 'realism'?"),
        ("flow.yy=f", "flow.yy", "the recipe has no line 'yy'"),
        ("flow.p=f", "flow.p", "'q' would be lost"),
        ("functions.encod=f", "functions.encod", "did you mean 'encode'?"),
        ("data.source.colors=3", "data.source.colors", "did you mean 'colours'?"),
        ("data.sources.source.colour=3", "data.source.colour", "did you mean 'colours'?"),
        ("data.sources.day.colour=3", "data.sources.day.colour", "the recipe has no source 'day'"),
        ("networks.critc=null", "networks.critc", "did you mean 'critic'?"),
        ("title=a: b", "title", "in quotes"),
        ("flow.y=*x", "flow.y", "alias"),
        ("flow.y=f(a: b)", "flow.y", "map"),
        ("code.pose=2026-11-22", "code.pose", "a date"),
        ("train.optimizer=[", "train.optimizer", "not closed"),
    ],
)
def test_wrong_overrides(tmp_path: Path, override: str, path: str, phrase: str) -> None:
    found = mistakes(tmp_path, GOOD, override)
    assert [(m.place.file, m.path) for m in found] == [("<override>", path)], [str(m) for m in found]
    assert phrase in str(found[0])
    assert str(found[0]).startswith("<override>  ")


def test_which_source_is_meant(tmp_path: Path) -> None:
    text = GOOD.replace("source: {type: sprites}", "sources: {day: {type: sprites}, night: {type: sprites}}").replace(
        "x1: {}", "x1: {from: day}"
    )
    found = mistakes(tmp_path, text, "data.source.colours=3")
    assert [m.message for m in found] == ["the recipe has no source 'source'"]
    assert "day, night" in found[0].hint
    one = text.replace(", night: {type: sprites}", "")
    assert load(tmp_path, one, "data.source.colours=4").data.sources["day"].value["colours"] == 4


def test_the_origin_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = {
        line.split("#")[0].strip(): line.partition("#")[2].strip()
        for line in show_recipe(load(tmp_path, GOOD, "train.steps=20", "networks.encoder.width=8")).splitlines()
    }
    assert shown["steps: 20"] == "override"
    assert shown["width: 8"] == "override"
    assert shown["type: convnets.conv_encoder"] == "recipe.yaml:9"
    assert shown["log_every: 50"] == "default"
    assert shown["norm: none"] == "default"
    assert shown["realism: gan.tell_apart(critic(x1), critic(y))"] == "recipe.yaml:20"


def test_overridden_expressions_have_no_line(tmp_path: Path) -> None:
    place = load(tmp_path, GOOD, "flow.y=generator(f)").flow["y",].place
    assert str(place) == "<override>"
