"""Edit control and realism on worlds whose chunks are exactly the attributes, and on broken ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unbraid_plugins.shared.metrics import edit_control, oracles, realism
from unbraid_plugins.shared.metrics.edits.edit_control import control_of
from unbraid_plugins.shared.metrics.edits.oracles import Oracles

CHUNKS = {"row": (0, 4), "shade": (4, 7), "dead": (7, 9)}
DEAD = np.random.default_rng(9).normal(size=(400, 2))


def decode(codes: np.ndarray) -> np.ndarray:
    """(n, D) -> images (n, 1, 8, 8): a bar at one of 4 heights in one of 3 shades."""
    bars = np.repeat(codes[:, :4], 2, 1) * (0.3 + 0.35 * codes[:, 4:7].argmax(1, keepdims=True))
    return np.repeat(bars[:, None, :, None], 8, 3).astype(np.float32)


def seen(images: np.ndarray) -> dict[str, np.ndarray]:
    """An oracle that is always right."""
    bars = images[:, 0, ::2, 0]
    return {"row": bars.argmax(1), "shade": np.rint((bars.max(1) - 0.3) / 0.35).astype(int)}


def sure(images: np.ndarray) -> dict[str, np.ndarray]:
    """The same as probabilities."""
    return {name: np.eye(4)[y] for name, y in seen(images).items()}


def evidence(count: int = 400, **changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    row, shade = rng.integers(0, 4, count), rng.integers(0, 3, count)
    codes = np.concatenate([np.eye(4)[row], np.eye(3)[shade], DEAD[:count]], 1)
    return {"images": decode(codes), "codes": codes, "factors": {"row": row, "shade": shade}, "chunks": CHUNKS,
            "decode": decode, "oracles": Oracles({}, {}, 1.0, seen, sure), **changed}


def test_chunks_that_are_attributes_score_one() -> None:
    found = edit_control(**evidence())
    assert found.best == found.one_to_one == {"row": "row", "shade": "shade"}
    assert found.moved.tolist() == found.reached.tolist() == [[1, 0], [0, 1], [0, 0]]
    assert found.matrix.tolist() == [[1, 0], [0, 1]]
    assert found.by_factor == {"row": 1, "shade": 1}
    assert found.score == 1


def test_oracles_without_probabilities_judge_the_same() -> None:
    hard = edit_control(**evidence(oracles=Oracles({}, {}, 1.0, seen)))
    assert hard.moved.tolist() == edit_control(**evidence()).moved.tolist()


def test_a_decoder_that_ignores_its_code_has_no_control() -> None:
    found = edit_control(**evidence(decode=lambda f: np.full((len(f), 1, 8, 8), 0.3)))
    assert not found.moved.any()
    assert found.score == 0


def test_a_chunk_that_holds_everything_has_a_share_for_each() -> None:
    found = edit_control(**evidence(chunks={"all": (0, 7), "dead": (7, 9)}))
    assert found.moved.tolist() == [[1, 1], [0, 0]]
    assert found.control.tolist() == [[0.5, 0], [0.5, 0]]
    assert found.best == {"row": "all", "shade": "all"}
    assert found.score == 0.25                                       # one factor is left with the dead chunk


def test_junk_moves_but_does_not_reach() -> None:
    def turned(codes: np.ndarray) -> np.ndarray:
        """The row's chunk is read, but sets the row after it."""
        return decode(np.concatenate([codes[:, [3, 0, 1, 2]], codes[:, 4:]], 1))

    found = edit_control(**evidence(decode=turned))
    assert found.moved[0, 0] == 1
    assert not found.reached[0].any()
    assert found.reached[1].tolist() == found.moved[1].tolist() == [0, 1]


def test_movement_is_relative_to_what_oracles_tell_apart() -> None:
    def unsure(images: np.ndarray) -> dict[str, np.ndarray]:
        beliefs = sure(images)
        return {"row": 0.5 * beliefs["row"] + 0.125, "shade": 0.05 * beliefs["shade"] + 0.2375}

    found = edit_control(**evidence(oracles=Oracles({}, {}, 1.0, seen, unsure)))
    assert found.visible == pytest.approx([0.5, 0.05])
    assert found.moved == pytest.approx(np.asarray([[1, 0], [0, 1], [0, 0]]))
    assert found.by_factor == {"row": pytest.approx(1)}              # the shade is hardly seen
    assert found.score == pytest.approx(1)


def test_unknown_factors_and_bootstrap() -> None:
    given = evidence()
    given["factors"]["shade"] = np.full(400, -1)
    assert edit_control(**given).by_factor == {"row": 1}
    half = evidence(decode=lambda f: decode(np.where(f[:, 7:8] > 0, f, evidence()["codes"][0])))
    found = edit_control(**half, resamples=50)
    assert 0.1 < found.score < 0.9
    assert found.resampled.shape == (50,)
    assert np.quantile(found.resampled, 0.02) < found.score < np.quantile(found.resampled, 0.98)
    assert edit_control(**half, seed=3).score == edit_control(**half, seed=3).score != found.score


