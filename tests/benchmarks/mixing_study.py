"""Does mixing disentangle?  The method against its ablations and a broken variant, over seeds.

    python tests/benchmarks/mixing_study.py mixing-lpc --seeds 0 1 --out runs/study a.b=c ...

Each arm trains the same networks for the same number of steps; `evaluate` measures it. Finished arms are not trained
again. Prints and writes a table of means over seeds (smallest ... largest).
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from unbraid.engine import train
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_plugins.tools.evaluation import evaluate
from unbraid_registry import configure

NO_CLASSIFIER = ("players.autoencoder.minimizes.chunks=null", "networks.classifier=null",
                 "players.autoencoder.trains=[encoder, generator]")
NO_ADVERSARY = ("players.critic=null", "networks.critic=null", "players.autoencoder.minimizes.realism=null")
ARMS: dict[str, tuple[str, ...]] = {
    "mixing": (),
    "no classifier": NO_CLASSIFIER,
    "no adversary": NO_ADVERSARY,
    "no mixing (autoencoder)": (*NO_CLASSIFIER, *NO_ADVERSARY, "players.autoencoder.minimizes.cycle=null"),
    "broken: mask on the batch axis": ("flow.mask=broken_mask.whole_images()",),
}


def measured(recipe: str, overrides: tuple[str, ...], out: Path) -> dict[str, Any]:
    """The evaluation of one run; it is trained if it is not there, or gone on with."""
    run, r = Run(out), load_recipe(recipe, overrides)
    if not (out / "evaluation.json").is_file():
        train(r, out, resume=run.record_file.exists() and run.last_checkpoint() is not None, show=True)
        evaluate(run)
    return json.loads((out / "evaluation.json").read_text())


def score(result: dict[str, Any], arm: str, *path: str) -> float | None:
    """A number in an evaluation, the mean of several, or None."""
    found: Any = result["arms"].get(arm)
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, dict):
        numbers = [v for v in found.values() if v is not None]
        return statistics.mean(numbers) if numbers else None
    return found if isinstance(found, int | float) else None


COLUMNS = {"mAP, best chunk": ("retrieval_map", "score"), "mAP, one to one": ("retrieval_map", "score_one_to_one"),
           "transferred": ("swap_accuracy", "transferred"), "kept": ("swap_accuracy", "kept"),
           "live chunks": ("live_factors", "score"), "mse": ("reconstruction_error", "mse")}


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """A Markdown table: a row per arm, with the untrained twin and the pixels as baselines."""
    rows = {**{name: [(r, "model") for r in rs] for name, rs in results.items()},
            "untrained": [(r, "untrained") for r in results["mixing"]],
            "principal components of pixels": [(r, "pixels") for r in results["mixing"]]}
    lines = ["| arm | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, found in rows.items():
        cells = []
        for path in COLUMNS.values():
            values = [v for r, arm in found if (v := score(r, arm, *path)) is not None]
            cells.append(f"{statistics.mean(values):.3f} ({min(values):.3f} ... {max(values):.3f})" if values else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_intermixed_args()
    configure(files=[Path(__file__).with_name("broken_mask.py")])
    results: dict[str, list[dict[str, Any]]] = {}
    for seed in options.seeds:
        for name in options.arms:
            overrides = (*options.overrides, *ARMS[name], f"train.seed={seed}")
            folder = options.out / f"{name.split(':')[0].split(' (')[0].replace(' ', '-')}-{seed}"
            results.setdefault(name, []).append(measured(options.recipe, overrides, folder))
            text = table(results)
            (options.out / "table.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
