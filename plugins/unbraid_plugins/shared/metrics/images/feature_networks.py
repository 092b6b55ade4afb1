"""Networks whose features compare images: the caller's, or one of torchvision's with weights that the user has."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from unbraid import open_file
from unbraid_plugins.shared.torchvision_pair import torchvision_part

Network: TypeAlias = "Callable[[np.ndarray], np.ndarray] | nn.Module"
"""Images (n, C, H, W) float32 in [0, 1] -> features (n, D): of arrays, or a module of tensors."""


def features_of(images: np.ndarray, network: Network, *, device: str = "cpu", batch: int = 64) -> np.ndarray:
    """Return the features (N, D) of images (N, C, H, W), floats in [0, 1] or uint8, `batch` at a time.

    A torch module is copied first; the copy is put in evaluation mode and on the device.

    Raises ValueError where images or features have another shape.
    """
    images = np.asarray(images)
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"images must be (N, C, H, W), one at least; found {images.shape}")
    scale = 255 if images.dtype == np.uint8 else 1
    batches = [images[i:i + batch] for i in range(0, len(images), batch)]
    see = _of_module(network, device) if isinstance(network, nn.Module) else network
    found = [np.asarray(see(np.asarray(b, np.float32) / scale)) for b in batches]
    wrong = next((f.shape for f, b in zip(found, batches, strict=True) if f.ndim != 2 or len(f) != len(b)), None)
    if wrong is not None:
        raise ValueError(f"the network must give features (n, D) for images {batches[0].shape}; found {wrong}")
    return np.concatenate(found)


def _of_module(module: nn.Module, device: str) -> Callable[[np.ndarray], np.ndarray]:
    module = copy.deepcopy(module).to(device).eval()

    def see(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return module(torch.as_tensor(images, device=device)).float().cpu().numpy()

    return see


def torchvision_network(name: str, weights: str | Path) -> nn.Module:
    """Return a torchvision classifier without its last linear layer: images (n, 1 or 3, H, W) in [0, 1] -> (n, D).

    The images are resized to the network's size (bilinear, antialiased) and normalised as in its training. Grey images
    get three equal channels. FID in the literature uses the features of "inception_v3" in its TensorFlow version, so
    numbers compare only within one network.

    name: as in `torchvision.models.list_models()`.
    weights: a `.safetensors` file of the network's whole state.

    Nothing is downloaded: torchvision's own files are pickled, and reading them runs foreign code. Convert them once.

    Raises ValueError for an unknown name, and where the weights are no such file or do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    models = torchvision_part("models")
    known = models.list_models(module=models)
    if name not in known:
        raise ValueError(f"torchvision has no classifier {name!r}; it has {', '.join(known)}")
    path = Path(weights)
    if path.suffix != ".safetensors" or not path.is_file():
        raise ValueError(
            f"the weights of {name} must be a .safetensors file that is there; found {path}. Torchvision's own are "
            "pickled: convert them once, where you trust them, with  safetensors.torch.save_file("
            f"torchvision.models.get_model({name!r}, weights='DEFAULT').state_dict(), '{name}.safetensors')")
    options = {"init_weights": False} if name in ("inception_v3", "googlenet") else {}
    net = models.get_model(name, weights=None, **options)
    try:
        with open_file(path):
            net.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of {name}: {str(error).splitlines()[0]}") from None
    preset = models.get_model_weights(name).DEFAULT.transforms()
    return _Headless(net, preset.crop_size[0], preset.mean, preset.std).requires_grad_(False).eval()


class _Headless(nn.Module):
    """A classifier that returns the input of its last linear layer.

    size: of its images; mean, std: of their channels.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, net: nn.Module, size: int, mean: list[float], std: list[float]) -> None:
        super().__init__()
        linear = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
        if not linear:
            raise ValueError(f"{type(net).__name__} ends in no linear layer: take another network")
        net.set_submodule(linear[-1], nn.Identity())
        self.net, self.size = net, size
        self.register_buffer("mean", torch.as_tensor(mean)[:, None, None])
        self.register_buffer("std", torch.as_tensor(std)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, D) of images (n, 1 or 3, H, W) in [0, 1]."""
        x = nn.functional.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        return self.net((x - self.mean) / self.std).flatten(1)
