"""DCI's completeness of copied codes, by our trees and by scikit-learn's, which the reference implementation uses.

    UNBRAID_SHARED=... OMP_NUM_THREADS=1 python tests/benchmarks/dci_copies.py [--copies 3] [--seeds 6]

Copies split equally well, so which of them a tree takes is chance; both draw. 700 images, 3 factors, 30 rounds.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier

from unbraid_plugins.shared.metrics.disentanglement.boosted_trees import boosted_trees
from unbraid_plugins.shared.metrics.disentanglement.dci import completeness

ROWS, FACTORS, ROUNDS = 700, 3, 30


def main() -> None:
    """Print a line for each code: means and standard deviations over the seeds."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--copies", type=int, default=3)
    options.add_argument("--seeds", type=int, default=6)
    asked = options.parse_args()
    cases = np.load(Path(os.environ.get("UNBRAID_SHARED", "../shared"), "reference/metrics/disentanglement_cases.npz"))
    rows = cases["train_index"][:ROWS]
    labels = cases["factors"][rows, :FACTORS]
    print("code | ours | scikit-learn")
    for name in ("noisy_0.1", "noisy_0.5", "rotated_pair_45deg"):
        codes = np.concatenate([cases[f"codes__{name}"].astype(float)] * asked.copies, 1)[rows]
        ours, theirs = [], []
        for seed in range(asked.seeds):
            ours.append(np.stack([boosted_trees(codes, y, codes[:1], y[:1], rounds=ROUNDS, seed=seed).importance
                                  for y in labels.T], 1))
            theirs.append(np.stack([GradientBoostingClassifier(random_state=seed, n_estimators=ROUNDS)
                                    .fit(codes, y).feature_importances_ for y in labels.T], 1))
        said = [f"{np.mean(found):.4f} +- {np.std(found):.4f}" for found in
                ([completeness(r) for r in ours], [completeness(r) for r in theirs])]
        print(" | ".join((name, *said)), flush=True)


if __name__ == "__main__":
    main()
