"""Evaluation of a run or a model, beside baselines."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from unbraid.data import Data, open_data
from unbraid.engine import data_notes
from unbraid.model import Model, load
from unbraid.runs import Run, RunError, locked
from unbraid_plugins.tools.evaluation.baselines import Baselines, at_random, identity, of_pixels, perfect, untrained
from unbraid_plugins.tools.evaluation.clip_evidence import of_analogies, of_clips
from unbraid_plugins.tools.evaluation.domains import domains_of, of_domains, unchanged
from unbraid_plugins.tools.evaluation.encoded import lacking, of_model
from unbraid_plugins.tools.evaluation.evidence import Evidence, Sampled, sample
from unbraid_plugins.tools.evaluation.kept_results import LARGEST, added_to, earlier, fitted
from unbraid_plugins.tools.evaluation.metric_runner import (
    Measuring,
    as_json,
    interval,
    name_of,
    result_json,
    told_faults,
)
from unbraid_plugins.tools.evaluation.options import EVALUATING, FILE
from unbraid_plugins.tools.evaluation.pictures import write_pictures
from unbraid_plugins.tools.evaluation.protocol import QUICK, Protocol
from unbraid_plugins.tools.evaluation.views import can_be_told, with_labels
from unbraid_registry import Component, UnbraidError, closest, inputs_of, registry
from unbraid_registry.files import write_json

FORMAT = 1


def evaluate(run: Run, *, protocol: Protocol = QUICK, metrics: Sequence[str] | None = None, images: int | None = None,
             source: str | None = None, seed: int = 0, device: str = "cpu",
             baselines: Baselines | None = None, overrides: Sequence[str] = (), options: Sequence[str] = (),
             before: Callable[[dict[str, Any]], object] = lambda result: None) -> dict[str, Any]:
    """Measure a run's model on its data and write pictures and then `evaluation.json` into the run.

    Results of an earlier evaluation that are not measured anew are kept, and marked where they are of another state.

    baselines: share one between several runs to measure only once the results that do not depend on the model.
    overrides: changes of the run's recipe where it no longer fits, as for `load`.
    options: the options of the command line, which are kept in the result.
    before: called with the result before evaluation.json is written, which says that all else is there.

    One process at a time evaluates a run.

    Returns the result of `evaluate_model` with the run's step, the paths of the pictures and the names of the metrics
    that are `kept` from before.  Raises UnbraidError (RunError, DataError, ...).
    """
    busy = RunError(f"another evaluation is writing into {run.folder}", hint="wait for its end")
    with locked(run.folder, busy, EVALUATING):
        model = load(run.folder, device=device, overrides=overrides)
        recipe = model.method.recipe
        data = open_data(recipe.data, seed=recipe.train.seed)
        changed = data_notes(data, run)
        try:
            result = evaluate_model(model, data, protocol=protocol, metrics=metrics, images=images, source=source,
                                    seed=seed, pictures=run.pictures, baselines=baselines or Baselines())
        finally:
            data.close()
        result["notes"] = [*changed, *result.get("notes", [])]
        from_hooks = registry().call_by_plugin("unbraid_evaluate", run=run, step=model.step)
        now = {"format": FORMAT, "title": recipe.title, "step": model.step, "options": list(options), **result,
               "hooks": as_json(from_hooks)}
        result = fitted(added_to(earlier(run.folder / FILE), now))
        before(result)
        write_json(run.folder / FILE, result, LARGEST)
        return result


def evaluate_model(model: Model, data: Data, *, protocol: Protocol = QUICK, metrics: Sequence[str] | None = None,
                   images: int | None = None, source: str | None = None, seed: int = 0,
                   baselines: Baselines | None = None,
                   others: Mapping[str, Model] | None = None, pictures: Path | None = None) -> dict[str, Any]:
    """Measure a model on data, beside other models and the baselines.

    protocol: the numbers of images, and options of metrics.
    metrics: names of metrics; all by default.
    images: the largest number of images, in place of the protocol's.
    source: the source of the images; by default the first draw's.
    baselines: the cache of baselines; without it, no baseline is measured.
    others: further models to compare with, by name.
    pictures: a folder for pictures; without it, none are drawn.

    The baselines are: the model with its initial weights (`untrained`), principal components of the pixels (`pixels`),
    codes from N(0, 1) (`random`), the known factors as a code (`perfect`), and for translations the images without
    change (`unchanged`).

    Returns plain dicts, lists, numbers:

        images, split, source, seed, protocol, factors (name -> number of classes), numbers (name -> number of
                   components), notes, pictures
        data       results that depend on the images alone, such as the accuracy of the oracles
        arms       model, others..., untrained, unchanged, pixels, random, perfect -> metric -> its result, which has a
                   `score`
        intervals  the same -> metric -> [low, high], 95 % bootstrap of the score, where a metric gives one
        metrics    metric -> summary (a line), better ("higher" or "lower"), cost (seconds, of all arms together)
    """
    if images is not None:
        protocol = attrs.evolve(protocol, images=images, measured=min(2 * images, protocol.measured),
                                train=min(images, protocol.train), test=min(images, protocol.test))
    known = registry().catalog.all("metric")
    _check(known, metrics)
    sampled = _sampled(model, data, protocol, seed, source, _asked_for(known, metrics))
    options = {"seed": seed, "resamples": protocol.resamples, **protocol.options,
               "work": None if metrics else protocol.work}
    kept = baselines or Baselines()
    images_only = Measuring(known, sampled.evidence, options)
    wanted = _asked_for(known, metrics)
    key = identity(sampled.evidence), tuple(sorted(wanted)), repr(sorted(options.items()))
    models = {"model": model, **(others or {}), **({"untrained": untrained(model)} if baselines is not None else {})}
    evidence = {name: of_model(m, sampled, seed) for name, m in models.items()}
    judges = _judges(known, wanted, metrics or (), sampled.evidence, evidence.values())
    shared = kept.measured((*key, *sorted(judges)), lambda: images_only.done(wanted - judges))
    of_data = {name: r for name, r in shared.results.items() if r is not None}

    def measured(own: Callable[[], Evidence]) -> Measuring:
        tried = {name: r for name, r in shared.results.items() if r is not None or name in shared.faults}
        return Measuring(known, {**sampled.evidence, **own()}, options, tried).done(wanted - judges)

    arms = {name: kept.measured((key, identity(own)), partial(measured, own.copy)) for name, own in evidence.items()}
    if baselines is not None:
        for name, (shape, own) in _without_model(evidence["model"], sampled, seed).items():
            arms[name] = kept.measured((key, name, shape), partial(measured, own))
    results = {arm: {name: r for name, r in m.results.items() if r is not None and name not in of_data}
               for arm, m in arms.items()}
    notes = [*sampled.notes, *lacking(model, evidence["model"]),
             *(note for m in (shared, *arms.values()) for note in m.notes), *told_faults({"the data": shared, **arms})]
    costs = [m.costs for m in (shared, *arms.values())]
    there = {m for r in (of_data, *results.values()) for m in r}
    result = {"images": len(sampled.images), "split": sampled.split, "source": sampled.source, "seed": seed,
              "protocol": _described(protocol, sampled), "factors": sampled.classes,
              "numbers": sampled.numbers, "data": as_json(of_data),
              "arms": {name: {m: result_json(r) for m, r in found.items()} for name, found in results.items()},
              "intervals": {name: _intervals(r) for name, r in results.items()},
              "metrics": {name_of(m): {"summary": m.summary, "better": m.better,
                                       "cost": round(sum(c.get(name_of(m), 0.0) for c in costs), 3)}
                          for m in known if name_of(m) in there},
              "notes": list(dict.fromkeys(notes)), "pictures": {}}
    if pictures is not None:
        result["pictures"] = write_pictures(pictures, model, sampled, evidence["model"], result)
    return result


def _asked_for(known: Sequence[Component], metrics: Sequence[str] | None) -> set[str]:
    """Return the names of the metrics (None: all), and of the metrics that these ask for."""
    return Measuring(known, {}).asked_for([name_of(m) for m in known] if metrics is None else metrics)


def _judges(known: Sequence[Component], wanted: set[str], named: Sequence[str], of_data: Evidence,
            own: Iterable[Evidence]) -> set[str]:
    """Return the wanted metrics that only serve others, and that none of those needs that can be measured.

    named: the metrics that somebody asked for by name, which are measured in any case.

    Training the oracles takes longer than everything else: a model without `decode` has nothing for them to judge.
    """
    serving = {name_of(m) for m in known if m.better == "neither" and name_of(m) in wanted} - set(named)
    others = wanted - serving
    needed = {name for e in own for name in Measuring(known, {**of_data, **e}).possible(others)}
    idle = serving - needed
    return {name for name in idle if name in Measuring(known, of_data).possible(idle)}


def _sampled(model: Model, data: Data, protocol: Protocol, seed: int, source: str | None, wanted: set[str]) -> Sampled:
    """Choose the images to measure on; add clips, analogies and the images of domains if some metric asks for them."""
    sampled = sample(data, protocol, seed, str(model.device), source)
    domains, known = domains_of(model), registry().catalog.all("metric")
    asked = {p.name for m in known if name_of(m) in wanted for p in inputs_of(m)}
    evidence, notes = dict(sampled.evidence), list(sampled.notes)
    if "films" in asked:
        evidence |= of_clips(data, sampled, seed)
    if "analogies" in asked:
        evidence |= of_analogies(data, sampled, seed)
    if domains and "translations" in asked:
        found, more = of_domains(data, domains, protocol, seed)
        evidence, notes = evidence | found, notes + more
    return attrs.evolve(sampled, evidence=evidence, notes=notes)


def _without_model(own: Evidence, sampled: Sampled, seed: int) -> dict[str, tuple[Hashable, Callable[[], Evidence]]]:
    """Return the baselines that use only the shape of a model's code.

    Each name has the shape that the baseline depends on, and a function for its evidence. They are in order.
    """
    found: dict[str, tuple[Hashable, Callable[[], Evidence]]] = {}
    if "translations" in own:
        ways = repr((list(own["translations"]), list(own["returns"])))
        found["unchanged"] = ways, lambda: unchanged(own, sampled.evidence["domain_images"])
    if "viewpoints" in own and can_be_told(sampled):
        found["supervised"] = (), lambda: with_labels(own, sampled, seed)
    if "codes" not in own:
        return found
    shape = own["codes"].shape[1], repr(own.get("chunks")), repr(own.get("categories"))
    if "train_images" in sampled.evidence:
        found["pixels"] = shape, lambda: of_pixels(own, sampled, seed)
    if sampled.classes or sampled.numbers:
        found["random"] = shape, lambda: at_random(own, sampled, seed)
        found["perfect"] = (), lambda: perfect(sampled)
    return found


def _check(metrics: Sequence[Component], names: Sequence[str] | None) -> None:
    """Raise UnbraidError with the closest name for an unknown metric."""
    known = [name_of(m) for m in metrics]
    for name in names or ():
        if name not in known:
            raise UnbraidError(f"there is no metric {name!r}",
                               hint=closest(name, known) or f"there is {', '.join(known)}")


def _intervals(results: Mapping[str, Any]) -> dict[str, list[float]]:
    found = {name: interval(float(r.score), r.resampled) for name, r in results.items()
             if isinstance(getattr(r, "resampled", None), np.ndarray)}
    return {name: i for name, i in found.items() if i is not None}


def _described(protocol: Protocol, sampled: Sampled) -> dict[str, Any]:
    """Return the protocol's name, the numbers of rows, and the columns of the table and whether it is a full grid."""
    rows = {name.removesuffix("_rows"): len(sampled.evidence.get(name, ()))
            for name in ("measured_rows", "train_rows", "test_rows", "drawn_rows")}
    return {"name": protocol.name, "rows": rows, "columns": sampled.columns, "grid": sampled.grid}
