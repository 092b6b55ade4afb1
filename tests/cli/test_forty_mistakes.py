"""What users get wrong, at every level of a recipe: a clear message with its place, exit code 2, no traceback."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

# what is exchanged in the tiny recipe, and what the message must say
MISTAKES = {
    "a key of the recipe": ("title:", "titel:", ":1:1", "did you mean 'title'?"),
    "a key of data": ("  batch: 4", "  bach: 4", ":5:", "did you mean 'batch'?"),
    "a batch of text": ("batch: 4", "batch: four", ":5:", "four"),
    "a batch of nothing": ("batch: 4", "batch: 0", ":5:", "batch"),
    "a number with a fraction": ("batch: 4", "batch: 1.5", ":5:", "1.5"),
    "a truth value of text": ("tensorboard: false", 'tensorboard: "false"', "tensorboard", "false"),
    "steps in floating point": ("steps: 2,", "steps: 1e3,", "train.steps", "1000"),
    "an unknown source": ("type: sprites", "type: sprits", ":3:", "sprites"),
    "an unknown option of a source": ("size: 16", "sise: 16", ":3:", "did you mean 'size'?"),
    "a size that is too small": ("size: 16", "size: 2", ":3:", "size"),
    "the size of a code": ("chunk: 2 x 4", "chunk: two", ":6:", "chunk"),
    "an unknown network": ("type: conv_encoder", "type: conv_encodr", ":8:", "conv_encoder"),
    "a loss for a network": ("type: conv_encoder", "type: mse", ":8:", "network"),
    "a plugin that is not there": ("type: conv_encoder", "type: acme.encoder", ":8:", "acme"),
    "an option of a network": ("conv_encoder, width: 4", "conv_encoder, widht: 4", ":8:", "did you mean 'width'?"),
    "a width of text": ("conv_encoder, width: 4", "conv_encoder, width: wide", ":8:", "wide"),
    "a width of zero": ("conv_encoder, width: 4", "conv_encoder, width: 0", ":8:", "width"),
    "a factor of a network": ("conv_encoder, width: 4", "conv_encoder, width: 4, code: chnk", ":8:", "chunk"),
    "an unknown value": ("mix(f1, f2, mask)", "mix(f1, f3, mask)", ":15:", "no value named 'f3'"),
    "an unknown operation": ("generator(mix(f1", "generator(mixx(f1", ":15:", "mix"),
    "an unknown factor": ("mse(generator(f2), x2)", "mse(f2.chunk3, f1.chunk2)", ":20:", "chunk1, chunk2"),
    "an unknown label": ("mse(generator(f2), x2)", "cross_entropy(f2, x1.hair)", ":20:", "hair_style"),
    "shapes that can't fit": ("mse(generator(f2), x2)", "mse(f2, x2)", ":20:", "(B, 8)"),
    "a loss that is no number": ("mse(generator(f2), x2)", "generator(f2)", ":20:", "one number"),
    "too few values": ("mse(generator(f2), x2)", "mse(generator(f2))", ":20:", "mse(image, target)"),
    "an option of a loss": ("gan.fool(critic(x3))", "gan.fool(critic(x3), weight=2)", ":21:", "no option 'weight'"),
    "a bracket too few": ("mse(generator(f2), x2)", "mse(generator(f2, x2)", ":20:", "never closed"),
    "indexing": ("mse(generator(f2), x2)", "mse(x1[0], x2)", ":20:", "dot"),
    "a division": ("10 * mse(generator(f2), x2)", "mse(generator(f2), x2) / 10", ":20:", "multiply"),
    "a comparison": ("10 * mse(generator(f2), x2)", "mse(x1, x2) < 3", ":20:", "when"),
    "a keyword": ("mse(generator(f2), x2)", "mse(x1.class, x2)", ":20:", "class"),
    "a circle": ("encoder(x1)", "encoder(x3)", "flow", "goes round"),
    "an unknown network to train": ("trains: critic", "trains: critc", "critic.trains", "did you mean 'critic'?"),
    "a network that no loss reaches": ("rebuild: 10 * mse(generator(f2), x2)\n      realism: gan.fool(critic(x3))",
                                       "rebuild: mse(encoder(x1), f2)", "autoencoder.trains",
                                       "no loss of 'autoencoder' reaches 'generator'"),
    "a network that nobody trains": ("trains: [encoder, generator]", "trains: encoder", "generator",
                                     "nobody trains 'generator'"),
    "a term cut by braces": ("    minimizes:\n      realism: gan.tell_apart(critic(x1), critic(x3))",
                             "    minimizes: {realism: gan.tell_apart(critic(x1), critic(x3))}", ":24:", "commas"),
    "a leading zero": ("steps: 2,", "steps: 017,", ":29:16", "write 17"),
    "a date": ("title: A tiny mixing", "title: 2026-11-22", ":1:8", "date"),
    "a name twice": ("f2:   encoder(x2)", "f1:   encoder(x2)", ":13:", "f1"),
    "a value named like a network": ("mask: mixing", "critic: mixing", "critic", "network"),
    "an unknown draw": ('draw: {"x1, x2": {}}', "draw:\n    x1: {}\n    x2: {same: skin, as: x9}", "x9", "x1"),
    "an unknown factor to share": ('draw: {"x1, x2": {}}', "draw:\n    x1: {}\n    x2: {same: skn, as: x1}", "skn",
                                  "skin"),
    "a function that needs a draw": ("decode(f): generator(f)", "decode(f): x3", "decode", "x1"),
    "a function twice too wide": ("encode(x): encoder(x)", "encode(x): encode(x)", "encode", "go round"),
    "an unknown optimizer": ("train: {", "train: {optimizer: {type: adm}, ", "optimizer", "adam"),
    "an unknown schedule": ("train: {", "train: {optimizer: {lr: rmp(over=3)}, ", "lr", "ramp"),
    "an unknown device": ("device: cpu", "device: gpu", "train.device", "cuda"),
    "an unknown way to move": ("train: {", "train: {moves: at once, ", "moves", "together"),
    "a base that is not there": ("title: A tiny mixing", "base: mixxing", ":1:", "mixing"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_recipe_is_one_clear_message(unbraid, tiny: Path, name: str) -> None:
    old, new, place, says = MISTAKES[name]
    text = tiny.read_text()
    assert text.count(old) >= 1, "the mistake is made"
    tiny.write_text(text.replace(old, new, 1))
    said = unbraid("train", tiny, "--out", "run")
    assert said.code == 2
    assert place in said.err
    assert says in said.err
    assert "Traceback" not in said.err
    assert not Path("run").exists(), "nothing is written"


def test_an_unused_network_is_told(unbraid, tiny: Path) -> None:
    tiny.write_text(tiny.read_text().replace("  critic:     {", "  spare: {type: mlp, out: 3}\n  critic:     {"))
    said = unbraid("check", tiny)
    assert said.code == 2
    assert "tiny.yaml:10:" in said.err
    assert "'spare' is never called" in said.err


class Bomb:
    """What runs code where somebody unpickles it."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("exploded"),))


