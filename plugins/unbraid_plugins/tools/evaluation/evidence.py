"""The evidence that metrics are called with: images, their factors, and the model's results on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import attrs
import numpy as np

from unbraid.data import Data, DataError, Field, Images, unknown_name
from unbraid_plugins.tools.evaluation.protocol import QUICK, Protocol
from unbraid_plugins.tools.evaluation.weak_labels import of_pairs

EVIDENCE = {
    "images": "(N, C, H, W) floats in [0, 1]: real images that the model was not trained on",
    "factors": "name -> (N,) classes of the images, -1 where unknown",
    "masks": "(N, 1, H, W) in [0, 1]: true masks of what the images show, where the source has `masks` or `mask`",
    "train_images": "(M, C, H, W): other real images, for metrics that fit something",
    "train_factors": "name -> (M,) classes of these",
    "oracle_images": "(K, C, H, W) uint8: many real images, these among them, for judges that must be good",
    "oracle_factors": "name -> (K,) classes of these",
    "numbers": "name -> (N, d) floats of the images, NaN where unknown: positions, angles",
    "train_numbers": "name -> (M, d) floats of the training images",
    "oracle_numbers": "name -> (K, d) floats of the images for judges",
    "clips": "(N,) the clip of each image, where the images are frames of clips",
    "functions": "name -> a function of images (n, C, H, W), one for each of its parameters, that gives images",
    "film_functions": "name -> a function of clips (n, T, C, H, W) that gives clips: the frames that follow",
    "made": "name -> what these functions make of a few images or clips",
    "films": "(K, T, C, H, W) test clips, from their first frame on",
    "film_factors": "name -> (K,) classes of the factors that are constant in each clip",
    "analogies": "shared, varying, truth -> (P, C, H, W): two images, and one that is known to have the factors that "
                 "pairs share of the first and all others of the second",
    "device": "the device for metrics that train something: cpu, cuda",
    "predicted": "name -> (N, classes): the scores that the model's `classify` gives the classes of a factor",
    "domain_images": "source -> (N, C, H, W): test images of every domain between which the model translates",
    "domain_factors": "source -> name -> (N,) classes of these, of the factors that all domains have",
    "domain_oracle_images": "source -> (K, C, H, W) uint8: training images of every domain, for judges",
    "domain_oracle_factors": "source -> name -> (K,) classes of these",
    "translations": "(source, target) -> (N, C, H, W): what the model makes of the source's `domain_images`",
    "returns": "(source, target) -> (N, C, H, W): the translations, translated back",
    "codes": "(N, D) codes of the images; a spatial code flattened",
    "train_codes": "(M, D) codes of the training images",
    "shared_factors": "names of the factors and numbers that images of a pair, or frames of a clip, share in training: "
                      "by a draw's `same`, or following",
    "train_azimuths": "(M,) radians: of the training images, where they have a factor `azimuth` in equal steps",
    "viewpoints": "(N,) radians: the azimuths that the model's `viewpoint` tells of the images",
    "azimuths": "(N,) radians: the true azimuths of the images, where they have a factor `azimuth`",
    "view_graph": "members, ends, turns, in_tree, step: the model's graph of views (its `edges`), as arrays",
    "graph_azimuths": "(L,) radians: the true azimuths of the images that this graph was made of",
    "chunks": "name -> columns [start, stop) of each chunk of the code, where it has several",
    "categories": "name -> columns [start, stop) of each factor of the code that is a category: one-hot",
    "decode": "a function: codes (n, D) -> images (n, C, H, W) in [0, 1]",
    "reconstructions": "(N, C, H, W): what the model makes of the codes of the images",
    "kl": "(N, D) nats: KL(q(z | x) || N(0, I)) of variational codes, by number",
    "true_normals": "(N, 3, H, W) true normals of the images, where the source has the pictures `normals`",
    "true_albedo": "(N, C, H, W) in [0, 1]: their true albedo, where the source has the pictures `albedo`",
    "true_mask": "(N, 1, H, W) in [0, 1]: where the object is, where the source has the pictures `mask`",
    "coarse_normals": "(N, 3, H, W): the labels of a coarse fit, where the source has the pictures `rough_normals`",
    "normals": "(N, 3, H, W): what the model's `normals_of(x)` finds",
    "albedo": "(N, C, H, W): what the model's `albedo_of(x)` finds",
    "relit": "(P, C, H, W): images with the light that the model found in others, by `relight(x, light_of(y))`",
    "relit_truth": "(P, C, H, W): the true images of the same heads under that light",
    "relit_before": "(P, C, H, W): these images under their own light",
    "relit_mean": "(P, C, H, W): these images with the mean light that the model finds",
    "relit_photo": "(P, C, H, W): these images under that light with their details kept, by `relight_photo(x, light)`",
    "relit_mask": "(P, 1, H, W): where the object is in them",
    "drawn_codes": "(P, D) codes from the priors of the recipe, where it generates",
    "drawn_images": "(P, C, H, W): what the model makes of these codes",
    "told_codes": "(P, D): the codes that the model gives these images",
    "table_factors": "(T, K) classes of all encoded images of which every factor is known, a column for each factor",
    "table_codes": "(T, D) codes of these",
    "measured_rows": "rows of the table for metrics that fit nothing",
    "train_rows": "rows of the table to fit on",
    "test_rows": "rows of the table to judge on, none of them to fit on",
    "drawn_rows": "rows of the table to draw groups from that agree in a factor: a whole grid where the data is one",
    "models_codes": "(S, N, D) codes of the same images by models that differ in their seed; in studies alone",
    "models_kl": "(S, D) nats: the mean KL of every number of these",
}
Evidence: TypeAlias = "dict[str, Any]"

BATCH = 100                                        # images that go through a model at once
FITTED = 2000                                      # smallest number of training images for probes, if there are enough
ORACLE, ORACLE_BYTES = 20_000, 2 ** 28             # largest number of training images for oracles, and of their bytes
KNOWN = 0.5                                        # share of images; a factor known for a smaller share is no column
WIDEST = 512                                       # components of a field of numbers that is measured


@attrs.frozen(eq=False)
class Sampled:
    """The images that were chosen for an evaluation, with the information about them.

    evidence: the part that does not depend on a model.
    classes: number of classes of every known factor.
    numbers: number of components of every known field of numbers.
    rows: rows of the source for `images`, `train_images` and `table`.
    columns: the factors of the table.
    grid: whether groups are drawn from all combinations of factors.
    split, source: the origin of the images.
    notes: remarks for the reader.
    """

    evidence: Evidence
    classes: dict[str, int]
    numbers: dict[str, int]
    rows: dict[str, np.ndarray]
    columns: list[str]
    grid: bool
    split: str
    source: str
    notes: list[str]
    data: Data = attrs.field(repr=False)

    @property
    def images(self) -> np.ndarray:
        """The images, (N, C, H, W)."""
        return self.evidence["images"]

    def read(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """Yield batches of images (B, C, H, W) of the source, by row."""
        return (image_array(self.data, rows[i:i + BATCH], self.source) for i in range(0, len(rows), BATCH))


def sample(data: Data, protocol: Protocol = QUICK, seed: int = 0, device: str = "cpu",
           source: str | None = None) -> Sampled:
    """Choose images of the test split to judge on, and images of the training split to fit on.

    Without a test split, both come from the training split and have no image in common.

    protocol: the largest numbers of images.
    source: the source to use; None: the first draw's.

    Raises DataError.
    """
    name, rng = source_of(data, source), np.random.default_rng(seed)
    unseen, seen, split = halves(data, name, rng)
    notes = [] if split == "test" else ["there is no test split: measured on images of the training split"]
    if len(data.images_of) > 1:
        rest = ", ".join(n for n in data.images_of if n != name)
        notes.append(f"measured on images of the source {name!r}; not on {rest} (--source chooses)")
    images = data.images_of[name]
    judged = seen[:max(min(ORACLE, ORACLE_BYTES // int(np.prod(images.shape))), 1)]
    rows, train = unseen[:protocol.images], seen[:max(protocol.images, FITTED)]
    evidence: Evidence = {"images": image_array(data, rows, name), "device": device}
    mask = next((f for f in ("masks", "mask") if f in images.fields and images.fields[f].is_picture), None)
    if mask is not None and images.fields[mask].shape == (1, *images.shape[1:]):
        evidence["masks"] = np.asarray(data.field(mask, rows, name))
    if len(train):
        evidence["train_images"] = image_array(data, train, name)
    classes, left_out = factors_of(images, rows)
    numbers, notes = numbers_of(images, rows), notes + left_out
    for key, where in (("factors", rows), ("train_factors", train), ("oracle_factors", judged)):
        if classes:
            evidence[key] = {f: images.fields[f].values[where].astype(np.int64) for f in classes}
        if numbers:
            evidence[key.replace("factors", "numbers")] = {n: as_numbers(images.fields[n], where) for n in numbers}
    if images.has_clips:
        evidence["clips"] = images.fields["clip"].values[rows].astype(np.int64)
    if classes or numbers:
        evidence |= {"oracle_images": images.read(judged), **of_pairs(data, name, classes, train, numbers)}
    table, columns, grid, more = _table(images, classes, protocol, unseen, seen, split == "test")
    chosen = {"images": rows, "train_images": train, "table": table.pop("rows", np.empty(0, np.int64))}
    return Sampled(evidence | table, classes, numbers, chosen, columns, grid, split, name, notes + more, data)


def image_array(data: Data, rows: np.ndarray, source: str) -> np.ndarray:
    """Return images of a source by row, (len(rows), C, H, W) in [0, 1]."""
    return data.images(rows, source).detach().float().cpu().numpy()


def factors_of(images: Images, rows: np.ndarray) -> tuple[dict[str, int], list[str]]:
    """Return the factors that can be measured on these rows, with their numbers of classes; notes about the others.

    The number of a `clip` is no factor, as no clip is in both splits. The number of a `frame` is one among clips.
    """
    classes, notes = {}, []
    for name, field in images.fields.items():
        labels = field.values[rows]
        if name == "clip" or (name == "frame" and not images.has_clips) or _is_numbers(field):
            continue
        if field.classes is None:
            notes.append(f"{name} is pictures, or very many numbers, and is left out")
        elif np.bincount(labels[labels >= 0], minlength=2).astype(bool).sum() < 2 or _alone(labels):
            notes.append(f"{name} has no two classes with several of these images and is left out")
        else:
            classes[name] = field.classes
    return classes, notes


def numbers_of(images: Images, rows: np.ndarray) -> dict[str, int]:
    """Return the fields of numbers that can be measured on these rows, with their numbers of components.

    They vary and are known for two images at least.
    """
    found = {}
    for name, field in images.fields.items():
        if _is_numbers(field):
            values = as_numbers(field, rows)
            known = values[~np.isnan(values).any(1)]
            if len(known) > 1 and known.std(0).max() > 0:
                found[name] = values.shape[1]
    return found


def _is_numbers(field: Field) -> bool:
    return field.classes is None and not field.is_picture and int(np.prod(field.shape)) <= WIDEST


def as_numbers(field: Field, rows: np.ndarray) -> np.ndarray:
    """Return a field's numbers on these rows, float64 (n, d), NaN where unknown."""
    return field.values[rows].reshape(len(rows), int(np.prod(field.shape))).astype(np.float64)


