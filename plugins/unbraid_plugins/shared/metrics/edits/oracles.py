"""Oracles: classifiers of attributes that never saw the model and judge the images that it makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice

import attrs
import numpy as np
import torch
from torch import Tensor, nn

from unbraid import metric
from unbraid_plugins.shared.metrics.cache import cached_tensors
from unbraid_plugins.shared.metrics.chunks.chunks import Factors, mean

BATCH = 64
WIDTHS = (24, 48, 96)
EPOCHS = 30                                        # at most
LEARNED = 0.03                                     # mean cross-entropy of a factor, in nats
SETTLING = 20                                      # batches for the means of batch normalisation, after training
FORMAT = 2                                         # of cached weights: raise it with changes of the network or training


@attrs.frozen(eq=False)
class Oracles:
    """Trained classifiers of attributes, and their accuracies.

    accuracy: by factor, in [0, 1], on real images that they were not trained on.
    chance: by factor, the share of the most frequent class.
    score: mean accuracy.
    see: hidden, images (n, C, H, W) -> factor -> (n,) classes.
    believe: hidden, images -> factor -> (n, classes) probabilities.
    features: hidden, images -> (n, D), the outputs of the last convolution, mean over places.

    The hidden fields are for other metrics and appear in no report.
    """

    accuracy: dict[str, float]
    chance: dict[str, float]
    score: float
    see: Callable[[np.ndarray], dict[str, np.ndarray]] = attrs.field(repr=False, metadata={"hidden": True})
    believe: Callable[[np.ndarray], dict[str, np.ndarray]] | None = attrs.field(default=None, repr=False,
                                                                                metadata={"hidden": True})
    features: Callable[[np.ndarray], np.ndarray] | None = attrs.field(default=None, repr=False,
                                                                      metadata={"hidden": True})


@metric(better="neither")
def oracles(images: np.ndarray, factors: Factors, oracle_images: np.ndarray, oracle_factors: Factors, *,
            steps: int = 1200, seed: int = 0, device: str = "cpu") -> Oracles:
    """Train attribute classifiers on real images, and test them on others.

    They are one small convolutional network with a head for each factor. It sees images of about 32 x 32 pixels, and
    trains until it makes hardly an error. Its weights are cached (`cached_tensors`): the same images, labels and
    options train it once.

    images: (N, C, H, W) in [0, 1], to test on.
    oracle_images: (K, C, H, W), or uint8, to train on.
    factors, oracle_factors: name -> classes, (N,) and (K,), -1 where unknown.
    """
    classes = {name: int(max(factors[name].max(), oracle_factors[name].max())) + 1 for name in factors}
    net = _kept(oracle_images, oracle_factors, classes, steps, seed, torch.device(device))

    def believe(pictures: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            batches = [net(_tensor(b, device)) for b in _batches(pictures)]
        return {name: torch.cat([b[name].softmax(1) for b in batches]).cpu().numpy() for name in classes}

    def see(pictures: np.ndarray) -> dict[str, np.ndarray]:
        return {name: p.argmax(1) for name, p in believe(pictures).items()}

    def features(pictures: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return torch.cat([net.features(_tensor(b, device)) for b in _batches(pictures)]).cpu().numpy()

    seen = see(images)
    known = {name: np.asarray(y) >= 0 for name, y in factors.items()}
    accuracy = {n: float((seen[n] == y)[known[n]].mean()) for n, y in factors.items()}
    chance = {n: float(np.bincount(y[known[n]]).max() / known[n].sum()) for n, y in factors.items()}
    return Oracles(accuracy, chance, mean(accuracy), see, believe, features)


class OracleNet(nn.Module):
    """A convolutional classifier: shrinks to about 32 x 32; three strided convolutions; a linear head for each factor.

    (B, C, H, W) -> factor -> (B, classes).
    """

    def __init__(self, image: tuple[int, ...], classes: dict[str, int]) -> None:
        super().__init__()
        channels, height, width = image
        shrink = max(min(height, width) // 32, 1)
        height, width = height // shrink, width // shrink
        layers: list[nn.Module] = [nn.AvgPool2d(shrink)]
        for size in WIDTHS:
            layers += [nn.Conv2d(channels, size, 3, stride=2, padding=1), nn.BatchNorm2d(size), nn.ReLU()]
            channels, height, width = size, (height + 1) // 2, (width + 1) // 2
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2))
        self.heads = nn.ModuleDict({f"head {n}": nn.Linear(channels * height * width, k) for n, k in classes.items()})

    def features(self, x: Tensor) -> Tensor:
        """Return the outputs of the last convolution, mean over places: (B, the last width)."""
        return self.trunk[:-2](x - 0.5).mean((2, 3))                 # without flattening and dropout

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return the logits of every factor."""
        features = self.trunk(x - 0.5)
        return {name.removeprefix("head "): head(features) for name, head in self.heads.items()}


