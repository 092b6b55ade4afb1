"""The suite for metrics, beside those of `unbraid.testing`."""

from __future__ import annotations

from typing import Any

import numpy as np

from unbraid.testing import ComponentSuite
from unbraid_plugins.tools.evaluation.evidence import EVIDENCE, Evidence
from unbraid_plugins.tools.evaluation.metric_runner import result_json
from unbraid_registry import inputs_of


class MetricSuite(ComponentSuite):
    """The suite of a metric: subclass it, name the `component`, and pytest runs its tests.

    Override `evidence()` where the metric asks for another metric, or for evidence of another kind.
    """

    kind = "metric"

    def evidence(self) -> Evidence:
        """Return evidence of 60 images with two factors and of a code that knows them."""
        dice = np.random.default_rng(0)
        factors = {"shape": np.arange(60) % 3, "pose": np.arange(60) // 3 % 4}
        codes = np.stack([factors["shape"], factors["pose"], *dice.normal(size=(2, 60))], 1).astype(np.float64)

        def decode(f: np.ndarray) -> np.ndarray:
            return np.clip(np.repeat(f[:, :3] / 4, 64, 1).reshape(-1, 3, 8, 8), 0, 1)

        images = decode(codes)
        found: Evidence = {"factors": factors, "codes": codes, "images": images, "reconstructions": images,
                           "decode": decode, "chunks": {"a": (0, 1), "b": (1, 2), "rest": (2, 4)}, "device": "cpu"}
        return found | {f"train_{name}": found[name] for name in ("factors", "codes", "images")}

    def call(self) -> Any:
        """Return the metric's result for the evidence."""
        known, given = self.evidence(), {}
        for p in inputs_of(self.described):
            if p.name in known:
                given[p.name] = known[p.name]
            else:
                assert p.default is not p.empty, f"the suite has no {p.name!r}: give it in `evidence()`"
        if self.described.is_class:
            return self.target(**self.options)(**given)
        return self.target(**given, **self.options)

    def test_asks_for_what_there_can_be(self) -> None:
        """Check that parameters name evidence, or metrics that the suite's `evidence()` has."""
        odd = [p.name for p in inputs_of(self.described) if p.name not in EVIDENCE and p.name not in self.evidence()]
        assert not odd, f"{odd[0]!r} is no evidence; a metric of this name must be in the suite's `evidence()`"

    def test_gives_a_score(self) -> None:
        """Check that the result is a number, or has a number as `score`."""
        score = result_json(self.call()).get("score")
        assert isinstance(score, int | float), f"its score is {score!r}; expected a finite number"

    def test_gives_the_same_twice(self) -> None:
        """Check that the same evidence gives the same result: random numbers come from the option `seed`."""
        assert result_json(self.call()) == result_json(self.call()), "a second call gives another result"

    def test_leaves_its_evidence_alone(self) -> None:
        """Check that no array of the evidence is changed: all metrics and arms share it."""
        known = self.evidence()
        before = {name: np.copy(v) for name, v in known.items() if isinstance(v, np.ndarray)}
        self.evidence = lambda: known  # type: ignore[method-assign]
        self.call()
        changed = [name for name, v in before.items() if not np.array_equal(v, known[name])]
        assert not changed, f"it changes {', '.join(changed)}"
