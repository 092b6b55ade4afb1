"""Processes forked from one that has imported what a training imports on its way, plugins too, and computed nothing."""

from __future__ import annotations

import multiprocessing
from importlib.metadata import entry_points

FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["unbraid.engine.training", "unbraid.cli.train", "unbraid_configs", "ruamel.yaml",
                                "torch._dynamo",   # by way of the first optimizer
                                *sorted({e.module for e in entry_points(group="unbraid")})])