def _kept(images: np.ndarray, factors: Factors, classes: dict[str, int], steps: int, seed: int,
          device: torch.device) -> OracleNet:
    """Return the trained network, from the cache or trained now.  The global generators are left as they were."""
    with torch.random.fork_rng(devices=[]):
        net = OracleNet(images.shape[1:], classes)
    about = FORMAT, torch.__version__, device.type, torch.get_default_dtype(), steps, seed, classes
    digest = blake2b(repr(about).encode(), digest_size=20)
    for array in (images, *(np.asarray(factors[name]) for name in classes)):
        digest.update(f"{array.shape} {array.dtype};".encode())
        digest.update(np.ascontiguousarray(array).data)
    weights = cached_tensors("oracles", digest.hexdigest(), net.state_dict(), lambda: _trained(
        images, factors, classes, steps, seed, device).state_dict())
    net.load_state_dict(weights)
    return net.to(device).eval().requires_grad_(False)


def _trained(images: np.ndarray, factors: Factors, classes: dict[str, int], steps: int, seed: int,
             device: torch.device) -> OracleNet:
    """Train the network by Adam, until the learning rate has fallen to 0 or the loss is nearly 0.

    The global generators are left as they were.
    """
    steps = min(steps, EPOCHS * max(len(images) // BATCH, 1))
    labels = {name: torch.as_tensor(factors[name], device=device).long() for name in classes}
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch.enable_grad():
        torch.manual_seed(seed)
        net, recent = OracleNet(images.shape[1:], classes).to(device).train(), 1.0
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _, rows in zip(range(steps), _shuffled(len(images), rng), strict=False):
            logits = net(_tensor(images[rows], device))
            at = torch.as_tensor(rows, device=device)
            loss = torch.stack([_cross_entropy(logits[name], labels[name][at]) for name in classes]).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            recent = 0.9 * recent + 0.1 * float(loss.detach()) / len(classes)
            if recent < LEARNED:
                break
        _settle(net, (_tensor(images[rows], device) for rows in islice(_shuffled(len(images), rng), SETTLING)))
    return net


@torch.no_grad()
def _settle(net: OracleNet, batches: Iterable[Tensor]) -> None:
    """Set the means and variances of batch normalisation to those of these batches, with fixed weights.

    The running ones lag behind weights that still move fast when training stops.
    """
    layers = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None                      # the mean of all batches
    for batch in batches:
        net(batch)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over known labels."""
    total = nn.functional.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)


def _shuffled(count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield shuffled batches of row numbers without end; each epoch leaves out its last rows if they fill no batch."""
    while True:
        order = rng.permutation(count)
        yield from (order[i:i + BATCH] for i in range(0, max(count - BATCH + 1, 1), BATCH))


def _batches(images: np.ndarray, size: int = 256) -> list[np.ndarray]:
    return [images[i:i + size] for i in range(0, len(images), size)]


def _tensor(images: np.ndarray, device: str | torch.device) -> Tensor:
    tensor = torch.as_tensor(images, device=device)
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()
