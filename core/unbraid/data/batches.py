"""The data of a recipe: batches of named draws, and images by row."""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid.data.draws import DrawPlan, plan_draws
from unbraid.data.errors import DataError, located, unknown_name
from unbraid.data.facts import DataFacts, DrawFacts, SourceFacts, field_facts
from unbraid.data.images import Field, Images
from unbraid.data.sampling import Sampler
from unbraid.data.splits import split_rows
from unbraid.data.store import Store, as_tensor
from unbraid.values import Label, Set, Value
from unbraid_configs import Data as DataRecipe, Spec
from unbraid_configs.variables import as_written
from unbraid_registry.ambient import memory_of_machine
from unbraid_registry.files import remedy

RESIDENT = 2 ** 30                                 # bytes of the largest source that is kept on the training device

Need: TypeAlias = "tuple[str, str | None]"         # a draw, and its field (None: its image)


@attrs.frozen
class Memory:
    """Memory in bytes: images on the training device, images in main memory, and images that are read when needed."""

    resident: int
    host: int
    streamed: int


class Data:
    """The opened sources of a recipe, their splits, and the batches that the draws make of them.

    Nothing here remembers earlier draws: every batch follows from (seed, step, round, rank) alone.
    """

    def __init__(self, recipe: DataRecipe, images: Mapping[str, Images], *, device: str | torch.device = "cpu",
                 seed: int = 0, rank: int = 0, world: int = 1, resident: int = RESIDENT) -> None:
        self.recipe, self.images_of, self.device = recipe, dict(images), torch.device(device)
        self.seed, self.rank, self.world = seed, rank, world
        self.plans: dict[str, DrawPlan] = plan_draws(recipe.draw, self.images_of)
        self._rows, self.split_at = _split(recipe, self.images_of)
        self._samplers: dict[str, Sampler] = {}
        self._recent: OrderedDict[tuple[str, int, int, str], np.ndarray] = OrderedDict()
        self._fields: dict[tuple[str, str], Tensor] = {}
        self._checksums: dict[str, str] = {}       # the same for all seeds
        self._ahead = recipe.workers
        self._pool = ThreadPoolExecutor(recipe.workers, "unbraid-data") if recipe.workers else None
        self._stores = {name: Store(i, self.device, resident, self._pool) for name, i in self.images_of.items()}
        if any("train" in splits for splits in self._rows.values()):
            self._sampler("train")
        self.facts = self._facts()

    def batch(self, step: int, round: int, needs: frozenset[Need], split: str = "train") -> dict[Need, Value]:
        """Return the values of the draws that one round needs.

        needs: (draw, None) for its image, float (B, C, H, W) in [0, 1]; (draw, field) for a `Label` or float (B, ...).
        A draw with `count` or `frames` gives a `Set`.  Raises DataError for an unknown draw or field.
        """
        values: dict[Need, Value] = {}
        for need in sorted(needs, key=str):
            draw, name = need
            if draw not in self.plans:
                raise unknown_name("draw", draw, self.plans)
            plan = self.plans[draw]
            rows = self._drawn(split, step, round, draw).reshape(-1)
            if name is None:
                value: Value = _unit(self._stores[plan.source].take(rows, (self.seed, split, step, round, draw)))
            else:
                value = self.field(name, rows, plan.source)
            values[need] = value if plan.count is None else Set(value, plan.count)
        for ahead in range(1, self._ahead + 1):
            for draw in sorted(d for d, name in needs if name is None):
                store, key = self._stores[self.plans[draw].source], (self.seed, split, step + ahead, round, draw)
                if store.streams and not store.expects(key):
                    store.expect(key, self._drawn(split, step + ahead, round, draw).reshape(-1))
        return values

    def drawn(self, step: int, round: int, draw: str, split: str = "train") -> np.ndarray:
        """Return the rows of a draw's source that a round shows, (B, count); count is 1 for a single image."""
        if draw not in self.plans:
            raise unknown_name("draw", draw, self.plans)
        return self._drawn(split, step, round, draw)

    def rows(self, split: str, source: str | None = None) -> np.ndarray:
        """Return the rows of a split of a source (None: the first draw's source), in order."""
        splits = self._rows[self._source(source)]
        if split not in splits:
            raise unknown_name(f"split (of the source {self._source(source)!r})", split, splits)
        return splits[split]

    def images(self, rows: np.ndarray, source: str | None = None) -> Tensor:
        """Return images by row, float (len(rows), C, H, W) in [0, 1] on the device."""
        return _unit(self._stores[self._source(source)].take(np.asarray(rows, np.int64)))

    def field(self, name: str, rows: np.ndarray, source: str | None = None) -> Label | Tensor:
        """Return a field by row: a `Label` for classes, else float (len(rows), ...) on the device.

        Pictures are in [0, 1].
        """
        source = self._source(source)
        fields = self.images_of[source].fields
        if name not in fields:
            raise unknown_name(f"field (of the source {source!r})", name, fields)
        field, rows = fields[name], np.asarray(rows, np.int64)
        if (source, name) not in self._fields:
            self._fields[source, name] = _numbers(field).to(self.device)
        chosen = self._fields[source, name].index_select(0, torch.from_numpy(rows).to(self.device))
        if field.classes is not None:
            return Label(chosen, field.classes)
        return _unit(chosen) if field.is_picture else chosen

    def with_seed(self, seed: int) -> Data:
        """Return a copy with the same images, drawn in the order of another seed."""
        other = copy.copy(self)
        other.seed, other._samplers, other._recent = seed, {}, OrderedDict()
        return other

    def estimate(self) -> Memory:
        """Return the memory that the images take, by location."""
        stores = self._stores.values()
        return Memory(
            resident=sum(s.bytes for s in stores if s.kept is not None),
            host=sum(s.bytes for s in stores if s.kept is None and isinstance(s.images.images, np.ndarray)),
            streamed=sum(s.bytes for s in stores if s.kept is None and not isinstance(s.images.images, np.ndarray)))

    def expect_batches(self) -> None:
        """Check that there are images to train on, and memory for a batch of them.  Raises DataError."""
        needed = sum(4 * math.prod(self.images_of[p.source].shape) * (p.count or 1) for p in self.plans.values())
        if (needed := needed * self.recipe.batch) > (memory := memory_of_machine()):
            raise DataError(f"data.batch: {self.recipe.batch:,} samples take {needed / 2**30:,.1f} GiB of memory",
                            hint=f"lower it: there are {memory / 2**30:,.1f} GiB")
        if self.plans:
            self._sampler("train")

    def close(self) -> None:
        """Stop the workers. Batches can still be read without them."""
        for store in self._stores.values():
            store.drop()
            store.pool = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _source(self, source: str | None) -> str:
        if source is None:
            return next(iter(self.plans.values())).source if self.plans else next(iter(self.images_of))
        if source not in self.images_of:
            raise unknown_name("source", source, self.images_of)
        return source

    def _drawn(self, split: str, step: int, round: int, draw: str) -> np.ndarray:
        key = split, step, round, draw
        if key not in self._recent:
            self._recent[key] = self._sampler(split).rows(step, round, draw)
            while len(self._recent) > 256:
                self._recent.popitem(last=False)
        return self._recent[key]

    def _sampler(self, split: str) -> Sampler:
        if split not in self._samplers:
            rows = {source: self.rows(split, source) for source in {p.source for p in self.plans.values()}}
            self._samplers[split] = Sampler(split, self.plans, self.images_of, rows, batch=self.recipe.batch,
                                            seed=self.seed, rank=self.rank, world=self.world)
        return self._samplers[split]

    def _facts(self) -> DataFacts:
        return DataFacts(
            draws={p.name: DrawFacts(p.source, self.images_of[p.source].shape, p.count,
                                     field_facts(self.images_of[p.source])) for p in self.plans.values()},
            sources={name: SourceFacts(_type(self.recipe.sources.get(name)), len(i), i.shape,
                                       {split: len(rows) for split, rows in self._rows[name].items()},
                                       tuple(i.notes)) for name, i in self.images_of.items()},
            batch=self.recipe.batch)

    def checksums(self) -> dict[str, str]:
        """Return the checksum of every source, by name; the images are read only once."""
        if not self._checksums:
            self._checksums |= {name: images.checksum() for name, images in self.images_of.items()}
        return dict(self._checksums)

    @property
    def notes(self) -> list[str]:
        """Notes for the user: skipped files, images without partners."""
        of = [f"{name}: {note}" for name, i in self.images_of.items() for note in i.notes]
        return of + [note for sampler in self._samplers.values() for note in sampler.notes]


