"""Optimizers of players: torch's, with learning rates that follow schedules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from unbraid_configs import Mistake, RecipeError, recipe
from unbraid_configs.expressions import Weight, Weights

_MAKERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda w, o: torch.optim.Adam(w, lr=0.0, betas=o.betas, eps=o.eps, weight_decay=o.weight_decay, fused=True),
    "adamw": lambda w, o: torch.optim.AdamW(w, lr=0.0, betas=o.betas, eps=o.eps, weight_decay=o.weight_decay,
                                            fused=True),
    "sgd": lambda w, o: torch.optim.SGD(w, lr=0.0, momentum=o.momentum, weight_decay=o.weight_decay, fused=True),
    "rmsprop": lambda w, o: torch.optim.RMSprop(w, lr=0.0, eps=o.eps, momentum=o.momentum, weight_decay=o.weight_decay),
    "adagrad": lambda w, o: torch.optim.Adagrad(w, lr=0.0, eps=o.eps, weight_decay=o.weight_decay),
}


@attrs.define(eq=False)
class Optimizer:
    """A torch optimizer whose learning rate is set before every update."""

    optimizer: torch.optim.Optimizer | None        # None: the player's networks have no weights
    rate: Weight

    def step(self, step: int) -> None:
        """Update the weights by their gradients."""
        if self.optimizer is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate.at(step)
            self.optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """Return the state as tensors: '3/exp_avg' is the first moment of the fourth weight."""
        if self.optimizer is None:
            return {}
        return {f"{number}/{name}": torch.as_tensor(v) for number, state in
                self.optimizer.state_dict()["state"].items() for name, v in state.items() if v is not None}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore a state that `state()` returned.  Raises ValueError where it does not fit the weights."""
        if self.optimizer is None:
            return
        weights = self.optimizer.param_groups[0]["params"]
        state: dict[int, dict[str, Any]] = {}
        for key, v in tensors.items():
            number, _, name = key.partition("/")
            if int(number) >= len(weights) or (v.ndim and v.shape != weights[int(number)].shape):
                raise ValueError(f"the optimizer's {key} does not fit its weights")
            state.setdefault(int(number), {})[name] = laid_out(v, weights[int(number)]) if v.ndim else v
        self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})


def optimizer_for(o: recipe.Optimizer, weights: Sequence[nn.Parameter], weights_of_recipe: Weights,
                  path: str) -> Optimizer:
    """Return the optimizer that a recipe describes.  Raises RecipeError for a negative learning rate."""
    rate = weights_of_recipe.read(o.lr, f"{path}.lr")
    if rate.number < 0:
        raise RecipeError([Mistake(o.lr.place, f"{path}.lr", f"must be >= 0, got {rate.number:g}")])
    return Optimizer(_MAKERS[o.type](list(weights), o) if weights else None, rate)


def norm(gradients: Sequence[Tensor | None]) -> Tensor:
    """Return the Euclidean norm of all gradients together; 0 without gradients."""
    given = [g for g in gradients if g is not None]
    return torch.stack(torch._foreach_norm(given)).norm() if given else torch.zeros(())


def clipped(gradients: Sequence[Tensor | None], limit: float) -> list[Tensor | None]:
    """Scale gradients down to a common norm of `limit`, where it is larger."""
    scale = (limit / (norm(gradients) + 1e-6)).clamp(max=1.0)
    return [None if g is None else g * scale for g in gradients]


def plus(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    """Return the sum of two gradients of a weight; None counts as zero, and two Nones give None."""
    return b if a is None else a if b is None else a + b


def laid_out(numbers: Tensor | None, weight: Tensor) -> Tensor | None:
    """Return a gradient or moment in its weight's memory layout: torch's fused optimizers read all in one order."""
    if numbers is None or numbers.stride() == weight.stride():
        return numbers
    return torch.empty_like(weight).copy_(numbers)


@torch.no_grad()
def update_ema(average: nn.Module, of: nn.Module, decay: float) -> None:
    """Update an EMA: average <- decay * average + (1 - decay) * of.  Copy buffers as they are."""
    torch._foreach_lerp_(list(average.parameters()), list(of.parameters()), 1 - decay)
    for a, b in zip(average.buffers(), of.buffers(), strict=True):
        a.copy_(b)
