"""The making of packs: what goes in, what stays out, and the comparison with the run before the file is left."""

from __future__ import annotations

import base64
import io
import json
import math
import shlex
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from PIL import Image
from safetensors.torch import save
from torch import Tensor

from unbraid.data import DataFacts, open_data
from unbraid.flow import NetworkOp, ReferenceOp, below
from unbraid.model import Model, load
from unbraid.runs import Run, checkpoint
from unbraid_configs import Data, Recipe, dump_recipe
from unbraid_configs.variables import PLACES, PathText
from unbraid_plugins.tools.display import grid
from unbraid_plugins.tools.editing import reconstructions, shown_images
from unbraid_plugins.tools.evaluation import assignment
from unbraid_plugins.tools.packs.pack import FORMAT, SUFFIX, Pack, PackError, hash_of
from unbraid_plugins.tools.reports import read_evaluation
from unbraid_registry import UnbraidError
from unbraid_registry.files import to_json, write_whole

HERE = "${UNBRAID_DATA}"                           # in place of the paths of the data
THERE = "${UNBRAID_RUN}"                           # in place of runs that networks came from
MOST_PICTURE = 150_000                             # bytes


@attrs.frozen
class Packed:
    """A written pack.

    networks: the networks that it has.
    left_out: what it has not, in words.
    error: the largest difference of a half-precision pack's weights, relative to each tensor's largest number.
    """

    path: Path
    size: int
    networks: tuple[str, ...]
    left_out: tuple[str, ...]
    error: float = 0.0


def write_pack(run: str | Path, to: str | Path | None = None, *, licence: str = "", data_licence: str = "",
               step: int | None = None, everything: bool = False, half: bool = False, force: bool = False,
               overrides: Sequence[str] = ()) -> Packed:
    """Write the model of a run as a pack, whole or not at all, and load it again before it is left.

    to: the file; by default NAME.safetensors of the run's folder.
    licence, data_licence: of the weights and of the data, as SPDX identifiers or texts.
    everything: the networks too that no function uses, such as critics.
    half: store weights in half precision; results differ slightly.
    force: replace a file that is there.
    overrides: `a.b.c=value`, changes of the run's recipe where it no longer fits; the pack has the changed one.

    Raises PackError, RunError, RecipeError.
    """
    model = load(run, step=step, overrides=overrides)
    found = model.run
    assert found is not None
    path = Path(f"{found.folder.resolve().stem}{SUFFIX}" if to is None else to).expanduser()
    if path.suffix != SUFFIX:
        raise PackError(f"a pack's name ends with {SUFFIX}, not {path.name!r}")
    if path.exists() and not force:
        raise PackError(f"{path} is there already", hint="--force replaces it; or name another with --to")
    names = sorted(model.modules if everything else used(model))
    if not names:
        raise PackError(f"the recipe of {run} has no function that uses a network", hint="--all packs all networks")
    tensors = checkpoint.flat({n: model.modules[n].state_dict() for n in names})
    tensors = {name: (t.half() if half and t.dtype == torch.float32 else t).detach().cpu().contiguous().clone()
               for name, t in tensors.items()}
    recipe, left_out = without_places(model.method.recipe)
    unused = sorted(model.method.modules.keys() - set(names))
    left_out += [f"networks that no function uses: {', '.join(unused)}"] if unused else []
    about = {**facts_of(model), "licence": {"weights": licence, "data": data_licence}, "networks": names, "half": half}
    texts = {"format": "pt", "unbraid.pack": str(FORMAT), "unbraid.recipe": dump_recipe(recipe),
             "unbraid.data": json.dumps(without_notes(model.method.facts).to_json()),
             "unbraid.picture": picture_of(model)}
    about["sha256"] = hash_of(save(tensors))
    content = in_order(save(tensors, {**texts, "unbraid.about": to_json(about, ensure_ascii=False)}))
    write_whole(path, lambda scratch: _written(scratch, content, model), error=PackError, what="the pack")
    return Packed(path, len(content), tuple(names), tuple(left_out), _error(tensors, model) if half else 0.0)


def in_order(content: bytes) -> bytes:
    """Return a safetensors file with the texts of its header in order, so that equal packs have equal hashes.

    Its library writes them in an order that differs from process to process.
    """
    size = struct.unpack("<Q", content[:8])[0]
    described = json.loads(content[8:8 + size])
    texts = dict(sorted(described.pop("__metadata__", {}).items()))
    head = json.dumps({"__metadata__": texts, **described}, ensure_ascii=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)                # tensors begin at whole eight bytes
    return struct.pack("<Q", len(head)) + head + content[8 + size:]


def used(model: Model) -> set[str]:
    """Return the networks that the functions of a model reach."""
    roots = [graph.result for graph in model.method.function_graphs.values()]
    return {node.op.network for node in below(*roots) if isinstance(node.op, NetworkOp | ReferenceOp)} & (
        model.modules.keys())


