"""Weights & Biases: a training's losses, pictures and recipe, as a plugin of one file.

    pip install wandb
    unbraid train mixing-sprites --plugin wandb_logger.py

A run that goes on continues its page: what an earlier session logged after the checkpoint is rewound.
"""

from __future__ import annotations

from typing import Any

import wandb

from unbraid import hookimpl

_pages: dict[Any, Any] = {}                        # by the folders of the runs under way


@hookimpl
def unbraid_run_start(run: Any, step: int, recipe: Any) -> None:
    """Open the run's page."""
    name = run.folder.name
    again = {"resume_from": f"{name}?_step={step}"} if step else {"id": name}
    _pages[run.folder] = wandb.init(project="unbraid", dir=str(run.folder), config={
        "title": recipe.title, "paper": recipe.paper, "seed": recipe.train.seed, "steps": recipe.train.steps}, **again)


@hookimpl
def unbraid_log(run: Any, step: int, numbers: Any, pictures: Any) -> None:
    """Losses as curves, images (C, H, W) in [0, 1] as images; meshes are left to TensorBoard."""
    images = {name: wandb.Image(p.permute(1, 2, 0).cpu().numpy()) for name, p in pictures.items()
              if not isinstance(p, tuple)}
    _pages[run.folder].log({**numbers, **images}, step=step)


@hookimpl
def unbraid_run_end(run: Any, error: BaseException | None) -> None:
    """Close the page; exit code 1 marks a run that failed."""
    _pages.pop(run.folder).finish(exit_code=int(error is not None))