def wrong_data(folder: Path, kind: str) -> Path:
    """A data file or folder that is none."""
    path = folder / "data"
    match kind:
        case "pickled":
            path = path.with_suffix(".npz")
            np.savez(path, images=np.array([Bomb()], dtype=object))
        case "pickle":
            path = path.with_suffix(".npz")
            path.write_bytes(pickle.dumps(Bomb()))
        case "truncated":
            path = path.with_suffix(".npz")
            np.savez(path, images=np.zeros((9, 16, 16, 3), np.uint8))
            path.write_bytes(path.read_bytes()[:500])
        case "without images":
            path = path.with_suffix(".npz")
            np.savez(path, labels=np.zeros(3))
        case "corrupt images":
            path.mkdir()
            for i in range(3):
                (path / f"{i}.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    return path


@pytest.mark.parametrize(("kind", "says"), [("pickled", "never loaded"), ("pickle", "npz"), ("truncated", "npz"),
                                            ("without images", "no array of images"),
                                            ("corrupt images", "none of the 3 pictures can be read")])
def test_wrong_data_is_one_clear_message(unbraid, tiny: Path, tmp_path: Path, kind: str, says: str) -> None:
    data = wrong_data(tmp_path, kind)
    said = unbraid("train", tiny, "--data", data, "--out", "run")
    assert said.code == 2
    assert says in said.err
    assert "Traceback" not in said.err
    assert not Path("run").exists()
    assert not Path("exploded").exists(), "nothing that was loaded ran"