def without_places(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """Return a recipe without paths of this machine, and a line for each that was taken out."""
    removed: list[str] = []

    def options(where: str, given: Mapping[str, Any]) -> dict[str, Any]:
        kept = {}
        for key, value in given.items():
            is_place = key in PLACES and isinstance(value, str | Path) and not str(value).startswith("${")
            if is_place:
                removed.append(f"the path {where}.{key}, now {HERE}")
            kept[key] = PathText(HERE) if is_place else value
        return kept

    sources = {n: attrs.evolve(s, options=options(f"data.{n}", s.options)) for n, s in recipe.data.sources.items()}
    data: Data = attrs.evolve(recipe.data, sources=sources)
    networks = {}
    for name, n in recipe.networks.items():
        if n.from_ is not None:
            removed.append(f"the run that {name} came from")
        networks[name] = n if n.from_ is None else attrs.evolve(n, from_=PathText(f"{THERE}#{name}"))
    return attrs.evolve(recipe, data=data, networks=networks), removed


def without_notes(facts: DataFacts) -> DataFacts:
    """Return facts about data without the notes of its sources, which may name files."""
    return attrs.evolve(facts, sources={n: attrs.evolve(s, notes=()) for n, s in facts.sources.items()})


def facts_of(model: Model) -> dict[str, Any]:
    """Return title, paper, step, seed, versions, plugins and scores of a model."""
    assert model.run is not None
    recipe, record = model.method.recipe, model.run.record()
    sessions = record.get("sessions") or [{}]
    return {"title": recipe.title, "paper": recipe.paper, "step": model.step, "seed": recipe.train.seed,
            "versions": sessions[-1].get("versions", {}), "plugins": sessions[-1].get("plugins", {}),
            "functions": {n: list(p) for n, p in model.functions.items()}, "image": list(model.image_shape),
            "code": {p.name: p.size for p in model.layout.parts}, **measured(model.run)}


def measured(run: Run) -> dict[str, Any]:
    """Return what a run's evaluation found.

    scores: metric -> the model's score and its interval, those of baselines, and which direction is better.
    carries: factor of the data -> the part of the code that carries it.

    Raises PackError, ReportError for a damaged evaluation.
    """
    if isinstance(run, Pack):
        return {name: run.about.get(name, {}) for name in ("scores", "carries")}
    found = read_evaluation(run.folder / "evaluation.json")
    if found is None:
        return {"scores": {}, "carries": {}}
    try:
        arms, intervals = found["arms"], found["intervals"].get("model", {})
        scores = {name: {"score": own["score"], "interval": intervals.get(name),
                         "baselines": {arm: values[name]["score"] for arm, values in arms.items()
                                       if arm != "model" and _measured(values.get(name))},
                         "better": found["metrics"].get(name, {}).get("better", "")}
                  for name, own in arms["model"].items() if _measured(own)}
        return {"scores": scores, "carries": {str(f): str(part) for f, part in assignment(found).items()}}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackError(f"can't read {run.folder / 'evaluation.json'}: {error}",
                        hint=f"unbraid evaluate {shlex.quote(str(run.folder))}") from None


def _measured(result: Any) -> bool:
    """Whether a metric's result has a score: a finite number."""
    found = result.get("score") if isinstance(result, dict) else None
    return isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found)


def picture_of(model: Model) -> str:
    """Return a small picture of reconstructions or samples as base64 text; empty where the model makes none."""
    try:
        image = _shown(model)
    except UnbraidError:                           # its data is not here, or its functions take other things
        return ""
    pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode() if len(file.getvalue()) <= MOST_PICTURE else ""


def _shown(model: Model) -> Tensor:
    """Return a picture of what a model makes.  Raises UnbraidError where it makes none."""
    if "generate" in model.functions:
        return grid(model.sample(8).split(4))
    recipe = model.method.recipe
    data = open_data(recipe.data, seed=recipe.train.seed)
    try:
        return reconstructions(model, shown_images(data)[:4])
    finally:
        data.close()


def _written(scratch: Path, content: bytes, model: Model) -> None:
    """Write a pack, load it again and compare its weights.  Raises PackError."""
    scratch.write_bytes(content)
    again = load(scratch)
    for name, module in again.modules.items():
        for key, tensor in module.state_dict().items():
            own = model.modules[name].state_dict()[key]
            if not torch.equal(tensor, own) and not torch.equal(tensor, own.half().float()):
                raise PackError(f"the pack has other weights than the run: {name}.{key}; nothing was written")


def _error(tensors: Mapping[str, Tensor], model: Model) -> float:
    own = checkpoint.flat({n: m.state_dict() for n, m in model.modules.items()})
    return max((float((t.float() - own[n]).abs().max() / own[n].abs().max().clamp_min(1e-12))
                for n, t in tensors.items() if t.dtype == torch.float16), default=0.0)
