"""Metrics of clips, numbers and functions of images, on worlds where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from unbraid_plugins.shared.metrics import (
    analogy_error,
    chunk_probe,
    clip_retrieval,
    function_accuracy,
    number_oracles,
    number_regression,
    prediction_error,
    transfer_accuracy,
)
from unbraid_plugins.shared.metrics.edits.image_functions import ImageFunction
from unbraid_plugins.shared.metrics.edits.number_oracles import NumberOracles
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

CHUNKS = {"content": (0, 4), "pose": (4, 6)}


def world(count: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Codes, factors and numbers: the content tells the colour, the pose the place and, a little, the colour."""
    rng = np.random.default_rng(seed)
    colour, place = rng.integers(0, 4, count), rng.uniform(-1, 1, (count, 2))
    codes = np.concatenate([np.eye(4)[colour], place @ [[1, 0.3], [0.2, 1]]], 1) + 0.01 * rng.normal(size=(count, 6))
    return codes, {"colour": colour}, {"place": place}


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_regressions_say_which_chunk_tells_a_number() -> None:
    (codes, _, numbers), (train, _, fitted) = world(300), world(400, 1)
    found = number_regression(codes, numbers, train, fitted, CHUNKS)
    assert found.chunks == ["content", "pose", "code"]
    assert abs(found.linear[0, 0]) < 0.05
    assert found.linear[0, 1] > 0.99
    assert found.nearest[0, 1] > 0.97
    assert found.best == {"place": "pose"}
    assert found.score == pytest.approx(found.linear[0, 2])
    plain = LinearRegression().fit(train, fitted["place"]).predict(codes)
    assert found.components["place"] == pytest.approx(r2_score(numbers["place"], plain, multioutput="raw_values"),
                                                      abs=1e-3)
    assert number_regression(codes, numbers, train, fitted).chunks == ["code"]


def test_nearest_images_read_what_no_line_reads() -> None:
    rng = np.random.default_rng(0)
    angle = rng.uniform(-np.pi, np.pi, 800)
    codes = np.stack([np.cos(angle), np.sin(2 * angle)], 1)           # every angle once, nothing linear
    y = {"square": np.cos(2 * angle)[:, None]}
    found = number_regression(codes[:300], {"square": y["square"][:300]}, codes[300:], {"square": y["square"][300:]})
    assert found.linear[0, 0] < 0.1
    assert found.nearest[0, 0] > 0.95


def test_unknown_and_constant_numbers_do_not_count() -> None:
    (codes, _, numbers), (train, _, fitted) = world(300), world(400, 1)
    gaps = {"place": np.concatenate([numbers["place"], np.full((300, 1), 3.0)], 1)}
    fits = {"place": np.concatenate([fitted["place"], np.full((400, 1), 3.0)], 1)}
    gaps["place"][::3] = np.nan
    fits["place"][::5] = np.nan
    found = number_regression(codes, gaps, train, fits, CHUNKS)
    assert found.linear[0, 1] > 0.99
    assert len(found.components["place"]) == 2


def test_an_oracle_reads_positions_from_images() -> None:
    rng = np.random.default_rng(0)

    def images(count: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        place = rng.uniform(-0.7, 0.7, (count, 2))
        axis = np.linspace(-1, 1, 16)
        bump = [np.exp(-((axis - p[:, None]) / 0.25) ** 2) for p in place.T]
        return (bump[0][:, None, None] * bump[1][:, None, :, None]).astype(np.float32), {"place": place}

    (x, y), (train, targets) = images(100), images(640)
    targets["place"][:9] = np.nan
    found = number_oracles(x, y, (train * 255).astype(np.uint8), targets, steps=100)
    assert found.r2["place"] > 0.9
    assert found.see(x)["place"].shape == (100, 2)
    assert number_oracles(x, y, (train * 255).astype(np.uint8), targets, steps=100).r2 == found.r2     # from the cache


# -- chunks and clips --------------------------------------------------------------------------------------------------


def test_a_probe_of_each_chunk_finds_what_leaks() -> None:
    (codes, factors, _), (train, fitted, _) = world(300), world(400, 1)
    clean = chunk_probe(codes, factors, train, fitted, CHUNKS)
    assert clean.matrix[0, 0] > 0.99
    assert clean.above["content"] > 0.99
    assert abs(clean.above["pose"]) < 0.15
    assert clean.best == {"colour": "content"}
    leaks = [c + np.pad(3.0 * f["colour"][:, None], ((0, 0), (4, 1))) for c, f in ((codes, factors), (train, fitted))]
    assert chunk_probe(leaks[0], factors, leaks[1], fitted, CHUNKS).above["pose"] > 0.5
    with pytest.raises(ValueError, match="would fit 17 classifiers"):
        chunk_probe(codes, factors, train, fitted, {str(i): (0, 1) for i in range(17)})


def test_what_is_constant_in_a_clip_finds_its_frames() -> None:
    clips = np.repeat(np.arange(20) * 7, 5)
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.normal(size=(20, 4)).repeat(5, 0), rng.normal(size=(100, 2))], 1)
    found = clip_retrieval(codes, clips, CHUNKS)
    assert found.chunks["content"] == found.score == 1
    assert found.chunks["pose"] < 0.15
    assert found.chance == pytest.approx(4 / 99)


# -- functions ---------------------------------------------------------------------------------------------------------


