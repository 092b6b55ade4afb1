"""Swap accuracy on worlds whose chunks are exactly the attributes, and on broken ones."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import pytest
import torch

from unbraid_plugins.shared.metrics import oracles, retrieval_map, swap_accuracy
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

CHUNKS = {"row": (0, 4), "shade": (4, 7)}
RNG = np.random.default_rng(0)


def world(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Images of a bar at one of 4 heights in one of 3 shades, with perfect codes."""
    rng = np.random.default_rng(seed)
    row, shade = rng.integers(0, 4, count), rng.integers(0, 3, count)
    codes = np.concatenate([np.eye(4)[row], np.eye(3)[shade]], 1)
    return decode(codes), codes, {"row": row, "shade": shade}


def decode(codes: np.ndarray) -> np.ndarray:
    """(n, 7) -> images (n, 1, 8, 8)."""
    bars = np.repeat(codes[:, :4], 2, 1) * (0.3 + 0.35 * codes[:, 4:].argmax(1, keepdims=True))
    return np.repeat(bars[:, None, :, None], 8, 3).astype(np.float32)


def seen(images: np.ndarray) -> dict[str, np.ndarray]:
    """An oracle that is always right."""
    bars = images[:, 0, ::2, 0]
    return {"row": bars.argmax(1), "shade": np.rint((bars.max(1) - 0.3) / 0.35).astype(int)}


def accuracy(codes: np.ndarray, factors: dict[str, np.ndarray], decoder: Callable[[np.ndarray], np.ndarray]) -> object:
    judge = Oracles({"row": 1.0, "shade": 1.0}, {}, 1.0, seen)
    return swap_accuracy(codes, factors, CHUNKS, decoder, retrieval_map(codes, factors, CHUNKS), judge)


def test_chunks_that_are_attributes_score_one() -> None:
    _, codes, factors = world(200, 0)
    found = accuracy(codes, factors, decode)
    assert found.chunk == {"row": "row", "shade": "shade"}
    assert found.transferred == found.kept == found.rebuilt == {"row": 1.0, "shade": 1.0}
    assert found.score == 1


def test_a_decoder_that_ignores_its_code_scores_nothing() -> None:
    images, codes, factors = world(200, 0)
    own = {codes[i].tobytes(): images[i] for i in range(200)}

    def stubborn(f: np.ndarray) -> np.ndarray:
        """What it was first asked for, pair by pair."""
        fixed.setdefault("images", np.stack([own[c.tobytes()] for c in codes[order[:len(f)]]]))
        return fixed["images"]

    fixed: dict[str, np.ndarray] = {}
    order = np.random.default_rng(0).permutation(200)        # the receivers of seed 0
    found = accuracy(codes, factors, stubborn)
    assert found.transferred == {"row": 0.0, "shade": 0.0}
    assert found.kept == {"row": 1.0, "shade": 1.0}
    assert found.score == 0


def test_a_chunk_that_holds_everything_keeps_no_more_than_chance() -> None:
    _, codes, factors = world(400, 0)
    chunks = {"all": (0, 7), "dead": (7, 8)}
    wide = np.concatenate([codes, np.zeros((400, 1))], 1)
    judge = Oracles({"row": 1.0, "shade": 1.0}, {}, 1.0, seen)
    found = swap_accuracy(wide, factors, chunks, lambda f: decode(f[:, :7]), retrieval_map(wide, factors, chunks),
                          judge)
    assert found.transferred == {"row": 1.0, "shade": 1.0}
    assert found.kept["row"] == pytest.approx(1 / 3, abs=0.08)           # the shade that donor and receiver share
    assert found.kept["shade"] == pytest.approx(1 / 4, abs=0.08)


def test_pairs_that_agree_already_do_not_count_as_transferred() -> None:
    _, codes, factors = world(200, 0)
    same = {"row": np.zeros(200, int), "shade": factors["shade"]}
    codes[:, :4] = np.eye(4)[0]
    assert accuracy(codes, same, decode).transferred == {"row": 0.0, "shade": 1.0}


def test_oracles_learn_attributes_and_leave_the_generators_alone() -> None:
    images, _, factors = world(150, 1)
    train_images, _, train_factors = world(300, 2)
    noisy = [np.clip(i + RNG.normal(0, 0.03, i.shape), 0, 1).astype(np.float32) for i in (images, train_images)]
    before = torch.get_rng_state()
    found = oracles(noisy[0], factors, noisy[1], train_factors, steps=60)
    assert torch.equal(torch.get_rng_state(), before)
    assert found.score > 0.97
    np.testing.assert_array_equal(found.see(noisy[0])["row"] == factors["row"],
                                  oracles(noisy[0], factors, noisy[1], train_factors, steps=60).see(noisy[0])["row"]
                                  == factors["row"])
    assert attrs.fields(Oracles).see.metadata["hidden"]


def test_oracles_that_learned_shuffled_labels_are_no_better_than_chance() -> None:
    images, _, factors = world(200, 1)
    train_images, _, train_factors = world(300, 2)
    shuffled = {name: RNG.permutation(y) for name, y in train_factors.items()}
    found = oracles(images, factors, train_images, shuffled, steps=40)
    assert found.score < np.mean(list(found.chance.values())) + 0.15
