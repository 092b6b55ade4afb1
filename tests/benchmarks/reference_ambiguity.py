"""The reference ambiguity of a trained model, as it is and with an ambiguity that no loss can see.

    unbraid evaluate RUN --metrics transfer_accuracy,reference_agreement
    python tests/benchmarks/reference_ambiguity.py RUN --out references.png

The second model is the first with v' = T_c(v) in its encoder and the inverse in its decoder, T_c the mirror of the
azimuth for every other object: all losses of pairs are the same. What it shows is known without training it: the
azimuths of these objects, mirrored.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

import unbraid
from unbraid.data import open_data
from unbraid_configs import load_recipe
from unbraid_plugins.shared.metrics import reference_agreement
from unbraid_plugins.shared.metrics.edits.reference_agreement import ReferenceAgreement
from unbraid_plugins.shared.metrics.edits.transfer_accuracy import TransferAccuracy
from unbraid_plugins.tools.evaluation.encoded import of_model
from unbraid_plugins.tools.evaluation.evidence import sample
from unbraid_plugins.tools.evaluation.pictures import draw_matrices


def measured(run: Path, seed: int = 0) -> tuple[ReferenceAgreement, ReferenceAgreement, list[str]]:
    """Of the model, of the ambiguous model, and what the objects are called."""
    model, found = unbraid.load(run), json.loads((run / "evaluation.json").read_text())
    data = open_data(load_recipe(run / "recipe.yaml").data, seed=0)
    sampled = sample(data, seed=seed)
    evidence = {**sampled.evidence, **of_model(model, sampled, seed)}
    part = TransferAccuracy([], found["arms"]["model"]["transfer_accuracy"]["chunk"], {}, {}, {}, {}, {}, {}, 0.0)
    mesh = evidence["train_factors"]["mesh"]

    def agreement(azimuths: np.ndarray) -> ReferenceAgreement:
        return reference_agreement(evidence["train_images"], evidence["train_codes"], evidence["train_factors"],
                                   azimuths, evidence["shared_factors"], evidence["chunks"], evidence["decode"], part,
                                   seed=seed)

    names = data.images_of[sampled.source].fields["mesh"].names or [str(i) for i in range(int(mesh.max()) + 1)]
    plain = evidence["train_azimuths"]
    return agreement(plain), agreement(np.where(mesh % 2, -plain, plain) % (2 * np.pi)), list(names)


def main() -> None:
    """Measure, say the scores and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("references.png"))
    asked = parser.parse_args()
    found, mirrored, objects = measured(asked.run)
    for name, result in (("as trained", found), ("ambiguous", mirrored)):
        print(f"{name:12} agreement {result.score:.3f}, after the best turn {result.score + result.ambiguity:.3f}, "
              f"ambiguity {result.ambiguity:.3f}, mirrored {result.mirrored.mean():.2f}, itself {result.rebuilt:.3f}")
    titled = {"as trained": found, "every other object mirrored": mirrored}
    agreements = {f"{title}: {r.score:.2f}, ambiguity {r.ambiguity:.2f}": r.agreement for title, r in titled.items()}
    FigureCanvasAgg(draw_matrices(agreements, objects)).print_png(asked.out)


if __name__ == "__main__":
    main()