def _table(images: Images, classes: dict[str, int], protocol: Protocol, unseen: np.ndarray, seen: np.ndarray,
           apart: bool) -> tuple[Evidence, list[str], bool, list[str]]:
    """Choose the rows of the table: images of which every factor is known.

    Returns the evidence, the factors that are columns, whether groups are drawn from a full grid, and notes.

    apart: whether the model was trained without the unseen rows.
    """
    both = np.concatenate([unseen, seen])
    columns = [f for f in classes if (images.fields[f].values[both] >= 0).mean() >= KNOWN]
    notes = [f"{f} is known for less than half of the images, and no column of the table"
             for f in classes if f not in columns]
    if not columns:
        return {}, [], False, notes
    factors = np.stack([images.fields[f].values for f in columns], 1).astype(np.int64)
    complete = np.all(factors >= 0, axis=1)
    unseen, seen = unseen[complete[unseen]], seen[complete[seen]]
    candidates = unseen if apart else np.concatenate([unseen, seen])
    if len(unseen) < 2 or len(seen) < 2:
        return {}, [], False, [*notes, "hardly an image has all of its factors known: what needs a table of complete "
                               "rows is not measured"]
    test, train, measured = unseen[:protocol.test], seen[:protocol.train], candidates[:protocol.measured]
    drawn = measured if protocol.drawn is None else candidates[:protocol.drawn]
    rows = np.unique(np.concatenate([test, train, measured, drawn]))
    places = {"measured_rows": measured, "train_rows": train, "test_rows": test, "drawn_rows": drawn}
    table: Evidence = {name: np.searchsorted(rows, r) for name, r in places.items()}
    grid = is_grid(factors[drawn])
    if len(drawn) < len(candidates) and protocol.drawn is not None:
        notes.append(f"groups are drawn from {len(drawn)} of {len(candidates)} images")
    return {**table, "rows": rows, "table_factors": factors[rows]}, columns, grid, notes


