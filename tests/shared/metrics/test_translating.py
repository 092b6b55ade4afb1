"""Translation accuracy: of translations that are right, that do nothing, that collapse or mix up; of a whole model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import unbraid
from unbraid.data import Data, Field, Images, open_data
from unbraid.model import Model, build_method
from unbraid_plugins.shared.metrics import domain_judges, translation_accuracy
from unbraid_plugins.shared.metrics.edits.translation_accuracy import DomainJudges, TranslationAccuracy
from unbraid_plugins.tools.evaluation import Baselines, evaluate_model, table
from unbraid_plugins.tools.evaluation.baselines import identity
from unbraid_plugins.tools.evaluation.domains import domains_of, of_domains, of_translator, shared_classes
from unbraid_plugins.tools.evaluation.encoded import of_model
from unbraid_plugins.tools.evaluation.evidence import sample
from unbraid_plugins.tools.evaluation.protocol import QUICK

KINDS, COUNT = 4, 200


def drawn(kind: np.ndarray, bright: bool) -> np.ndarray:
    """(n,) classes -> images (n, 1, 8, 8): a dark bar on white, or a bright bar on black, at one of four heights."""
    images = np.zeros((len(kind), 1, 8, 8), np.float32)
    for half in (0, 1):
        images[np.arange(len(kind)), 0, 2 * kind + half] = 0.9
    return images if bright else 0.9 - images


def kinds(images: np.ndarray, bright: bool) -> np.ndarray:
    rows = (images if bright else 0.9 - images)[:, 0, ::2, 0]
    return rows.argmax(1)


RNG = np.random.default_rng(0)
KIND = {"a": RNG.integers(KINDS, size=COUNT), "b": RNG.integers(KINDS, size=COUNT)}
IMAGES = {"a": drawn(KIND["a"], True), "b": drawn(KIND["b"], False)}
FACTORS = {name: {"kind": y} for name, y in KIND.items()}
JUDGES = DomainJudges({"a": {"kind": 1.0}, "b": {"kind": 0.9}}, 1.0, 0.9,
                      {"a": lambda x: {"kind": kinds(x, True)}, "b": lambda x: {"kind": kinds(x, False)}},
                      lambda x: (x.mean((1, 2, 3)) > 0.45).astype(int))


def measured(a_to_b: np.ndarray, back: np.ndarray | None = None, factors: dict[str, dict[str, np.ndarray]] = FACTORS,
             **options: int) -> TranslationAccuracy:
    returns = {} if back is None else {("a", "b"): back}
    return translation_accuracy({("a", "b"): a_to_b}, IMAGES, factors, JUDGES, returns, **options)


def test_a_right_translation_is_perfect() -> None:
    found = measured(0.9 - IMAGES["a"], IMAGES["a"] + 0.1)
    assert found.content == {"a to b": {"kind": 1.0}}
    assert found.content_mean == found.domain == {"a to b": 1.0}
    assert found.oracle == {"a to b": {"kind": 0.9}}                     # of the target's judge
    assert found.cycle["a to b"] == pytest.approx(20, abs=1e-3)          # -10 log10 0.01
    assert found.score == 1


def test_the_identity_is_in_the_wrong_domain() -> None:
    found = measured(IMAGES["a"])
    assert found.domain == {"a to b": 0.0}
    assert found.cycle == {}
    assert found.score == 0


def test_one_image_for_all_is_in_the_right_domain_with_chance() -> None:
    found = measured(np.repeat(IMAGES["b"][:1], COUNT, 0))
    share = float((KIND["a"] == KIND["b"][0]).mean())
    assert found.domain == {"a to b": 1.0}
    assert found.score == found.content["a to b"]["kind"] == pytest.approx(share)
    assert found.chance["a to b"]["kind"] == pytest.approx(np.bincount(KIND["a"]).max() / COUNT)


def test_permuted_classes_look_right_and_are_wrong() -> None:
    found = measured(drawn((KIND["a"] + 1) % KINDS, False))
    assert (found.domain["a to b"], found.content["a to b"]["kind"], found.score) == (1, 0, 0)


def test_the_score_asks_for_both_at_once_and_knows_how_sure_it_is() -> None:
    made = IMAGES["a"].copy()
    made[:100] = 0.9 - made[:100]                                        # half of them are translated
    made[100:] = drawn((KIND["a"][100:] + 1) % KINDS, True)
    found = measured(made, resamples=300)
    assert found.score == 0.5
    assert found.resampled.std() == pytest.approx(np.sqrt(0.25 / COUNT), rel=0.15)


def test_unknown_classes_do_not_count_and_no_factor_leaves_the_domain() -> None:
    kind = np.where(np.arange(COUNT) < 150, -1, KIND["a"])
    made = 0.9 - IMAGES["a"]
    made[:150] = 0.9 - drawn((KIND["a"][:150] + 1) % KINDS, True)
    assert measured(made, factors={"a": {"kind": kind}}).content["a to b"]["kind"] == 1
    assert measured(made).content["a to b"]["kind"] == pytest.approx(0.25)
    without = measured(made, factors={"a": {}})
    assert (without.content, without.content_mean, without.score) == ({"a to b": {}}, {}, 1)


def test_both_directions_count_alike() -> None:
    ways = {("a", "b"): 0.9 - IMAGES["a"], ("b", "a"): IMAGES["b"]}
    found = translation_accuracy(ways, IMAGES, FACTORS, JUDGES)
    assert found.domain == {"a to b": 1.0, "b to a": 0.0}
    assert found.score == 0.5


def test_a_translation_for_every_image() -> None:
    with pytest.raises(ValueError, match="a to b: 7 translations of 200 images"):
        measured(IMAGES["a"][:7])


# -- judges ------------------------------------------------------------------------------------------------------------


def test_judges_learn_each_domain_and_their_difference() -> None:
    found = domain_judges(IMAGES, FACTORS, IMAGES, FACTORS, steps=60)
    assert found.score == min(found.domain, *(c["kind"] for c in found.content.values())) > 0.97
    assert (found.where(IMAGES["b"]) == 1).mean() > 0.97
    assert (found.classify["a"](0.9 - IMAGES["b"])["kind"] == KIND["b"]).mean() > 0.97
    assert domain_judges(IMAGES, {"a": {}, "b": {}}, IMAGES, {"a": {}, "b": {}}, steps=2).content == {}


def test_domains_of_different_shapes() -> None:
    images = {"a": IMAGES["a"], "b": IMAGES["b"][:, :, :6]}
    with pytest.raises(ValueError, match="different shapes"):
        domain_judges(images, FACTORS, images, FACTORS)


# -- of a model --------------------------------------------------------------------------------------------------------


class Inverted(nn.Module):
    """The right translation in both directions."""

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return 0.9 - code.unflatten(1, (1, 8, 8))


def opened(folder: Path, b: str = "b", functions: tuple[str, ...] = ("a_to_b", "b_to_a")) -> tuple[Model, Data]:
    """A model between bars; `flaw` is 0 in a and 1 in b, `bar` the height, whose fourth class b has not."""
    height = {"a": KIND["a"], "b": KIND["b"] % 3}
    for name, kind in height.items():
        np.savez(folder / f"{name}.npz", images=(drawn(kind, name == "a")[:, 0] * 255).astype(np.uint8), bar=kind,
                 flaw=np.full(COUNT, int(name == "b")))
    recipe = unbraid.make_recipe({
        "data": {"sources": {"a": {"type": "npz", "path": str(folder / "a.npz")},
                             b: {"type": "npz", "path": str(folder / "b.npz")}},
                 "draw": {"xa": {"from": "a"}, "xb": {"from": b}}, "batch": 4, "workers": 0},
        "code": {"z": 64},
        "networks": {"inner": {"type": "mlp_encoder", "hidden": [8]}, "back": {"type": "mlp_generator", "hidden": [8]}},
        "functions": {f"{name}(x)": "back(inner(x))" for name in functions},
        "players": {"all": {"trains": ["inner", "back"],
                            "minimizes": {"rebuild": "mse(back(inner(xa)), xa) + mse(back(inner(xb)), xb)"}}}})
    data = open_data(recipe.data)
    method = build_method(recipe, data.facts)
    return Model(method, {"inner": nn.Flatten(), "back": Inverted()}), data


def test_a_model_beside_its_twin_and_the_images_as_they_are(tmp_path: Path) -> None:
    model, data = opened(tmp_path)
    result = evaluate_model(model, data, baselines=Baselines(), metrics=["translation_accuracy"])
    arms = {name: arm["translation_accuracy"] for name, arm in result["arms"].items()}
    assert list(arms) == ["model", "untrained", "unchanged"]
    assert list(arms["model"]["content"]) == ["a to b", "b to a"]
    assert all(set(c) == {"bar"} for c in arms["model"]["content"].values())     # not what the domains differ in
    assert arms["model"]["score"] > 0.95
    assert arms["model"]["cycle"]["a to b"] > 60
    assert arms["untrained"]["score"] < 0.7
    assert arms["unchanged"]["domain"] == {"a to b": 0, "b to a": 0}
    assert arms["unchanged"]["score"] == 0
    assert set(result["data"]) == {"domain_judges"}
    assert result["data"]["domain_judges"]["score"] > 0.95
    assert set(result["intervals"]["model"]) == {"translation_accuracy"}
    assert "| content | domain | cycle |" in " ".join(table([("run", result)]).split())


def test_only_classes_that_both_domains_have_are_content(tmp_path: Path) -> None:
    model, data = opened(tmp_path)
    evidence, notes = of_domains(data, domains_of(model), QUICK, 0)
    assert notes == []
    assert set(evidence["domain_factors"]["a"]["bar"].tolist()) == {-1, 0, 1, 2}
    assert set(evidence["domain_factors"]["b"]["bar"].tolist()) == {0, 1, 2}
    lower = np.asarray(evidence["domain_images"]["a"][:, 0, 6, 0] > 0.5)
    assert np.array_equal(evidence["domain_factors"]["a"]["bar"] == -1, lower)
    assert not lower.all()


def test_names_of_classes_must_agree() -> None:
    def source(*names: str) -> Images:
        return Images(np.zeros((6, 1, 2, 2), np.uint8), {"digit": Field(np.arange(6) % 2, 2, names)})

    rows = {"a": np.arange(4), "b": np.arange(4)}
    common, notes = shared_classes({"a": source("x", "y"), "b": source("x", "y")}, rows, rows)
    assert common["digit"].tolist() == [0, 1]
    assert notes == []
    common, notes = shared_classes({"a": source("x", "y"), "b": source("y", "x")}, rows, rows)
    assert common == {}
    assert notes == ["the classes of digit are called otherwise in another domain: it is no common factor"]


def test_nothing_is_translated_that_no_metric_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = opened(tmp_path)
    monkeypatch.setattr(Model, "translate", None)
    assert evaluate_model(model, data, metrics=["reconstruction_error"])["arms"] == {"model": {}}


def test_one_direction_has_no_way_back(tmp_path: Path) -> None:
    model, data = opened(tmp_path, functions=("a_to_b",))
    sampled = sample(data)
    sampled.evidence.update(of_domains(data, domains_of(model), QUICK, 0)[0])
    found = of_model(model, sampled)
    assert list(found["translations"]) == [("a", "b")]
    assert found["returns"] == {}
    other = {**found, "translations": {("a", "b"): found["translations"]["a", "b"] + 1}}
    assert identity(found) != identity(other)
    assert identity(sampled.evidence) == identity(dict(sampled.evidence))


def test_domains_that_are_no_sources(tmp_path: Path) -> None:
    model, data = opened(tmp_path, b="other")
    result = evaluate_model(model, data, metrics=["translation_accuracy"])
    assert result["arms"]["model"] == {}
    assert "translations are not measured: b is no source of the data (which has a, other)" in result["notes"]


def test_the_way_back_is_the_other_direction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = opened(tmp_path)
    monkeypatch.setattr(Model, "translate", lambda _, x, a, b: torch.as_tensor(x) + {"a": 1, "b": 10}[b])
    found = of_translator(model, {"a": np.zeros((150, 1)), "b": np.ones((3, 1))})
    assert {way: set(v.ravel().tolist()) for way, v in found["translations"].items()} == {
        ("a", "b"): {10.0}, ("b", "a"): {2.0}}
    assert {way: set(v.ravel().tolist()) for way, v in found["returns"].items()} == {
        ("a", "b"): {11.0}, ("b", "a"): {12.0}}
    assert found["returns"]["a", "b"].shape == (150, 1)
