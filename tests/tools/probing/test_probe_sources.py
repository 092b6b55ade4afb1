"""Where the images of a probe come from, and which function encodes them."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from made import CLASSES, model_of, source

from unbraid import DataError, Field, UnbraidError
from unbraid_plugins.tools.probing import ProbeError, Settings, probe_model
from unbraid_plugins.tools.probing.task import task

SETTINGS = Settings(labels=(5, "all"), draws=2)
FEW, ALL = Settings(labels=(5,), draws=1), Settings(labels=("all",), draws=1)
PIXELS = {"to_self(x)": "x"}                       # functions of a model that encodes nothing
NAMES = ("front", "left", "right", "back")
DOMAINS = {"encode_a(x)": "encoder(x)", "encode_b(x)": "encoder(x)"}


def accuracy(result, name="pixels", classifier="nearest"):
    return result["accuracy"][classifier][name]["pose"]["mean"][-1]


def test_every_representation_is_measured_by_both_classifiers():
    model, data = model_of({"a": source()})
    result = probe_model(model, data, SETTINGS)
    kinds = {name: (r["kind"], r["numbers"]) for name, r in result["representations"].items()}
    assert kinds == {"code": ("code", 8), "part1": ("part", 4), "part2": ("part", 4), "pixels": ("baseline", 64),
                     "untrained": ("baseline", 8)}
    for results in result["accuracy"].values():
        assert list(results) == list(kinds)
        assert results["code"] == results["untrained"]               # the model was not trained
    assert accuracy(result) == 1
    assert 1.5 / CLASSES < accuracy(result, "part1") <= accuracy(result, "code", "linear")
    assert result["fitted_on"] == {"source": "a", "split": "train", "images": 120}
    assert result["judged_on"] == {"source": "a", "split": "test", "images": 80}
    assert result["factors"]["pose"]["labelled"] == [20, 120]


@pytest.mark.parametrize("test", [0.4, 0.0])
def test_what_remembers_every_image_knows_nothing_of_others(test):
    """Pixels of noise tell which image it is. Were one image in both parts, it would be found."""
    model, data = model_of({"a": source(1000, told=False, test=test)}, PIXELS)
    result = probe_model(model, data, ALL)
    assert accuracy(result) == pytest.approx(1 / CLASSES, abs=0.07)
    assert any("no test split" in note for note in result["notes"]) == (test == 0)
    chosen = task(data, SETTINGS)
    assert not set(chosen.train.rows) & set(chosen.test.rows)
    both = attrs.evolve(chosen, test=attrs.evolve(chosen.train))
    assert (both.test.rows == both.train.rows).all()


def test_copies_of_images_to_fit_on_are_counted():
    images = source()
    images.images[:7] = images.images[150]
    assert "7 of 80 test images are in every pixel like an image to fit on" in task(
        model_of({"a": images})[1], SETTINGS).notes


def test_at_most_so_many_images():
    model, data = model_of({"a": source()})
    result = probe_model(model, data, Settings(labels=["all"], images=50, test_images=30))
    assert (result["fitted_on"]["images"], result["judged_on"]["images"]) == (50, 30)
    assert {"fitted on 50 of 120 training images (--images)", "judged on 30 of 80 test images (--test-images)"} <= set(
        result["notes"])


def test_from_one_source_to_another():
    """In b, another quarter is bright: what is learned on a fails there, and what is learned on b does not."""
    other = source(seed=5)
    other.images[:] = other.images[:, :, ::-1]
    model, data = model_of({"a": source(), "b": other}, DOMAINS)
    results = {ends: probe_model(model, data, FEW, fit_on=ends[0], judge_on=ends[1])
               for ends in (("a", "a"), ("a", "b"), ("b", "b"))}
    assert {ends: accuracy(r) for ends, r in results.items()} == {("a", "a"): 1, ("a", "b"): 0, ("b", "b"): 1}
    assert results["a", "b"]["fitted_on"]["source"] == "a"
    assert results["a", "b"]["judged_on"]["source"] == "b"
    assert probe_model(model, data, FEW, judge_on="b") == results["a", "b"]
    assert "code" in results["a", "b"]["representations"]


def test_classes_of_two_sources_are_equal_by_name():
    turned = source(seed=5, names=NAMES[::-1])                       # class 0 is called back
    assert accuracy(probe_model(*model_of({"a": source(names=NAMES), "b": turned}, PIXELS), FEW, judge_on="b")) == 0
    y = turned.fields["pose"].values
    turned.fields["pose"] = Field(CLASSES - 1 - y, CLASSES, NAMES[::-1])
    assert accuracy(probe_model(*model_of({"a": source(names=NAMES), "b": turned}, PIXELS), FEW, judge_on="b")) == 1


def test_a_class_without_labels_is_not_judged():
    images = source(seed=5, names=("front", "left", "right", "upside_down"))
    strange = (images.fields["pose"].values[:80] == 3).sum()
    result = probe_model(*model_of({"a": source(names=NAMES), "b": images}, PIXELS), FEW, judge_on="b")
    assert f"pose: {strange} test images have a class without training images, and are not judged" in result["notes"]
    assert accuracy(result) == 1


def test_each_domain_has_its_own_encoder():
    """encode_b knows nothing: fitted on the codes of a, it is at chance there."""
    model, data = model_of({"a": source(), "b": source(seed=5)}, {**DOMAINS, "encode_b(x)": "encoder(0 * x)"})
    inside = probe_model(model, data, ALL, fit_on="a")
    across = probe_model(model, data, ALL, fit_on="a", judge_on="b")
    assert accuracy(inside, "code", "linear") > 0.6
    assert accuracy(across, "code", "linear") < 0.4
    assert accuracy(across) == 1


def test_the_untrained_twin_has_its_first_weights():
    model, data = model_of({"a": source()})
    for weight in model.modules["encoder"].parameters():
        weight.zero_()
    result = probe_model(model, data, ALL)
    assert accuracy(result, "code", "linear") < 0.4
    assert accuracy(result, "untrained", "linear") > 0.6


def test_a_model_that_encodes_nothing_leaves_the_pixels():
    model, data = model_of({"a": source()}, PIXELS)
    result = probe_model(model, data, FEW)
    assert list(result["representations"]) == ["pixels"]
    assert any("no encode(x) and no encode_a(x)" in note for note in result["notes"])
    assert accuracy(result) == 1


@pytest.mark.parametrize(("sources", "ends", "says"), [
    ({"a": source(fields={})}, {}, "no factor of the source 'a' has two classes"),
    ({"a": source(fields={"pose": Field(np.zeros(200, int), 4)})}, {}, "pose has no two classes"),
    ({"a": source(fields={"angle": Field(np.full(200, 0.5))})}, {}, "and none is a number"),
    ({"a": source(), "b": source()}, {"fit_on": "c"}, "no source 'c'; there is a, b"),
    ({"a": source(), "b": source()}, {"judge_on": "bb"}, "no source 'bb'"),
    ({"a": source(), "b": source(size=16)}, {"judge_on": "b"}, "'a' are 1 x 8 x 8, of 'b' 1 x 16 x 16"),
    ({"a": source(), "b": source(fields={"hue": Field(np.arange(200) % 3, 3)})}, {"judge_on": "b"},
     "no factor is known in both sources: a has pose; b has hue"),
])
def test_what_can_not_be_probed(sources, ends, says):
    with pytest.raises(UnbraidError) as raised:
        task(model_of(dict(list(sources.items())[:1]))[1] if len(sources) == 1 else _data(sources), SETTINGS, **ends)
    assert isinstance(raised.value, ProbeError | DataError)
    assert says in f"{raised.value.message} {raised.value.hint}"


def _data(sources):
    from unbraid import make_recipe
    from unbraid.data import Data

    recipe = make_recipe({"title": "made", "code": {"z": 2},
                          "data": {"sources": {n: {"type": "sprites", "size": 8} for n in sources},
                                   "draw": {"x": {"from": "a"}}, "batch": 4},
                          "networks": {"encoder": {"type": "mlp_encoder", "hidden": [4]}}, "flow": {"f": "encoder(x)"},
                          "players": {"all": {"trains": "encoder", "minimizes": {"small": "mse(f, 0 * f)"}}}})
    return Data(recipe.data, sources)