def open_data(recipe: DataRecipe, *, device: str | torch.device = "cpu", seed: int = 0, rank: int = 0, world: int = 1,
              resident: int = RESIDENT) -> Data:
    """Open the sources of a recipe and check its draws against them.

    resident: the largest source that is kept on the device, in bytes.  Raises DataError.
    """
    images = {name: open_source(name, spec) for name, spec in recipe.sources.items()}
    return Data(recipe, images, device=device, seed=seed, rank=rank, world=world, resident=resident)


def open_source(name: str, spec: Spec) -> Images:
    """Open one source.  Raises DataError with the place of the source in the recipe."""
    where = located(spec.place, f"data.source {name!r} ({spec.component.name})")
    try:
        opened = spec.value.open() if spec.component.is_class else spec.component.target(**spec.value)
    except DataError as error:
        message, hint = (as_written(text, *spec.options.values()) for text in (error.message, error.hint))
        raise DataError(where + message, hint=hint) from error
    except OSError as error:
        named = as_written(str(error.filename or ""), *spec.options.values())
        raise DataError(f"{where}{error.strerror or error}: {named}", hint=remedy(error)) from error
    if not isinstance(opened, Images):
        raise DataError(f"{where}its open() gave {type(opened).__name__}, expected Images",
                        hint=f"this is a fault of the plugin {spec.component.plugin!r}")
    return opened


def _split(recipe: DataRecipe, images: Mapping[str, Images]
           ) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, tuple[float, ...]]]:
    by = recipe.split_by
    if by is not None and not any(by in i.fields for i in images.values()):
        raise unknown_name("factor", by, dict.fromkeys(f for i in images.values() for f in i.fields),
                           "data.split_by: ")
    rows, cuts = {}, {}
    for name, i in images.items():
        try:
            rows[name], cuts[name] = split_rows(i, recipe.splits, by if by in i.fields else None,
                                                recipe.split_at.get(name))
        except DataError as error:
            raise DataError(f"data.splits, source {name!r}: {error.message}", hint=error.hint) from error
    return rows, cuts


def _type(spec: Spec | None) -> str:
    return spec.component.full_name if spec is not None else ""


def _unit(pixels: Tensor) -> Tensor:
    return pixels.float().div_(255)


def _numbers(field: Field) -> Tensor:
    """Return a field as a tensor: int64 classes, uint8 pictures, or float numbers (N, ...), at least (N, 1)."""
    if field.classes is not None:
        return as_tensor(field.values.astype(np.int64))
    if field.is_picture:
        return as_tensor(field.values)
    return as_tensor(field.values.astype(np.float32).reshape(len(field.values), *field.shape))
