"""What the metrics of disentanglement say of codes that are known, and do not see."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.svm import LinearSVC

from unbraid_plugins.shared.metrics import (
    beta_vae_score,
    dci,
    explicitness,
    factor_vae_score,
    irs,
    mig,
    modularity,
    sap,
)
from unbraid_plugins.shared.metrics.bootstrap import counts
from unbraid_plugins.shared.metrics.disentanglement import mutual_information as mutual_information_file
from unbraid_plugins.shared.metrics.disentanglement.boosted_trees import boosted_trees
from unbraid_plugins.shared.metrics.disentanglement.dci import completeness, disentanglement
from unbraid_plugins.shared.metrics.disentanglement.groups import sample_rows
from unbraid_plugins.shared.metrics.disentanglement.modularity_explicitness import area_under_roc, modularity_by_number
from unbraid_plugins.shared.metrics.disentanglement.mutual_information import (
    binned,
    contingency,
    entropy,
    information,
    mutual_information,
    resampled_information,
)
from unbraid_plugins.shared.metrics.disentanglement.support_vectors import predicted

PLAIN = [mig, modularity, sap, irs, explicitness]
ALL = [*PLAIN, dci, beta_vae_score, factor_vae_score]
FAST = {dci: {"rounds": 10}, beta_vae_score: {"train_points": 400, "points": 400},
        factor_vae_score: {"train_votes": 400, "votes": 400}}


def score(metric, codes, factors, **options) -> float:
    return metric(codes, factors, **FAST.get(metric, {}), **options).score


def product(*sizes: int) -> np.ndarray:
    return np.stack(np.meshgrid(*(np.arange(n) for n in sizes), indexing="ij"), -1).reshape(-1, len(sizes))


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return product(3, 4, 5, 6)


@pytest.fixture(scope="module")
def mixed(factors) -> np.ndarray:
    """A dense linear mixing: every number knows of every factor."""
    return (factors - factors.mean(0)) / factors.std(0) @ np.random.default_rng(7).normal(size=(4, 10))


class TestGoldenGrid:
    """Three linear codes of dSprites' factors, with values computed by disentanglement_lib on 10,000 + 5,000 points."""

    SIZES = (3, 6, 40, 32, 32)

    @classmethod
    def codes(cls, factors: np.ndarray, name: str) -> np.ndarray:
        u = factors / np.asarray(cls.SIZES) - 0.5
        phase = factors @ np.asarray([1.7, 2.3, 0.9, 1.1, 0.7])
        code = np.concatenate([u, 0.1 * np.sin(phase[:, None] * np.arange(1, 6))], 1)
        if name == "B":
            code[:, 3:5] = np.stack([u[:, 3] - u[:, 4], u[:, 3] + u[:, 4]], 1) * np.sqrt(0.5)
        return u @ np.random.RandomState(7).randn(5, 10) if name == "C" else code

    @classmethod
    def drawn(cls, count: int, random: np.random.RandomState) -> np.ndarray:
        sizes = [min(16, count - i) for i in range(0, count, 16)]
        return np.concatenate([np.stack([random.randint(n, size=s) for n in cls.SIZES], 1) for s in sizes])

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls) -> np.ndarray:
        random = np.random.RandomState(0)
        return np.concatenate([cls.drawn(10_000, random), cls.drawn(5000, random)])

    @pytest.mark.parametrize(("name", "expected"), [
        ("A", (0.894939, 0.842006, 0.999590, 0.802472)), ("B", (0.560086, 0.792416, 0.603829, 0.606380)),
        ("C", (0.103533, 0.908258, 0.219352, 0.483540))])
    def test_closed_forms(self, rows, name, expected):
        train = rows[:10_000]
        codes = self.codes(train, name)
        found = [mig(codes, train), modularity(codes, train),
                 sap(codes, train, continuous=True, train=np.arange(10_000), test=np.arange(1)), irs(codes, train)]
        assert [m.score for m in found] == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize(("name", "gap", "area"), [
        ("B", 0.16744, 0.982035), ("C", 0.04752, 0.984853)])
    def test_classifiers(self, rows, name, gap, area):
        codes, where = self.codes(rows, name), {"train": np.arange(10_000), "test": np.arange(10_000, 15_000)}
        assert sap(codes, rows, **where).score == pytest.approx(gap, abs=1e-3)
        assert explicitness(codes, rows, **where).score == pytest.approx(area, abs=1e-3)

    def test_trees(self):
        """Code C is the negative control: dense mixing."""
        random = np.random.RandomState(0)
        rows = np.concatenate([self.drawn(1000, random), self.drawn(500, random)])
        found = dci(self.codes(rows, "C"), rows, train=np.arange(1000), test=np.arange(1000, 1500))
        assert (found.disentanglement, found.completeness) == pytest.approx((0.15278, 0.12980), abs=0.01)
        assert (found.informativeness_train, found.informativeness) == pytest.approx((0.997, 0.3652), abs=0.02)

    @pytest.mark.parametrize(("name", "pairs", "votes"), [("A", 1, 1), ("B", 0.8112, 0.7986), ("C", 0.9982, 0.9710)])
    def test_samplers(self, rows, name, pairs, votes):
        def sampler(k: int, groups: int, size: int, random: np.random.Generator) -> np.ndarray:
            drawn = random.integers(0, self.SIZES, (groups, size, 5))
            drawn[:, :, k] = drawn[:, :1, k]
            return self.codes(drawn.reshape(-1, 5), name).reshape(groups, size, -1)

        codes = self.codes(rows, name)
        found = beta_vae_score(codes, rows, sampler=sampler, train_points=3000, points=3000)
        assert found.score == pytest.approx(pairs, abs=0.03)
        found = factor_vae_score(codes, rows, sampler=sampler, train_votes=3000, votes=3000)
        assert found.score == pytest.approx(votes, abs=0.03)