def picture(colour: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(n,) and (n, 2) -> images (n, 1, 1, 6) that show both."""
    return np.concatenate([np.eye(4)[colour], 0.5 + 0.5 * place], 1)[:, None, None]


def colour_of(images: np.ndarray) -> np.ndarray:
    return images[:, 0, 0, :4].argmax(1)


def place_of(images: np.ndarray) -> np.ndarray:
    return 2 * images[:, 0, 0, 4:] - 1


JUDGES = (Oracles({"colour": 1.0}, {"colour": 0.25}, 1.0, lambda v: {"colour": colour_of(v)}),
          NumberOracles({"place": 1.0}, 1.0, lambda v: {"place": place_of(v)}))
ANALOGY = ImageFunction(("x", "y"), lambda x, y: picture(colour_of(x), place_of(y)))
TURNED = ImageFunction(("pose", "look"), lambda p, c: picture(colour_of(c), place_of(p)))
COPY = ImageFunction(("x", "y"), lambda x, y: x)
ONE = ImageFunction(("x",), lambda x: x)


def test_whose_factors_a_function_takes() -> None:
    _, factors, numbers = world(400)
    images = picture(factors["colour"], numbers["place"])
    found = function_accuracy({"analogy": ANALOGY, "copy": COPY, "one": ONE}, images, factors, JUDGES[0], numbers,
                              JUDGES[1])
    assert found.taken["analogy"] == {"x": {"colour": 1, "place": 0}, "y": {"colour": 0, "place": 1}}
    assert found.taken["copy"]["x"] == {"colour": 1, "place": 1}
    assert found.score == 1
    blank = ImageFunction(("x", "y"), lambda x, y: np.zeros_like(x))
    assert function_accuracy({"blank": blank}, images, factors, *JUDGES[:1]).score < 0.5
    with pytest.raises(ValueError, match="no function of the recipe takes two images"):
        function_accuracy({"one": ONE}, images, factors, JUDGES[0])


def test_the_error_of_analogies_in_whichever_order_they_take_their_images() -> None:
    _, (a, b) = None, (world(50), world(50, 1))
    analogies = {"shared": picture(a[1]["colour"], a[2]["place"]), "varying": picture(b[1]["colour"], b[2]["place"]),
                 "truth": picture(a[1]["colour"], b[2]["place"])}
    found = analogy_error({"turned": TURNED, "copy": COPY, "one": ONE}, analogies)
    assert found.score == found.mse["turned"] == pytest.approx(0, abs=1e-12)
    assert (found.function, found.shared_from["turned"]) == ("turned", "look")
    assert found.mse["copy"] == pytest.approx(min(found.copying.values()))
    with pytest.raises(ValueError, match="an analogy is a function of two images"):
        analogy_error({"one": ONE}, analogies)


def test_forecasts_stand_beside_the_last_frame() -> None:
    rng = np.random.default_rng(0)
    colour, begin, speed = rng.integers(0, 4, 12), rng.uniform(-0.5, 0.5, (12, 2)), rng.uniform(-0.05, 0.05, (12, 2))
    films = np.stack([picture(colour, begin + t * speed) for t in range(9)], 1)

    def straight(clips: np.ndarray) -> np.ndarray:
        step = clips[:, -1] - clips[:, -2]
        return np.stack([clips[:, -1] + (i + 1) * step for i in range(4)], 1)

    def same(clips: np.ndarray) -> np.ndarray:
        return np.repeat(clips[:, -1:], 4, 1)

    def faded(clips: np.ndarray) -> np.ndarray:
        return np.full_like(same(clips), 0.5)

    judged = {"colour": colour}
    for name, predict, frames in (("straight", straight, 7), ("same", same, 4), ("faded", faded, 2)):
        found = prediction_error({name: ImageFunction(("seen",), predict, frames)}, films, judged, JUDGES[0])
        assert len(found.psnr) == len(found.copying) == 4
        assert found.seen == min(frames, 5)                           # four frames are to come
        assert found.kept_in_truth == {"colour": 1}
        if name == "straight":
            assert found.score > 90
            assert found.kept["colour"] == [1] * 4
        if name == "same":
            assert found.ahead == pytest.approx(0)
        if name == "faded":
            assert found.ahead < -1
            assert max(found.kept["colour"]) < 0.6


# -- transfer ----------------------------------------------------------------------------------------------------------


def test_a_transfer_counts_numbers_and_leaves_out_what_oracles_cannot_see() -> None:
    codes, factors, numbers = world(400)
    factors["frame"] = np.random.default_rng(2).integers(0, 10, 400)

    def see(images: np.ndarray) -> dict[str, np.ndarray]:
        return {"colour": colour_of(images), "frame": np.zeros(len(images), int)}

    blind = Oracles({"colour": 1.0, "frame": 0.12}, {"colour": 0.25, "frame": 0.11}, 0.5, see)

    def decode(f: np.ndarray) -> np.ndarray:
        return picture(f[:, :4].argmax(1), f[:, 4:] @ np.linalg.inv([[1, 0.3], [0.2, 1]]))

    found = transfer_accuracy(codes, factors, ["colour"], CHUNKS, decode, blind, numbers, JUDGES[1])
    assert found.unseen == ["frame"]
    assert found.score > 0.98
    assert found.chunk == "content"
    assert found.kept["content"]["place"] > 0.98
    assert found.transferred["pose"]["place"] > 0.98
    assert found.varying["pose"] < 0.02
    with pytest.raises(ValueError, match="oracles can't see frame"):
        transfer_accuracy(codes, factors, ["colour"], CHUNKS, decode, blind)