def test_the_bootstrap_is_as_wide_as_a_share_of_pairs() -> None:
    given = evidence(decode=lambda f: decode(np.where(f[:, 7:8] > 0, f, evidence()["codes"][0])))
    given["factors"]["shade"] = np.full(400, -1)
    found = edit_control(**given, resamples=200)                     # half of the pairs can be edited at all
    pairs = 400 * 3 / 4                                              # that differ in the row
    assert found.score == found.moved[0, 0] == pytest.approx(0.5, abs=0.1)
    assert found.resampled.std() == pytest.approx(np.sqrt(found.score * (1 - found.score) / pairs), rel=0.2)


def test_only_pairs_that_differ_count() -> None:
    def shaken(codes: np.ndarray) -> np.ndarray:
        """The dead chunk's sign moves the row by one."""
        rows = np.where(codes[:, 7:8] > 0, np.roll(codes[:, :4], 1, 1), codes[:, :4])
        return decode(np.concatenate([rows, codes[:, 4:]], 1))

    given = evidence(decode=shaken)
    order = np.random.default_rng(0).permutation(400)                # the pairs of seed 0
    a, b = order, np.roll(order, 1)
    differ = given["factors"]["row"][a] != given["factors"]["row"][b]
    turned = (DEAD[a, 0] > 0) != (DEAD[b, 0] > 0)
    assert edit_control(**given).moved[2].tolist() == [pytest.approx(turned[differ].mean()), 0]


def test_renaming_chunks_and_factors_changes_nothing() -> None:
    given = evidence(decode=lambda f: decode(np.concatenate([f[:, :4], np.roll(f[:, 4:7], 1, 1) + f[:, :3]], 1)))
    found = edit_control(**given)
    turned = {**given, "chunks": dict(reversed(CHUNKS.items())), "factors": dict(reversed(given["factors"].items()))}
    again = edit_control(**turned)
    np.testing.assert_allclose(again.moved[::-1, ::-1], found.moved)
    assert again.score == pytest.approx(found.score)
    assert 0 < found.score < 1


def test_what_cannot_be_edited_is_refused() -> None:
    with pytest.raises(ValueError, match="two images at least"):
        edit_control(**evidence(1))
    with pytest.raises(ValueError, match="399 images and 400 codes"):
        edit_control(**evidence(images=np.zeros((399, 1, 8, 8))))
    assert control_of(np.zeros((2, 3))).tolist() == np.zeros((3, 2)).tolist()


class TestRealism:
    @staticmethod
    def features(images: np.ndarray) -> np.ndarray:
        return images[:, 0, ::2, ::4].reshape(len(images), -1)

    def given(self, **changed: Any) -> dict[str, Any]:
        given = evidence(oracles=Oracles({}, {}, 1.0, seen, sure, self.features), **changed)
        given.pop("factors")
        return {**given, "reconstructions": given["decode"](given["codes"])}

    def test_mixing_independent_chunks_gives_real_images(self) -> None:
        found = realism(**self.given())
        assert found.frechet["rebuilt"] == pytest.approx(0, abs=1e-9)
        assert found.score == found.frechet["mixed"] < 0.02
        assert set(found.kernel) == {"mixed", "rebuilt"}
        assert realism(**self.given(), train_images=evidence()["images"][:50]).images == 50

    def test_chunks_that_depend_on_each_other_do_not_mix(self) -> None:
        given = self.given()
        codes = given["codes"]
        codes[:, 4:7] = np.eye(3)[codes[:, :4].argmax(1) % 3]        # the shade follows from the row
        given["images"] = given["reconstructions"] = decode(codes)
        found = realism(**given)
        assert found.frechet["rebuilt"] == pytest.approx(0, abs=1e-9)
        assert found.score > 5 * realism(**self.given()).score

    def test_blurred_reconstructions_are_farther(self) -> None:
        dull = self.given(decode=lambda f: 0.5 * decode(f))
        assert realism(**dull).frechet["rebuilt"] > 0.1

    def test_oracles_must_have_features(self) -> None:
        with pytest.raises(ValueError, match="give no features"):
            realism(**self.given() | {"oracles": Oracles({}, {}, 1.0, seen)})

    def test_those_of_trained_oracles(self) -> None:
        given = evidence(200)
        found = oracles(given["images"], given["factors"], given["images"], given["factors"], steps=5)
        assert found.features is not None
        assert found.believe is not None
        assert found.features(given["images"]).shape == (200, 96)
        beliefs = found.believe(given["images"])
        assert beliefs["row"].sum(1) == pytest.approx(np.ones(200), abs=1e-5)
        assert (beliefs["row"].argmax(1) == found.see(given["images"])["row"]).all()
