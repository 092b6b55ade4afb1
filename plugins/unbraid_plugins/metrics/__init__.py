"""What a representation knows, and whether its chunks are the factors.

A metric is a plain function of NumPy arrays and gives an attrs result with a `score` (higher is better, unless the
field's metadata say "lower") and its parts. The evaluation calls it with what its parameters name:
`unbraid.evaluation.evidence` lists the names, and the name of another metric stands for that metric's result.

codes: (N, D) numbers.  factors: name -> (N,) classes, -1 where unknown.  chunks: name -> the columns [start, stop) of
the code that it has.

The metrics of the disentanglement literature, `mig`, `modularity`, `explicitness`, `sap`, `dci`, `irs`,
`beta_vae_score`, `factor_vae_score` and `udr`, take the factors as one table (N, K) of whole numbers, every one known;
`disentanglement` makes components of them, which take the evaluation's table of complete rows. `nmi` and
`clustering_accuracy` compare clusters with classes; `psnr` and `ssim` compare images, `fid` and `kid` sets of them,
`frechet_distance` and `kernel_distance` sets of features; `viewpoint_error`, `depth_error`, `chamfer` and
`silhouette_iou` compare views and shapes.
"""

from __future__ import annotations

from typing import Any

from unbraid import hookimpl
from unbraid_plugins.metrics.agreement import udr
from unbraid_plugins.metrics.classifying import classification_accuracy
from unbraid_plugins.metrics.clusterings import clustering_accuracy, nmi
from unbraid_plugins.metrics.controlling import edit_control
from unbraid_plugins.metrics.depths import depth_error
from unbraid_plugins.metrics.differences import beta_vae_score
from unbraid_plugins.metrics.disentanglement import OF_TABLES
from unbraid_plugins.metrics.divergence import kl_per_number
from unbraid_plugins.metrics.gaussians import frechet_distance
from unbraid_plugins.metrics.image_distances import fid, kid
from unbraid_plugins.metrics.image_features import features_of, torchvision_network
from unbraid_plugins.metrics.importance import dci
from unbraid_plugins.metrics.information_gap import mig
from unbraid_plugins.metrics.interventions import irs
from unbraid_plugins.metrics.kernels import kernel_distance
from unbraid_plugins.metrics.likeness import psnr, ssim
from unbraid_plugins.metrics.liveliness import live_factors
from unbraid_plugins.metrics.model_agreement import of_models
from unbraid_plugins.metrics.modularity_explicitness import explicitness, modularity
from unbraid_plugins.metrics.mutual_information import binned
from unbraid_plugins.metrics.nearest import nearest_neighbour_accuracy
from unbraid_plugins.metrics.oracles import oracles
from unbraid_plugins.metrics.point_sets import chamfer
from unbraid_plugins.metrics.predictability import sap
from unbraid_plugins.metrics.probes import linear_probe
from unbraid_plugins.metrics.realism import realism
from unbraid_plugins.metrics.rebuilding import reconstruction_error
from unbraid_plugins.metrics.references import reference_agreement
from unbraid_plugins.metrics.retrieval import retrieval_map
from unbraid_plugins.metrics.silhouettes import silhouette_iou
from unbraid_plugins.metrics.swapping import swap_accuracy
from unbraid_plugins.metrics.transferring import transfer_accuracy
from unbraid_plugins.metrics.translating import domain_judges, translation_accuracy
from unbraid_plugins.metrics.variance_votes import factor_vae_score
from unbraid_plugins.metrics.viewpoints import viewpoint_error

__all__ = ["beta_vae_score", "binned", "chamfer", "classification_accuracy", "clustering_accuracy", "dci",
           "depth_error", "domain_judges", "edit_control", "explicitness", "factor_vae_score", "features_of", "fid",
           "frechet_distance", "irs", "kernel_distance", "kid", "kl_per_number", "linear_probe", "live_factors", "mig",
           "modularity", "nearest_neighbour_accuracy", "nmi", "oracles", "psnr", "realism", "reconstruction_error",
           "reference_agreement", "retrieval_map", "sap", "silhouette_iou", "ssim", "swap_accuracy",
           "torchvision_network", "transfer_accuracy", "translation_accuracy", "udr", "viewpoint_error"]


@hookimpl
def unbraid_components() -> list[Any]:
    """The bundled metrics."""
    return [retrieval_map, nearest_neighbour_accuracy, linear_probe, reconstruction_error, live_factors, oracles,
            swap_accuracy, transfer_accuracy, reference_agreement, edit_control, realism, classification_accuracy,
            domain_judges, translation_accuracy, kl_per_number, *OF_TABLES, of_models]
