"""The choice of the rows of a batch: a pure function of (seed, step, round, draw, rank)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from unbraid.data.draws import DrawPlan, rows_where
from unbraid.data.errors import DataError
from unbraid.data.images import Clips, Images
from unbraid.data.partners import Partners, joint_codes
from unbraid.values import stream


class Sampler:
    """A sampler of the rows of one split.

    A row is drawn only where every image that is related to it can be drawn too; `notes` counts the rows that this
    leaves out. Raises DataError where no row is left.
    """

    def __init__(self, split: str, plans: Mapping[str, DrawPlan], images: Mapping[str, Images],
                 rows: Mapping[str, np.ndarray], *, batch: int, seed: int, rank: int, world: int) -> None:
        self.split, self.plans, self.images = split, plans, images
        self.batch, self.seed, self.rank, self.world = batch, seed, rank, world
        self.notes: list[str] = []
        self._clips = {name: Clips(images[name]) for name in {p.source for p in plans.values()}
                       if images[name].has_clips}
        self._epochs = Epochs()
        self._partners: dict[str, Partners] = {}
        self._members: dict[str, Partners] = {}
        self._allowed: dict[str, np.ndarray] = {}
        for plan in reversed(list(plans.values())):
            self._allowed[plan.name] = self._allow(plan, rows[plan.source])
        self._roots = {p.name: np.flatnonzero(self._allowed[p.name]) for p in plans.values() if p.parent is None}
        if split == "train":
            self.notes += [f"{name}: a batch of {batch * world:,} has some of {len(roots):,} images several times"
                           for name, roots in self._roots.items() if batch * world > len(roots)]

    def rows(self, step: int, round: int, name: str) -> np.ndarray:
        """Return the rows of a draw, (B, count); count is 1 for a single image."""
        firsts = self._firsts(step, round, name)
        plan = self.plans[name]
        if plan.draw.frames is not None:
            clips = self._clips[plan.source]
            return np.stack([clips.after(firsts, k) for k in range(plan.draw.frames)], 1)
        if (plan.count or 1) == 1 or plan.draw.next is not None:
            return firsts[:, None]
        random = stream(self.seed, self.split, "set", name, step, round, self.rank)
        if plan.parent is None:
            others = self._members[name].pick(firsts, (plan.count or 1) - 1, random)
            return np.concatenate([firsts[:, None], others], 1)
        first = self._firsts(step, round, plan.parent)
        return self._partners[name].pick(first, plan.count or 1, random)

    def _firsts(self, step: int, round: int, name: str) -> np.ndarray:
        """Return the first row of every sample of a draw, (B,): by epochs, or by its relation to another draw."""
        plan = self.plans[name]
        if plan.parent is None:
            roots = self._roots[name]
            positions = (step * self.world + self.rank) * self.batch + np.arange(self.batch)
            return roots[self._epochs.at(positions, len(roots), self.seed, self.split, name, round)]
        parents = self._firsts(step, round, plan.parent)
        if plan.draw.next is not None:
            return self._clips[plan.source].after(parents, plan.draw.next)
        kind = "set" if (plan.draw.count or 1) > 1 else "row"
        random = stream(self.seed, self.split, kind, name, step, round, self.rank)
        count = plan.draw.count or 1
        return self._partners[name].pick(parents, count, random)[:, 0]

    def _allow(self, plan: DrawPlan, split: np.ndarray) -> np.ndarray:
        """Return (N,) booleans: the rows that may be the first image of a draw."""
        images, base = self.images[plan.source], np.zeros(len(self.images[plan.source]), bool)
        base[split] = True
        if not base.any():
            raise DataError(f"{plan.where}the split {self.split!r} of the source {plan.source!r} is empty")
        for factor, wanted in plan.draw.where.items():
            base &= rows_where(plan, images, factor, wanted)
        if not base.any():
            raise DataError(f"{plan.where}no image of the split {self.split!r} is as `where` asks: {plan.draw.where}")
        allowed = base.copy()
        if plan.draw.frames is not None:
            allowed = self._followed(plan, allowed, plan.draw.frames - 1)
        elif plan.parent is None and (plan.count or 1) > 1:
            same = joint_codes([images.fields[f] for f in plan.draw.same]) if plan.draw.same else None
            partners = self._members[plan.name] = Partners(same, [], base, len(images), itself=True)
            allowed = self._narrow(plan, allowed, partners.size > 0, plan.name,
                                   f"every one is alone with its {_listed(plan.draw.same)}")
        for child in self.plans.values():
            if child.parent == plan.name:
                allowed = self._narrow(plan, allowed, *self._possible(child, plan))
        return allowed

    def _possible(self, child: DrawPlan, plan: DrawPlan) -> tuple[np.ndarray, str, str]:
        """Return (N,) booleans: the rows of `plan` with a `child`; the child's name; the problem of the other rows."""
        d, allowed = child.draw, self._allowed[child.name]
        if d.next is not None:
            after = self._clips[plan.source].after(np.arange(len(self.images[plan.source])), d.next)
            return (after >= 0) & allowed[after], child.name, f"no clip is long enough for `next: {d.next}`"
        own, first = self.images[child.source].fields, self.images[plan.source].fields
        itself = child.source == plan.source

        def codes(factors: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
            return joint_codes([own[f] for f in factors], None if itself else [first[f] for f in factors])

        partners = Partners(codes(d.same) if d.same else None, [codes((f,)) for f in d.different], allowed,
                            len(self.images[plan.source]), itself)
        self._partners[child.name] = partners
        relation = " and ".join([f"the same {_listed(d.same)}"] * bool(d.same)
                                + [f"another {_listed(d.different)}"] * bool(d.different))
        return partners.size > 0, child.name, f"no other image has {relation}"

    def _followed(self, plan: DrawPlan, allowed: np.ndarray, k: int) -> np.ndarray:
        clips, rows = self._clips[plan.source], np.arange(len(allowed))
        enough = np.ones(len(allowed), bool)
        for j in range(1, k + 1):
            after = clips.after(rows, j)
            enough &= (after >= 0) & allowed[after]
        if not (allowed & enough).any():
            raise DataError(f"{plan.where}no clip of the split {self.split!r} has {k + 1} consecutive frames; the "
                            f"longest clip of the source has {clips.length}", hint="ask for fewer frames")
        return allowed & enough

    def _narrow(self, plan: DrawPlan, allowed: np.ndarray, possible: np.ndarray, child: str, why: str) -> np.ndarray:
        kept = allowed & possible
        if not kept.any():
            raise DataError(f"{self.plans[child].where}impossible in the split {self.split!r}: {why}, for any of the "
                            f"{allowed.sum()} images that can be {plan.name}",
                            hint="relate fewer factors, or use data that has such images")
        if left := int(allowed.sum() - kept.sum()):
            self.notes.append(f"{plan.name}: {left} of {allowed.sum()} images of {self.split!r} have no partner for "
                              f"{child} and are left out")
        return kept


def _listed(factors: tuple[str, ...]) -> str:
    return ", ".join(factors)


class Epochs:
    """Orders of n things, a new one in every epoch, computed from the position, so that nothing has to be remembered.

    >>> epochs = Epochs()
    >>> sorted(epochs.at(np.arange(5), 5, "seed").tolist())
    [0, 1, 2, 3, 4]
    """

    def __init__(self, keep: int = 64) -> None:
        self.keep = keep
        self._orders: OrderedDict[tuple[int | str, ...], np.ndarray] = OrderedDict()

    def at(self, positions: np.ndarray, n: int, *address: int | str) -> np.ndarray:
        """Return the numbers in 0 ... n - 1 at these positions of an endless row of permutations of n things."""
        epochs = positions // n
        if len(positions) and epochs[0] == epochs.min() == epochs.max():
            return self._order(n, *address, int(epochs[0]))[positions % n]
        chosen = np.empty(len(positions), np.int64)
        for epoch in np.unique(epochs):
            here = epochs == epoch
            chosen[here] = self._order(n, *address, int(epoch))[positions[here] % n]
        return chosen

    def _order(self, n: int, *address: int | str) -> np.ndarray:
        key = (n, *address)
        if key not in self._orders:
            self._orders[key] = stream("epoch", *address).permutation(n)
            while len(self._orders) > self.keep:
                self._orders.popitem(last=False)
        self._orders.move_to_end(key)
        return self._orders[key]
