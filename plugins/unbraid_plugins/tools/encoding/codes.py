"""The source of a trained model's codes, for a second stage that learns from a first stage's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import blake2b
from pathlib import Path

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid import DataError, Field, Images, source
from unbraid.data import Data, open_data
from unbraid.model import Model, load
from unbraid.runs import Run, checkpoint
from unbraid.values import Code, Gaussian, Record, Value
from unbraid_plugins.shared.metrics.cache import cached_tensors
from unbraid_plugins.tools.encoding.fields import fields_of, needed_fields
from unbraid_registry import UnbraidError
from unbraid_registry.files import read_whole

MOST = 2**34                                       # bytes of a file of a run
AT_ONCE = 64                                       # images that are encoded at once
DEEPEST = 8                                        # runs of which each encodes the images of the next
_opening: ContextVar[tuple[Path, ...]] = ContextVar("opening", default=())


@source
@attrs.frozen(kw_only=True)
class Encoded:
    """The images of another run's first draw, with that model's codes as fields, one for each factor of its code.

    So `x.pose` is the code's factor (or group of factors) named pose, (B, d). Images, other fields and splits are those
    of the run; a field with the name of a factor is left out. Codes are computed once and cached.

    run: the folder of the run, or its pack.
    function: the function that makes the code; it may read fields of the image.
    step: the checkpoint's step, by default the last one.
    """

    run: str
    function: str = "encode"
    step: int | None = None

    def open(self) -> Images:
        """Return the images with their codes.  Raises DataError."""
        if not self.run:
            raise DataError("the option `run` is empty", hint="set `run:` to the folder of a trained model")
        try:
            found = Run.at(Path(self.run).expanduser(), fetch=False)
            with _opened(found.folder):
                model = load(found.folder, step=self.step)
                data = open_data(model.method.recipe.data)
        except UnbraidError as error:
            raise DataError(f"run {self.run}: {error.message}", hint=error.hint) from error
        name = next(iter(data.plans.values())).source
        images = data.images_of[name]
        codes, notes = self._codes(model, data, name)
        hidden = sorted(set(codes) & set(images.fields))
        notes += [f"fields that a factor of the code hides: {', '.join(hidden)}"] if hidden else []
        rows = {split: data.rows(split, name) for split in data.facts.sources[name].splits}
        fields = {**images.fields, **{n: Field(v.numpy()) for n, v in codes.items()}}
        data.close()
        return Images(images.images, fields, rows, [*images.notes, *notes])

    def _codes(self, model: Model, data: Data, name: str) -> tuple[dict[str, Tensor], list[str]]:
        """Return the codes of all images by factor, from the cache if they are there, and a note."""
        taken = model.functions.get(self.function)
        if taken is None or len(taken) != 1:
            raise DataError(f"run {self.run}: it has no function {self.function!r} of one image",
                            hint=f"it has {', '.join(model.functions) or 'none'}")
        lacking = [f for f in needed_fields(model, self.function) if f not in data.images_of[name].fields]
        if lacking:
            raise DataError(f"run {self.run}: {self.function} reads {', '.join(lacking)}, which its images do not have")
        count, seconds = len(data.images_of[name]), 0.0

        def encoded(rows: np.ndarray) -> dict[str, Tensor]:
            fields = fields_of(model, self.function, data, rows, name)
            made = model(self.function, data.images(rows, name), fields=fields)
            return {n: t.float().cpu() for n, t in by_factor(made, self.function).items()}

        def all_codes() -> dict[str, Tensor]:
            nonlocal seconds
            start = time.perf_counter()
            parts = [encoded(rows) for rows in np.split(np.arange(count), range(AT_ONCE, count, AT_ONCE))]
            seconds = time.perf_counter() - start
            return {n: torch.cat([p[n] for p in parts]) for n in parts[0]}

        like = {n: torch.empty(count, *t.shape[1:]) for n, t in encoded(np.arange(1)).items()}
        found = cached_tensors("codes", self._key(model, data, name), like, all_codes)
        note = f"codes of step {model.step}" + (f", computed in {seconds:.0f} s" if seconds else "")
        return {n: found[n] for n in like}, [note]

    def _key(self, model: Model, data: Data, name: str) -> str:
        """Return a hash of the weights, the images and the function that the codes depend on."""
        assert model.run is not None
        run, digest = model.run, blake2b(digest_size=16)
        file = run.folder if run.folder.is_file() else checkpoint.steps(run.checkpoints)[model.step]     # a pack is one
        for part in sorted(p for p in ([file] if file.is_file() else file.rglob("*")) if p.is_file()):
            digest.update(part.name.encode() + read_whole(part, MOST))
        recipe = b"" if file == run.folder else read_whole(run.recipe_file, MOST)
        digest.update(recipe + f"{self.function} {data.images_of[name].checksum()} {torch.__version__}".encode())
        return digest.hexdigest()


@contextmanager
def _opened(folder: Path) -> Iterator[None]:
    """Note that a run's data are opened.  Raises DataError for a run that encodes its own images, and for a long row.

    A training can't make such a run, but whoever writes its recipe can.
    """
    place, before = folder.resolve(), _opening.get()
    if place in before or len(before) == DEEPEST:
        raise DataError(f"its images are codes of {'themselves' if place in before else 'too many runs in a row'}")
    token = _opening.set((*before, place))
    try:
        yield
    finally:
        _opening.reset(token)


def by_factor(made: Value, function: str) -> dict[str, Tensor]:
    """Return a code's factors, or groups of factors, by name; a distribution gives its mean.

    Raises DataError for a value that is no code and no tensor.
    """
    if isinstance(made, Gaussian):
        return by_factor(made.mean, function)
    if isinstance(made, Record):
        return {n: t for part in made.parts.values() for n, t in by_factor(part, function).items()}
    if isinstance(made, Code):
        return {name: made.part(name).tensor for name in dict.fromkeys(p.group or p.name for p in made.layout.parts)}
    if isinstance(made, Tensor) and made.ndim > 1:
        return {"code": made}
    raise DataError(f"{function} gives a {type(made).__name__.lower()}, not a code")
