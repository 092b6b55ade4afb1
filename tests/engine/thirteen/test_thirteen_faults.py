"""What is wrong with a method is said before it trains, with file, line and column inside the expression.

Every fault is put into one of the thirteen recipes in place of some text; `«` stands where the message must point.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from small_games import RECIPES, game

from unbraid_configs import RecipeError

POINTER = "«"


@attrs.frozen
class Fault:
    """A recipe with `old` replaced by `new`, and what the message says of it."""

    what: str
    recipe: str
    old: str
    new: str
    says: tuple[str, ...]


FAULTS = [
    # names
    Fault("a misspelt value", "mixing", "mse(x4, x1)", "mse(«x5, x1)",
          ("no value named 'x5'; the flow has x1, x2, f1, f2, mask, x3, x4",)),
    Fault("a misspelt value in the flow", "mixing", "mix(f1, f2, mask))        #", "mix(f1, f2, «msk))        #",
          ("no value named 'msk'", "did you mean 'mask'?")),
    Fault("a misspelt operation", "mixing", "generator(mix(f1,", "generator(«mux(f1,", ("no loss or operation", "mix")),
    Fault("a misspelt network", "mixing", "x4:   generator(", "x4:   «generatr(",
          ("'generatr'", "did you mean 'generator'?")),
    Fault("an unknown plugin", "mixing", "gan.fool(", "«gam.fool(", ("no plugin 'gam' is installed", "gan.fool")),
    Fault("an unknown component of a plugin", "mixing", "gan.fool(", "«gan.foool(", ("'gan.foool'", "gan.fool")),
    Fault("a misspelt factor", "shape3d", "generator(f.object), f.view)\nplayers",
          "generator(«f.objekt), f.view)\nplayers",
          ("the code has no factor 'objekt'; it has object, view",)),
    Fault("a misspelt label", "intrinsic_faces", "mse(light, x.light)", "mse(light, «x.lihgt)",
          ("the images of x have no field 'lihgt'; the source has mask, normals, light", "did you mean 'light'?")),
    Fault("a label that the source lacks", "drgan", "one(x.pose)", "one(«x.light)",
          ("the images of x have no field 'light'; the source has identity, pose",)),
    Fault("a value called", "mixing", "10 * mse(x4, x1)", "10 * mse(«f1(x4), x1)",
          ("'f1' is a value and can't be called",)),
    Fault("a function without a call", "mixing", "mse(generator(f2), x2)", "mse(«decode, x2)",
          ("'decode' is a function", "call it: decode(f)")),
    Fault("a value named like a network", "mixing", "  f2:   encoder(x2)",
          "  f2:   encoder(x2)\n  «critic: encoder(x2)",
          ("'critic' is a value and a network",)),
    Fault("a value named like a draw", "mixing", "  f2:   encoder(x2)", "  f2:   encoder(x2)\n  «x1: encoder(x2)",
          ("'x1' is a value and a draw",)),
    Fault("a keyword as a name", "mixing", "  f2:   encoder(x2)", "  f2:   encoder(x2)\n  «class: encoder(x2)",
          ("'class' is a keyword", "kind")),
    Fault("a keyword as a label", "drgan", "one(x.identity) ", "one(x.«class) ",
          ("'class' is a keyword of Python", "rename: {class: kind}")),
    Fault("a keyword as a label in a later line", "mixing", "mse(x4, x1)", "mse(x4,\n        x1.«from)",
          ("'from' is a keyword of Python",)),
    Fault("an unknown network in trains", "mixing", "trains: critic\n", "trains: «critik\n", ("'critik'", "critic")),
    # expressions
    Fault("a comparison outside when", "mixing", "gan.fool(critic(x3))", "«gan.fool(critic(x3)) < 1",
          ("a comparison may stand in `when` alone",)),
    Fault("two comparisons", "mathieu", " < 0.8", " < 0.8 < 1", ("expected one comparison",)),
    Fault("a division", "mixing", "10 * mse(x4, x1)", "«mse(x4, x1) / 10", ("values are not divided",)),
    Fault("indexing", "mixing", "mse(x4, x1)", "mse(«x4[0], x1)", ("not part of the language", "indexing")),
    Fault("a condition", "mixing", "10 * mse(x4, x1)", "«mse(x4, x1) if mask else 0", ("not part of the language",)),
    Fault("a text as a value", "mixing", "mse(x4, x1)", "mse(x4, «'x1')", ("may stand as an option alone",)),
    # options
    Fault("a misspelt option", "mixing", "mixing.random_mask()", "«mixing.random_mask(par='batch')",
          ("no option 'par'", "did you mean 'per'?")),
    Fault("an option of the wrong type", "mixing", "mixing.random_mask()", "«mixing.random_mask(per=3)", ("'per'",)),
    Fault("a text that is no choice", "mixing", "mixing.random_mask()", "«mixing.random_mask(per='row')",
          ("one of 'sample', 'batch'",)),
    Fault("a fraction for a whole number", "shape3d", "normal(size=128)", "«normal(size=12.5)", ("expected int",)),
    Fault("a value as an option", "shape3d", "normal(size=128)", "«normal(size=x)", ("is a constant",)),
    Fault("a missing option", "shape3d", "normal(size=128)", "«normal(std=2)", ("needs the option size",)),
    Fault("too many values", "mixing", "mse(x4, x1)", "«mse(x4, x1, x2)",
          ("mse(image, target) is called with 3 values",)),
    Fault("too few values", "mixing", "mse(x4, x1)", "«mse(x4)", ("mse(image, target) is called with 1 value",)),
    Fault("options of a network in a call", "mixing", "gan.fool(critic(x3))", "gan.fool(«critic(x3, width=2))",
          ("has no options in a call",)),
    Fault("a function with the wrong number of values", "challenges", "transfer(x3, x1)", "«transfer(x3)",
          ("transfer(v, c) is called with 1 value",)),
    # shapes
    Fault("shapes that do not fit a loss", "mixing", "mse(generator(f2), x2)", "«mse(f2, x2)", ("mse", "(B, 48)")),
    Fault("shapes that do not fit a network", "mixing", "mse(generator(f2), x2)", "mse(«generator(f2.chunk1), x2)",
          ("generator (convnets.conv_generator)", "called with (B, 6); it was built for (B, 48) at ",
          "wrong.yaml:16:9")),
    Fault("a network called with other values than in the flow", "mixing", "gan.fool(critic(x3))",
          "gan.fool(«critic(x3, x1))", ("critic",)),
    Fault("a loss that would broadcast", "intrinsic_faces", "l1(image, x)", "«l1(matte, x)",
          ("l1 compares values of one shape", "(2, 1, 16, 16) and (2, 3, 16, 16)")),
    Fault("a term that is no number", "mixing", "10 * mse(x4, x1)", "«10 * (x4 - x1)", ("a term is one number",)),
    Fault("a term that is constant", "mixing", "10 * mse(x4, x1)", "«10", ("constant",)),
    Fault("sums of what has no sum", "betavae", "bernoulli(y, x)", "mean(«q + x)", ("not on a gaussian",)),
    Fault("images of two sizes", "unit_adaptation", "{type: mnist, channels: 3}", "{type: mnist}",
          ("the draws have images of different sizes", "say which one back1 makes: image: x1")),
    # lines and functions
    Fault("too many names for a tuple", "drnet", "other, same: drnet", "other, same, more: «drnet",
          ("3 names for 2 values",)),
    Fault("a code that is unpacked", "mixing", "  f1:   encoder(x1)", "  f1, rest:   «encoder(x1)",
          ("it does not unpack",)),
    Fault("a circle", "mixing", "f1:   encoder(x1)", "f1:   encoder(x4)",
          ("the flow goes round: ", "f1 -> x4 -> x3 -> f1")),
    Fault("a recursive function", "mixing", "encode(x): encoder(x)", "encode(x): encoder(decode(encode(x)))",
          ("the functions go round: encode -> encode",)),
    Fault("functions that call each other", "mixing", "  encode(x): encoder(x)\n  decode(f): generator(f)",
          "  encode(x): encoder(decode(x))\n  decode(f): generator(encode(f))",
          ("the functions go round: encode -> decode -> encode",)),
    Fault("a function that needs a draw", "mixing", "decode(f): generator(f)", "decode(f): generator(mix(f, f1, mask))",
          ("decode(f) still needs the draw x1",)),
    # players
    Fault("a network that no loss reaches", "mixing", "trains: critic\n", "trains: [critic, classifier]\n",
          ("no loss of 'critic' reaches 'classifier'", "its losses reach critic, encoder, generator")),
    Fault("a loss that is cut off", "mixing", "binary_cross_entropy(classifier(x1, x2, x3), mask)",
          "binary_cross_entropy(detach(classifier(x1, x2, x3)), mask)",
          ("no loss of 'autoencoder' reaches 'classifier'",)),
    Fault("a network that nobody trains", "mixing", "trains: [encoder, generator, classifier]",
          "trains: [encoder, generator]", ("nobody trains 'classifier'",)),
    Fault("a network that is never called", "mixing", "flow:\n", "  «idle: {type: mlp}\nflow:\n",
          ("'idle' is never called",)),
    Fault("a frozen network that is trained", "mixing", "critic:     {type: conv_critic, width: 4}",
          "critic:     {type: conv_critic, width: 4, freeze: true}", ("'critic' is frozen",)),
    Fault("an average that is trained", "mixing", "critic:     {type: conv_critic, width: 4}",
          "critic:     {type: average, of: encoder}", ("'critic' is an EMA",)),
    Fault("then with a value", "ma2", "then: clip_weights(critic_fg, critic_bg", "then: «clip_weights(fg, critic_bg",
          ("`then` works on networks",)),
    Fault("an image where a code belongs", "mixing", "x3:   generator(mix(f1,", "x3:   generator(«mix(x1,",
          ("operations.mix: a should be a Code, as encoders make it; this is a Tensor",)),
    Fault("weights that go round", "betavae", "weights: {beta: 4}", "weights: {beta: gamma, gamma: beta}",
          ("the weights go round: beta -> gamma -> beta",)),
    Fault("an unknown schedule", "betavae", "beta * kl(q)", "beta * «evry(3) * kl(q)",
          ("'evry'", "did you mean 'every'?")),
    Fault("a schedule without a step", "betavae", "beta * kl(q)", "beta * «every(0) * kl(q)",
          ("every takes a positive number of steps",)),
    Fault("a watched code", "mixing", "functions:\n", "watch:\n  code: «f1\nfunctions:\n",
          ("a watched value is a number",)),
]


def where(text: str) -> tuple[int, int]:
    """Line and column of the pointer."""
    before = text[:text.index(POINTER)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.what)
def test_faults_are_told_with_their_place(fault: Fault, tmp_path: Path) -> None:
    original = (RECIPES / f"{fault.recipe}.yaml").read_text()
    assert original.count(fault.old) == 1, "the test replaces one place"
    text = original.replace(fault.old, fault.new)
    file = tmp_path / "wrong.yaml"
    file.write_text(text.replace(POINTER, ""))
    with pytest.raises(RecipeError) as caught:
        game(file)
    print(caught.value)
    mistakes = caught.value.mistakes
    assert all(m.place.file.endswith("wrong.yaml") and m.place.line for m in mistakes)
    assert all(words in str(caught.value) for words in fault.says)
    if POINTER in fault.new:
        assert where(text) in [(m.place.line, m.place.column) for m in mistakes]