class TestByHand:
    def test_gap(self):
        v = product(2, 2)
        found = mig(np.stack([v[:, 0], v[:, 0] + 2 * v[:, 1]], 1), v)
        assert found.information == pytest.approx(np.log(2) * np.asarray([[1, 0], [1, 1]]))
        assert found.gap == pytest.approx([0, 1])
        assert found.score == pytest.approx(0.5)

    def test_modularity(self):
        assert modularity_by_number(np.diag([1.0, 1, 0])).mean() == pytest.approx(2 / 3)
        assert modularity_by_number(np.asarray([[1.0, 1] + [0] * 8])) == pytest.approx([1 - 1 / 9])
        r = np.asarray([[.7, .1, 0], [.1, .6, .1], [.2, .3, .9], [0, 0, 0]])
        assert modularity_by_number(r).mean() == pytest.approx(0.720443, abs=1e-6)

    def test_disentanglement_and_completeness(self):
        r = np.asarray([[.7, .1, 0], [.1, .6, .1], [.2, .3, .9], [0, 0, 0]])
        assert (disentanglement(r), completeness(r)) == pytest.approx((0.351036, 0.513127), abs=1e-6)
        assert (disentanglement(np.eye(10)), completeness(np.eye(10))) == pytest.approx((1, 1))
        assert disentanglement(np.asarray([[1.0, 1] + [0] * 8])) == pytest.approx(1 - np.log(2) / np.log(10))
        assert disentanglement(np.zeros((3, 2))) == pytest.approx(0)

    def test_robustness(self):
        v = product(2, 2)
        found = irs((v[:, 0] + 0.5 * v[:, 1])[:, None], v, quantile=1.0)
        assert found.robustness == pytest.approx(np.asarray([[2 / 3, 1 / 3]]))   # strays 0.25 and 0.5 of 0.75
        assert found.score == pytest.approx(2 / 3)

    @pytest.mark.parametrize("at_once", [1, 10 ** 9])
    def test_the_information_of_resamples_is_that_of_the_images_drawn(self, at_once, monkeypatch):
        monkeypatch.setattr(mutual_information_file, "COUNTS", at_once)
        random = np.random.default_rng(1)
        v = random.integers(0, [6, 2, 11], (80, 3))
        x = np.stack([v[:, 0] + random.normal(size=80), np.ones(80), v[:, 2]], 1)         # the second is constant
        z, found = binned(x, 20), list(resampled_information(x, v, 20, 4, 3))
        for (matrix, entropies), times in zip(found, counts(80, 4, 3), strict=True):
            rows = np.repeat(np.arange(80), times)
            each = [[information(contingency(a[rows], b[rows])) for b in v.T] for a in z.T]
            assert matrix == pytest.approx(np.asarray(each), abs=1e-13)
            assert entropies == pytest.approx(np.asarray([entropy(b[rows]) for b in v.T]), abs=1e-13)

    def test_predictability(self):
        v = product(2, 2)
        rows = np.arange(4)
        assert sap(v + 0.0, v, continuous=True, train=rows, test=rows).score == pytest.approx(1)
        summed = np.stack([v[:, 0], v.sum(1)], 1)
        assert sap(summed, v, continuous=True, train=rows, test=rows).gap == pytest.approx([0.5, 0.5])

    def test_bins(self):
        assert binned(np.asarray([[0.0], [1], [2], [4]]), 4)[:, 0].tolist() == [0, 1, 2, 3]
        assert binned(np.ones(3)).tolist() in ([10] * 3, [0] * 3)


