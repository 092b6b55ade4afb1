"""Metrics of representations, images and shapes: how much codes know, and whether their chunks are the factors.

A metric is a plain function of NumPy arrays. It returns an attrs result with a `score` and its parts, and says which
score is better. The evaluation passes to each metric the values that its parameters
name: `unbraid_plugins.tools.evaluation.evidence` lists the names, and another metric's name stands for its result.

codes: (N, D), the codes of N images.
factors: name -> (N,) classes, -1 where unknown.
chunks: name -> the columns [start, stop) of the code that belong to the chunk.

The metrics of the disentanglement literature, `mig`, `modularity`, `explicitness`, `sap`, `dci`, `irs`,
`beta_vae_score`, `factor_vae_score` and `udr`, take the factors as one table (N, K) of whole numbers, all of them
known. `disentanglement` makes components of them, which take the evaluation's table of complete rows. `nmi` and
`clustering_accuracy` compare clusters with classes. `psnr`, `ssim` and `mask_ssim` compare images, `fid` and `kid` sets
of images, `frechet_distance` and `kernel_distance` sets of features. `viewpoint_error`, `depth_error`, `chamfer` and
`silhouette_iou` compare views and shapes. `normal_angle`, `albedo_error` and `relight_psnr` compare layers of images.
`rank_1_identification`, `verification` and `roc` ask who is in an image, `pose_control` whether an image shows the pose
that it was made for.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

from unbraid import hookimpl
from unbraid_plugins.shared.metrics.cache import cache_folder, cached_tensors
from unbraid_plugins.shared.metrics.chunks.chunk_probe import chunk_probe
from unbraid_plugins.shared.metrics.chunks.clip_retrieval import clip_retrieval
from unbraid_plugins.shared.metrics.chunks.leak_matrix import leak_matrix
from unbraid_plugins.shared.metrics.chunks.linear_probe import linear_probe
from unbraid_plugins.shared.metrics.chunks.live_factors import live_factors
from unbraid_plugins.shared.metrics.chunks.nearest_neighbour import nearest_neighbour_accuracy
from unbraid_plugins.shared.metrics.chunks.number_regression import number_regression
from unbraid_plugins.shared.metrics.chunks.retrieval import retrieval_map
from unbraid_plugins.shared.metrics.disentanglement.beta_vae import beta_vae_score
from unbraid_plugins.shared.metrics.disentanglement.clustering import clustering_accuracy, nmi
from unbraid_plugins.shared.metrics.disentanglement.components import OF_TABLES
from unbraid_plugins.shared.metrics.disentanglement.dci import dci
from unbraid_plugins.shared.metrics.disentanglement.factor_vae import factor_vae_score
from unbraid_plugins.shared.metrics.disentanglement.irs import irs
from unbraid_plugins.shared.metrics.disentanglement.kl import kl_per_number
from unbraid_plugins.shared.metrics.disentanglement.mig import mig
from unbraid_plugins.shared.metrics.disentanglement.modularity_explicitness import explicitness, modularity
from unbraid_plugins.shared.metrics.disentanglement.mutual_information import binned
from unbraid_plugins.shared.metrics.disentanglement.sap import sap
from unbraid_plugins.shared.metrics.disentanglement.udr import of_models, udr
from unbraid_plugins.shared.metrics.edits.analogy_error import analogy_error
from unbraid_plugins.shared.metrics.edits.classification_accuracy import classification_accuracy
from unbraid_plugins.shared.metrics.edits.edit_control import edit_control
from unbraid_plugins.shared.metrics.edits.function_accuracy import function_accuracy
from unbraid_plugins.shared.metrics.edits.number_oracles import number_oracles
from unbraid_plugins.shared.metrics.edits.oracles import oracles
from unbraid_plugins.shared.metrics.edits.pose_control import control_table, pose_control
from unbraid_plugins.shared.metrics.edits.prediction_error import prediction_error
from unbraid_plugins.shared.metrics.edits.realism import realism
from unbraid_plugins.shared.metrics.edits.reconstruction_error import reconstruction_error
from unbraid_plugins.shared.metrics.edits.reference_agreement import reference_agreement
from unbraid_plugins.shared.metrics.edits.swap_accuracy import swap_accuracy
from unbraid_plugins.shared.metrics.edits.transfer_accuracy import transfer_accuracy
from unbraid_plugins.shared.metrics.edits.translation_accuracy import domain_judges, translation_accuracy
from unbraid_plugins.shared.metrics.identities.rank_1 import rank_1_identification
from unbraid_plugins.shared.metrics.identities.roc import Roc, roc
from unbraid_plugins.shared.metrics.identities.verification import verification
from unbraid_plugins.shared.metrics.images.feature_networks import features_of, torchvision_network
from unbraid_plugins.shared.metrics.images.fid_kid import fid, kid
from unbraid_plugins.shared.metrics.images.frechet import frechet_distance
from unbraid_plugins.shared.metrics.images.kernel_distance import kernel_distance
from unbraid_plugins.shared.metrics.images.mask_ssim import mask_ssim, of_masks
from unbraid_plugins.shared.metrics.images.psnr_ssim import psnr, ssim
from unbraid_plugins.shared.metrics.layers.albedo_error import albedo_error
from unbraid_plugins.shared.metrics.layers.normal_angle import normal_angle
from unbraid_plugins.shared.metrics.layers.relight_psnr import relight_psnr
from unbraid_plugins.shared.metrics.shapes.azimuth_error import azimuth_error, edge_precision
from unbraid_plugins.shared.metrics.shapes.chamfer import chamfer
from unbraid_plugins.shared.metrics.shapes.depth_error import depth_error
from unbraid_plugins.shared.metrics.shapes.silhouette_iou import silhouette_iou
from unbraid_plugins.shared.metrics.shapes.viewpoint_error import viewpoint_error

__all__ = ["Roc", "albedo_error", "analogy_error", "azimuth_error", "beta_vae_score", "binned", "cached_tensors",
           "chamfer", "chunk_probe", "classification_accuracy", "clip_retrieval", "clustering_accuracy",
           "control_table", "dci", "depth_error", "domain_judges", "edge_precision", "edit_control", "explicitness",
           "factor_vae_score", "features_of", "fid", "frechet_distance", "function_accuracy", "irs",
           "kernel_distance", "kid", "kl_per_number", "leak_matrix", "linear_probe", "live_factors", "mask_ssim",
           "mig", "modularity", "nearest_neighbour_accuracy", "nmi", "normal_angle", "number_oracles",
           "number_regression", "oracles", "pose_control", "prediction_error", "psnr", "rank_1_identification",
           "realism", "reconstruction_error", "reference_agreement", "relight_psnr", "retrieval_map", "roc", "sap",
           "silhouette_iou", "ssim", "swap_accuracy", "torchvision_network", "transfer_accuracy",
           "translation_accuracy", "udr", "verification", "viewpoint_error"]


@hookimpl
def unbraid_components() -> list[Any]:
    """Return the bundled metrics."""
    return [retrieval_map, nearest_neighbour_accuracy, linear_probe, reconstruction_error, live_factors, oracles,
            swap_accuracy, transfer_accuracy, reference_agreement, edit_control, realism, classification_accuracy,
            domain_judges, translation_accuracy, kl_per_number,
            chunk_probe, number_regression, clip_retrieval, number_oracles, analogy_error, function_accuracy,
            prediction_error, azimuth_error, edge_precision, leak_matrix, normal_angle, albedo_error, relight_psnr,
            pose_control, rank_1_identification, verification, of_masks, *OF_TABLES, of_models]


@hookimpl
def unbraid_doctor() -> list[tuple[str, str, bool]]:
    """Report the folder of the trained oracles, its free space, and whether it can be written to."""
    folder = cache_folder()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    can = os.access(there, os.W_OK)
    return [("kept oracles", f"{folder}  " + (f"{shutil.disk_usage(there).free / 2**30:.1f} GiB free" if can else
                                              "can't be written to"), can)]
