"""Retrieval by chunks against scikit-learn's average precision, and on codes whose score is known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier

from unbraid_plugins.shared.metrics import nearest_neighbour_accuracy, retrieval_map

CHUNKS = {"a": (0, 4), "b": (4, 7), "noise": (7, 10)}


def labels(count: int, classes: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, classes, count)


@pytest.fixture
def known() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A code whose chunk a is the factor shape and b the factor colour, one-hot."""
    shape, colour = labels(120, 4, 1), labels(120, 3, 2)
    noise = np.random.default_rng(3).normal(size=(120, 3))
    return np.concatenate([np.eye(4)[shape], np.eye(3)[colour], noise], 1), {"shape": shape, "colour": colour}


def reference(codes: np.ndarray, y: np.ndarray) -> float:
    """The same from scikit-learn, query by query."""
    found = []
    for i in range(len(codes)):
        others = np.arange(len(codes)) != i
        relevant = y[others] == y[i]
        if relevant.any():
            distance = ((codes[others] - codes[i]) ** 2).sum(1).round(9)
            found.append(average_precision_score(relevant, -distance))
    return float(np.mean(found))


@pytest.mark.parametrize("decimals", [6, 1, 0])              # at 0 most images have many others at the same distance
@pytest.mark.parametrize("classes", [5, 30])                 # of 30 classes, some have one or two images
def test_average_precision_is_that_of_scikit_learn(decimals: int, classes: int) -> None:
    codes = np.random.default_rng(0).normal(size=(60, 2)).round(decimals)
    y = labels(60, classes, 1)
    found = retrieval_map(codes, {"y": y})
    assert found.at("y", "code") == pytest.approx(reference(codes, y), abs=1e-9)


def test_an_example_by_hand() -> None:
    codes = np.asarray([[0.0], [1.0], [3.0], [7.0]])
    found = retrieval_map(codes, {"y": np.asarray([0, 1, 0, 0])})
    # query 0 finds 1x, 3, 7: (1/2 + 2/3) / 2; query 3.0 finds 1x, 0, 7: the same; query 7 finds 3, 1x, 0: (1 + 2/3) / 2
    assert found.at("y", "code") == pytest.approx((7 / 12 + 7 / 12 + 10 / 12) / 3)
    assert found.chance["y"] == pytest.approx(2 / 3)        # the query that is alone in its class is left out