class TestParts:
    """The solvers against scikit-learn's, and what is drawn."""

    def test_groups(self):
        table = product(3, 4, 5)[:50]                                # not every combination
        drawn = sample_rows(table, table)(1, 2000, 3, np.random.default_rng(0))
        assert drawn.shape == (2000, 3, 3)
        assert (drawn[:, 1:, 1] == drawn[:, :1, 1]).all()
        seen = [np.bincount(drawn[:, i] @ [20, 5, 1], minlength=60) for i in range(3)]
        assert all((s[:50] > 15).all() and not s[50:].any() for s in seen)               # 40 of each expected

    @pytest.mark.parametrize("classes", [2, 3, 9])
    def test_machines(self, classes):
        random = np.random.default_rng(classes)
        x = random.normal(size=(5, 400))
        y = np.clip(np.round(x[0] * classes / 3 + random.normal(size=400) * 0.3), 0, classes - 1).astype(int)
        x[1:4] = x[1:4] * [[100], [1e-3], [1]] + y * [[0], [1e-3], [1]] + [[0], [0], [50]]
        x[4] = 1                                                     # a dimension that says nothing
        theirs = LinearSVC(C=0.01, class_weight="balanced", tol=1e-6, dual=False, max_iter=10_000)
        at = np.concatenate([x, np.linspace(x.min(1), x.max(1), 200).T], 1)
        expected = [theirs.fit(own[:, None], y).predict(unseen[:, None]) for own, unseen in zip(x, at, strict=True)]
        assert (predicted(x, y, at) == np.stack(expected)).mean(1) == pytest.approx(1, abs=0.002)
        assert (predicted(x, np.full(400, 7), at) == 7).all()

    @pytest.mark.parametrize("classes", [2, 4])
    def test_trees(self, classes):
        random = np.random.default_rng(classes)
        x = random.normal(size=(300, 3))
        y = np.digitize(x[:, 0] + 0.5 * x[:, 1] ** 2, np.linspace(-0.5, 1.5, classes - 1))
        ours = boosted_trees(x[:200], y[:200], x[200:], y[200:], rounds=20)
        theirs = GradientBoostingClassifier(n_estimators=20).fit(x[:200], y[:200])
        assert ours.importance == pytest.approx(theirs.feature_importances_, abs=0.01)
        assert ours.train == pytest.approx(theirs.score(x[:200], y[:200]), abs=0.01)
        assert ours.test == pytest.approx(theirs.score(x[200:], y[200:]), abs=0.02)

    def test_areas(self):
        random = np.random.default_rng(0)
        p = random.dirichlet(np.ones(3), 60).round(1)
        p[:, 0] += 1 - p.sum(1)
        y = random.integers(0, 3, 60)
        expected = roc_auc_score(y, p, multi_class="ovr")
        assert area_under_roc(p, y, np.arange(3)) == pytest.approx(expected)
        assert area_under_roc(p, np.zeros(60, int), np.arange(3)) == 0.5


