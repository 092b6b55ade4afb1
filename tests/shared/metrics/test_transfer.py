"""Transfer accuracy and reference agreement on worlds where they are known: perfect, shortcut, ambiguous, lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import reference_agreement, transfer_accuracy
from unbraid_plugins.shared.metrics.edits.oracles import Oracles
from unbraid_plugins.shared.metrics.edits.reference_agreement import ReferenceAgreement
from unbraid_plugins.shared.metrics.edits.transfer_accuracy import TransferAccuracy

COLOURS, SHAPES, PLACES, STEPS = 3, 4, 5, 12
CHUNKS = {"varying": (0, PLACES), "common": (PLACES, PLACES + COLOURS + SHAPES)}


def world(count: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Codes whose chunks are exactly what varies (a place) and what is common (colour and shape)."""
    rng = np.random.default_rng(seed)
    y = {"place": rng.integers(0, PLACES, count), "colour": rng.integers(0, COLOURS, count),
         "shape": rng.integers(0, SHAPES, count)}
    return np.concatenate([np.eye(PLACES)[y["place"]], np.eye(COLOURS)[y["colour"]], np.eye(SHAPES)[y["shape"]]], 1), y


def drawn(codes: np.ndarray) -> np.ndarray:
    """(n, 12) -> images (n, 1, 1, 12) that show all of it."""
    return codes[:, None, None, :]


def transfer(codes: np.ndarray, factors: dict[str, np.ndarray], decode: Callable[[np.ndarray], np.ndarray] = drawn,
             chunks: dict[str, tuple[int, int]] = CHUNKS, **options: int) -> TransferAccuracy:
    def see(images: np.ndarray) -> dict[str, np.ndarray]:
        place, colour, shape = np.split(images[:, 0, 0], [PLACES, PLACES + COLOURS], axis=1)
        return {"place": place.argmax(1), "colour": colour.argmax(1), "shape": shape.argmax(1)}

    oracles = Oracles({"place": 1.0, "colour": 1.0, "shape": 1.0}, {}, 1.0, see)
    return transfer_accuracy(codes, factors, ["shape", "colour"], chunks, decode, oracles, **options)


def test_exact_chunks_transfer_the_common_factor_alone() -> None:
    found = transfer(*world(300))
    assert found.score == 1
    assert found.chunk == "common"
    assert found.shared == ["colour", "shape"]
    assert found.common == {"varying": 0.0, "common": 1.0}
    assert found.varying == {"varying": 0.0, "common": 1.0}
    assert found.best == {"place": "varying", "colour": "common", "shape": "common"}


def test_in_the_shortcut_nothing_is_transferred() -> None:
    codes, factors = world(300)
    everything = np.concatenate([codes, np.zeros((300, 2))], 1)
    found = transfer(everything, factors, lambda f: drawn(f[:, :12]), {"varying": (0, 12), "common": (12, 14)})
    assert found.common["common"] == 0
    assert found.varying["common"] == 1
    assert found.common["varying"] == 1
    assert found.varying["varying"] == 0
    assert found.score == 0


def test_half_of_the_common_factor_is_half_of_the_score() -> None:
    codes, factors = world(300)
    order = [*range(PLACES), *range(PLACES + COLOURS, 12), *range(PLACES, PLACES + COLOURS)]  # shape, then colour
    found = transfer(codes[:, order], factors, lambda f: drawn(f[:, np.argsort(order)]),
                     {"varying": (0, PLACES), "shape": (PLACES, PLACES + SHAPES), "rest": (PLACES + SHAPES, 12)})
    assert found.score == pytest.approx(0.5)


def test_the_interval_holds_the_score_and_unknown_labels_do_not_count() -> None:
    codes, factors = world(300)
    worse = codes.copy()
    worse[:60, PLACES:] = np.roll(worse[:60, PLACES:], 7, 0)
    found = transfer(worse, factors, resamples=100)
    low, high = np.quantile(found.resampled, [0.025, 0.975])
    assert low < found.score < high < 1
    assert high - low < 0.2
    assert transfer(codes, factors | {"place": np.full(300, -1)}).varying["common"] == 0


@pytest.mark.parametrize("shared", [[], ["place", "colour", "shape"]])
def test_it_needs_what_is_shared_and_what_is_not(shared: list[str]) -> None:
    codes, factors = world(20)
    with pytest.raises(ValueError, match=f"found {len(shared)}, {3 - len(shared)} and 2"):
        transfer_accuracy(codes, factors, shared, CHUNKS, drawn, Oracles({}, {}, 1.0, lambda x: {}))


def agreement(angle: Callable[[np.ndarray, np.ndarray], np.ndarray], objects: int = 4,
              noise: float = 0) -> ReferenceAgreement:
    """Of discs that show their azimuth, each object in a corner of its own: `angle(azimuth, object)` is what a decoder
    shows.
    """
    kinds, steps = (a.reshape(-1) for a in np.meshgrid(np.arange(objects), np.arange(STEPS), indexing="ij"))
    azimuths = (2 * np.pi / STEPS * steps + noise * np.random.default_rng(0).normal(size=steps.shape)) % (2 * np.pi)

    def render(azimuth: np.ndarray, kind: np.ndarray) -> np.ndarray:
        return np.stack([np.cos(azimuth), np.sin(azimuth), kind], 1)[:, :, None, None]

    codes = np.stack([azimuths, kinds], 1).astype(float)
    best = TransferAccuracy([], "object", {}, {}, {}, {}, {}, {}, 1.0)
    return reference_agreement(render(azimuths, kinds), codes, {"mesh": kinds}, azimuths, ["mesh"],
                               {"view": (0, 1), "object": (1, 2)}, lambda f: render(angle(f[:, 0], f[:, 1]), f[:, 1]),
                               best)


def test_objects_of_one_reference_agree() -> None:
    found = agreement(lambda azimuth, kind: azimuth)
    assert found.score == found.rebuilt == 1
    assert found.ambiguity == 0
    assert not found.mirrored.any()
    assert found.chance == 0.25


def test_objects_that_turn_the_other_way_round_are_ambiguous() -> None:
    found = agreement(lambda azimuth, kind: np.where(kind == 3, -azimuth, azimuth))
    assert found.mirrored[3].all()
    assert not found.mirrored[:3].any()
    assert found.agreement[:3].min() == 1
    assert found.agreement[3].max() <= 0.5
    assert found.gauged.min() == 1
    assert found.ambiguity == pytest.approx(1 - found.score)
    assert found.ambiguity > 0.1


def test_objects_that_are_turned_are_ambiguous_without_a_mirror() -> None:
    found = agreement(lambda azimuth, kind: azimuth + np.pi / 2 * (kind == 0))
    assert found.agreement[0].max() == 0
    assert found.gauged.min() == 1
    assert not found.mirrored.any()


def test_rounding_of_angles_makes_no_finer_steps() -> None:
    found = agreement(lambda azimuth, kind: azimuth, noise=1e-9)
    assert found.chance == 0.25


def test_lost_viewpoints_are_no_ambiguity() -> None:
    rng = np.random.default_rng(0)
    found = agreement(lambda azimuth, kind: rng.uniform(0, 2 * np.pi, len(azimuth)), objects=8)
    assert found.score == pytest.approx(found.chance, abs=0.06)
    assert found.gauged.mean() < 0.65


def test_a_reference_needs_two_objects() -> None:
    with pytest.raises(ValueError, match="two objects at least; found 1"):
        agreement(lambda azimuth, kind: azimuth, objects=1)