def is_grid(factors: np.ndarray) -> bool:
    """Whether a table (N, K) has every combination of the values in it, equally often.

    >>> is_grid(np.asarray([[0, 0], [0, 5], [3, 0], [3, 5]])), is_grid(np.asarray([[0, 0], [0, 5], [3, 0]]))
    (True, False)
    """
    sizes = [len(np.unique(v)) for v in factors.T]
    combinations, counts = np.unique(factors, axis=0, return_counts=True)
    return len(combinations) == int(np.prod(sizes, dtype=object)) and bool((counts == counts[0]).all())


def source_of(data: Data, source: str | None) -> str:
    """Return the source of this name; None: the first draw's.  Raises DataError with the closest name."""
    if source is None:
        return next(iter(data.plans.values())).source if data.plans else next(iter(data.images_of))
    if source not in data.images_of:
        raise unknown_name("source", source, data.images_of)
    return source


def halves(data: Data, source: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
    """Return rows to judge on, rows to fit on, both in random order, and the split of the former.

    They are the test split and the training split; without a test split, two halves of the training split.  Raises
    DataError where there are fewer than two rows to judge on.
    """
    unseen, seen, split = _shuffled(data, "test", source, rng), _shuffled(data, "train", source, rng), "test"
    if len(unseen) < 2:
        split, half = "train", len(seen) // 2
        unseen, seen = seen[:half], seen[half:]
    if len(unseen) < 2:
        raise DataError("an evaluation needs at least two images", hint="give the test split a share in data.splits")
    return unseen, seen, split


def _shuffled(data: Data, split: str, source: str, rng: np.random.Generator) -> np.ndarray:
    try:
        return rng.permutation(data.rows(split, source))
    except DataError:
        return np.empty(0, np.int64)


def _alone(labels: np.ndarray) -> bool:
    """Whether less than half of the labelled images share their class with another: the factor is then an identity."""
    counts = np.bincount(labels[labels >= 0])
    return bool(counts[counts > 1].sum() < (labels >= 0).sum() / 2)