class TestCodes:
    @pytest.mark.parametrize("metric", [mig, modularity, irs, explicitness, dci, beta_vae_score, factor_vae_score])
    def test_a_perfect_code(self, metric, factors):
        assert score(metric, factors[:, ::-1] * [1.0, -2, 3, 0.5], factors) == pytest.approx(1, abs=1e-6)

    @pytest.mark.parametrize("metric", ALL)
    def test_a_constant_code_has_chance(self, metric, factors):
        worst = {explicitness: 0.5, beta_vae_score: 0.25}.get(metric, 0)
        assert score(metric, np.full((len(factors), 3), 0.1), factors) == pytest.approx(worst, abs=0.06)

    @pytest.mark.parametrize("metric", ALL)
    def test_the_order_of_numbers_does_not_matter(self, metric, factors, mixed):
        order = np.random.default_rng(1).permutation(10)
        near = 1e-4 if metric in PLAIN else 0.02                     # equally good splits are drawn; fits stop early
        assert score(metric, mixed[:, order], factors) == pytest.approx(score(metric, mixed, factors), abs=near)

    @pytest.mark.parametrize("metric", ALL)
    def test_names_and_order_of_factors_do_not_matter(self, metric, factors, mixed):
        renamed = (factors[:, ::-1] * 3 + 1).astype(np.int16)
        near = 0.08 if metric in (beta_vae_score, factor_vae_score) else 1e-6
        assert score(metric, mixed, renamed) == pytest.approx(score(metric, mixed, factors), abs=near)

    def test_the_negative_control(self, factors, mixed):
        """Dense mixing: MIG, SAP and IRS fall; modularity, explicitness and the scores of groups do not see it."""
        assert score(mig, mixed, factors) < 0.4
        assert score(sap, mixed, factors) < 0.1
        assert score(irs, mixed, factors) < 0.6
        for metric in (modularity, explicitness, beta_vae_score, factor_vae_score):
            assert score(metric, mixed, factors) > 0.8

    def test_the_same_seed_gives_the_same_score(self, factors, mixed):
        for metric in (dci, beta_vae_score, factor_vae_score):
            assert score(metric, mixed, factors, seed=3) == score(metric, mixed, factors, seed=3)

    def test_copies_share_their_importance(self, factors):
        found = dci(np.repeat(factors, 2, axis=1), factors, rounds=30)
        assert found.disentanglement == pytest.approx(1, abs=1e-6)
        assert found.completeness == pytest.approx(1 - np.log(2) / np.log(8), abs=0.05)

    def test_a_number_that_hardly_varies_gets_no_vote(self, factors):
        codes = np.concatenate([factors, 0.01 * factors[:, :1]], 1)
        found = factor_vae_score(codes, factors, train_votes=200, votes=200)
        assert found.active == [0, 1, 2, 3]
        assert found.factor.tolist() == [0, 1, 2, 3, -1]


class TestMistakes:
    @pytest.mark.parametrize("metric", ALL)
    def test_unknown_factors(self, metric, factors):
        with pytest.raises(ValueError, match="1 rows have an unknown factor"):
            metric(factors, np.where(np.arange(360)[:, None] == 3, -1, factors))

    @pytest.mark.parametrize(("codes", "labels", "message"), [
        (np.ones(4), np.ones((4, 1), int), r"codes must be \(N, D\)"),
        (np.ones((4, 2)), np.ones(4, int), r"factors must be \(4, K\)"),
        (np.ones((4, 2)), np.ones((3, 1), int), r"factors must be \(4, K\)"),
        (np.ones((4, 2)), np.ones((4, 1)), "whole numbers.*binned"),
        (np.full((4, 2), np.nan), np.ones((4, 1), int), "4 of 4 codes are not finite")])
    def test_tables(self, codes, labels, message):
        with pytest.raises(ValueError, match=message):
            mig(codes, labels)

    def test_rows(self, factors):
        with pytest.raises(ValueError, match="0 to judge on"):
            sap(factors, factors, train=np.arange(360))

    def test_one_class_and_one_factor(self):
        v = np.zeros((8, 1), int)
        codes = np.arange(8.0)[:, None]
        assert (mig(codes, v).score, explicitness(codes, v).score, sap(codes, v).score) == (0, 0.5, 1)
        assert mutual_information(codes, v).tolist() == [[0]]
