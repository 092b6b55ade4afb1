"""Oracles of numbers: a network that never saw the model and reads positions from the images that it makes."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import attrs
import numpy as np
import torch

from unbraid import metric
from unbraid_plugins.shared.metrics.cache import cached_tensors
from unbraid_plugins.shared.metrics.chunks.chunks import mean
from unbraid_plugins.shared.metrics.chunks.number_regression import Numbers, r2
from unbraid_plugins.shared.metrics.edits.oracles import BATCH, EPOCHS, OracleNet

FORMAT = 1                                         # of cached weights: raise it with changes of the training


@attrs.frozen(eq=False)
class NumberOracles:
    """A trained regression of numbers.

    r2: by number, on real images that it was not trained on; the mean over components.
    score: mean R2.
    see: hidden, images (n, C, H, W) -> name -> (n, d) numbers.
    """

    r2: dict[str, float]
    score: float
    see: Callable[[np.ndarray], dict[str, np.ndarray]] = attrs.field(repr=False, metadata={"hidden": True})


@metric(better="neither")
def number_oracles(images: np.ndarray, numbers: Numbers, oracle_images: np.ndarray, oracle_numbers: Numbers, *,
                   steps: int = 1200, seed: int = 0, device: str = "cpu") -> NumberOracles:
    """Train a convolutional network to read numbers from real images, and test it on others.

    It is that of `oracles`, with a squared error instead of classes; its weights are cached likewise. Rows with an
    unknown number are left out.

    images: (N, C, H, W) in [0, 1], to test on.
    oracle_images: (K, C, H, W), or uint8, to train on.
    numbers, oracle_numbers: name -> (N, d) and (K, d), NaN where unknown.
    """
    known = ~np.isnan(np.concatenate(list(oracle_numbers.values()), 1)).any(1)
    train = {name: v[known] for name, v in oracle_numbers.items()}
    centre = {name: v.mean(0) for name, v in train.items()}
    spread = {name: np.maximum(v.std(0), 1e-6) for name, v in train.items()}
    targets = {name: (v - centre[name]) / spread[name] for name, v in train.items()}
    net = _kept(oracle_images[known], targets, steps, seed, torch.device(device))

    def see(pictures: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            batches = [net(_tensor(pictures[i:i + BATCH], device)) for i in range(0, len(pictures), BATCH)]
        return {n: torch.cat([b[n] for b in batches]).cpu().numpy() * spread[n] + centre[n] for n in targets}

    seen, found = see(images), {}
    for name, y in numbers.items():
        rows = ~np.isnan(y).any(1)
        each = r2(y[rows], seen[name][rows])
        found[name] = float(each.mean()) if len(each) else 0.0
    return NumberOracles(found, mean(found), see)


def _kept(images: np.ndarray, targets: Numbers, steps: int, seed: int, device: torch.device) -> OracleNet:
    """Return the trained network, from the cache or trained now.  The global generators are left as they were."""
    sizes = {name: v.shape[1] for name, v in targets.items()}
    with torch.random.fork_rng(devices=[]):
        net = OracleNet(images.shape[1:], sizes)
    about = "numbers", FORMAT, torch.__version__, device.type, torch.get_default_dtype(), steps, seed, sizes
    digest = blake2b(repr(about).encode(), digest_size=20)
    for array in (images, *targets.values()):
        digest.update(f"{array.shape} {array.dtype};".encode())
        digest.update(np.ascontiguousarray(array).data)
    weights = cached_tensors("oracles", digest.hexdigest(), net.state_dict(),
                             lambda: _trained(images, targets, steps, seed, device).state_dict())
    net.load_state_dict(weights)
    return net.to(device).eval().requires_grad_(False)


def _trained(images: np.ndarray, targets: Numbers, steps: int, seed: int, device: torch.device) -> OracleNet:
    """Train the network by Adam until the learning rate has fallen to 0."""
    steps = min(steps, EPOCHS * max(len(images) // BATCH, 1))
    wanted = {name: torch.as_tensor(v, device=device, dtype=torch.get_default_dtype()) for name, v in targets.items()}
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
        torch.manual_seed(seed)
        net = OracleNet(images.shape[1:], {name: v.shape[1] for name, v in targets.items()}).to(device).train()
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            rows = rng.integers(0, len(images), BATCH)
            made, at = net(_tensor(images[rows], device)), torch.as_tensor(rows, device=device)
            loss = torch.stack([(made[name] - y[at]).square().mean() for name, y in wanted.items()]).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
    return net


def _tensor(images: np.ndarray, device: torch.device | str) -> torch.Tensor:
    """Return images as floats in [0, 1]."""
    t = torch.as_tensor(images, device=device)
    return t.to(torch.get_default_dtype()) / (255 if t.dtype == torch.uint8 else 1)