def test_a_perfect_chunk_scores_one_and_is_assigned(known: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    found = retrieval_map(*known, CHUNKS)
    assert found.at("shape", "a") == found.at("colour", "b") == 1
    assert found.best == found.one_to_one == {"shape": "a", "colour": "b"}
    assert found.score == found.score_one_to_one == 1
    for factor in ("shape", "colour"):
        assert found.at(factor, "noise") == pytest.approx(found.chance[factor], abs=0.05)


def test_shuffled_rows_fall_to_chance(known: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    codes, factors = known
    shuffled = retrieval_map(np.random.default_rng(5).permutation(codes), factors, CHUNKS)
    assert shuffled.score < np.mean(list(shuffled.chance.values())) + 0.1


def test_a_constant_code_gives_exactly_chance() -> None:
    y = np.sort(labels(700, 4, 0))                           # in order, so that the order of rows would tell
    found = retrieval_map(np.ones((700, 2)), {"y": y})
    assert found.at("y", "code") == pytest.approx(found.chance["y"], abs=1e-12)
    assert nearest_neighbour_accuracy(np.ones((700, 2)), {"y": y}).score == pytest.approx(found.chance["y"], abs=1e-12)


def test_the_order_of_images_does_not_matter(known: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    codes, factors = known
    order = np.random.default_rng(7).permutation(len(codes))
    moved = retrieval_map(codes[order], {n: y[order] for n, y in factors.items()}, CHUNKS)
    np.testing.assert_allclose(moved.matrix, retrieval_map(codes, factors, CHUNKS).matrix, atol=1e-12)


def test_unknown_classes_are_left_out(known: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    codes, factors = known
    rows = np.arange(0, 120, 2)
    partly = np.where(np.isin(np.arange(120), rows), factors["shape"], -1)
    found = retrieval_map(codes, {"shape": partly, "colour": factors["colour"]}, CHUNKS)
    alone = retrieval_map(codes[rows], {"shape": factors["shape"][rows]}, CHUNKS)
    np.testing.assert_allclose(found.matrix[0], alone.matrix[0])
    assert found.chance["shape"] == alone.chance["shape"]


def test_with_fewer_chunks_than_factors_the_rest_counts_as_chance() -> None:
    y = labels(90, 3, 0)
    found = retrieval_map(np.eye(3)[y], {"one": y, "two": labels(90, 2, 1)})
    assert found.one_to_one == {"one": "code"}
    assert found.score_one_to_one == pytest.approx((1 + found.chance["two"]) / 2)


def test_more_images_than_a_block(known: tuple[np.ndarray, dict[str, np.ndarray]]) -> None:
    y = labels(1100, 6, 0)
    assert retrieval_map(np.eye(6)[y], {"y": y}).score == 1
    assert nearest_neighbour_accuracy(np.eye(6)[y], {"y": y}).score == 1


def test_nearest_neighbours_by_hand() -> None:
    codes = np.asarray([[0.0], [1.0], [1.0], [5.0]])
    found = nearest_neighbour_accuracy(codes, {"y": np.asarray([0, 0, 1, 1])})
    # of 0: both at 1, half agrees; the first 1.0: the other one, not; the second: not; of 5: both, half agrees
    assert found.score == pytest.approx((0.5 + 0 + 0 + 0.5) / 4)


@pytest.mark.parametrize("neighbours", [1, 2, 5, 90])
def test_neighbours_among_other_rows_are_those_of_scikit_learn(neighbours: int) -> None:
    codes, y = np.random.default_rng(1).normal(size=(130, 2)), labels(130, 4, 2)
    codes[:, 0] += y
    train, test = np.arange(90), np.arange(90, 130)
    theirs = KNeighborsClassifier(neighbours).fit(codes[train], y[train]).score(codes[test], y[test])
    for rows in ({"train": train}, {"test": test}, {"train": train, "test": test}):
        found = nearest_neighbour_accuracy(codes, {"y": y}, neighbours=neighbours, **rows)
        assert found.score == pytest.approx(theirs, abs=1e-12)


def test_votes_by_hand() -> None:
    codes = np.asarray([[0.0], [1.0], [2.0], [2.0], [9.0]])
    y = np.asarray([1, 0, 0, 1, 1])
    # asked 0 with three votes: 1.0 for class 0, each of both 2.0 for its own
    assert nearest_neighbour_accuracy(codes, {"y": y}, test=np.asarray([0]), neighbours=3).score == 0
    # with two votes: 1.0 for class 0, half a vote each of both 2.0
    assert nearest_neighbour_accuracy(codes, {"y": np.asarray([0, 0, 0, 1, 1])}, test=np.asarray([0]),
                                      neighbours=2).score == 1
    # with three votes, 1.0 for class 0, a whole vote each of both 2.0
    assert nearest_neighbour_accuracy(codes, {"y": np.asarray([1, 0, 1, 1, 1])}, test=np.asarray([0]),
                                      neighbours=3).score == 1
    # class 0 and 1 equally often: the first of them
    assert nearest_neighbour_accuracy(codes, {"y": y}, test=np.asarray([4]), neighbours=2).score == 0


def test_rows_of_unknown_class_are_neither_searched_nor_asked_for() -> None:
    codes, y = np.asarray([[0.0], [1.0], [1.1], [5.0], [5.2]]), np.asarray([0, 0, -1, 1, -1])
    found = nearest_neighbour_accuracy(codes, {"y": y}, train=np.asarray([0, 2, 3]), test=np.asarray([1, 4]))
    assert found.score == 1                                  # 1.1 is nearest, but unknown; then 0, of the same class
    with pytest.raises(ValueError, match="one at least"):
        nearest_neighbour_accuracy(codes, {"y": y}, neighbours=0)


def test_angles_know_no_lengths() -> None:
    codes, y = np.random.default_rng(4).normal(size=(80, 3)), labels(80, 3, 1)
    stretched = codes * np.random.default_rng(5).uniform(0.1, 9, (80, 1))
    found = retrieval_map(stretched, {"y": y}, distance="cosine").score
    assert found == pytest.approx(retrieval_map(codes, {"y": y}, distance="cosine").score, abs=1e-12)
    assert found != pytest.approx(retrieval_map(stretched, {"y": y}).score, abs=1e-3)
    directions = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    assert found == pytest.approx(retrieval_map(directions, {"y": y}).score, abs=1e-12)
    assert retrieval_map(np.zeros((80, 3)), {"y": y}, distance="cosine").chance["y"] == pytest.approx(
        retrieval_map(np.zeros((80, 3)), {"y": y}, distance="cosine").score)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'y' has the shape \(3,\)"):
        retrieval_map(np.zeros((4, 2)), {"y": np.zeros(3, int)})
    with pytest.raises(ValueError, match="'a' has the columns 0 to 5"):
        retrieval_map(np.zeros((4, 2)), {"y": np.zeros(4, int)}, {"a": (0, 5)})
    with pytest.raises(ValueError, match="4 of 4 codes are not finite"):
        nearest_neighbour_accuracy(np.full((4, 2), np.inf), {"y": np.zeros(4, int)})
    with pytest.raises(ValueError, match="'euclidean' or 'cosine'"):
        retrieval_map(np.zeros((4, 2)), {"y": np.zeros(4, int)}, distance="taxi")  # type: ignore[arg-type]
