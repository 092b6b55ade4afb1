import math

import numpy as np
import pytest
import torch
from planar import Pixels, fitted, texture, views

from unbraid import UnbraidError
from unbraid.testing import NetworkSuite, numbers
from unbraid_plugins.papers.view_graph import Graph, Hog, NearestRealism
from unbraid_plugins.papers.view_graph.realism import described, realism


def hog_by_hand(grey, cell, bins):
    """Dalal & Triggs, pixel by pixel."""
    height, width = grey.shape
    wide = np.pad(grey, 1, mode="edge")
    cells = np.zeros((height // cell, width // cell, bins))
    for y in range(height // cell * cell):
        for x in range(width // cell * cell):
            dx, dy = wide[y + 1, x + 2] - wide[y + 1, x], wide[y + 2, x + 1] - wide[y, x + 1]
            size, place = math.hypot(dx, dy), (math.atan2(dy, dx) % math.pi) / math.pi * bins - 0.5
            low = math.floor(place)
            cells[y // cell, x // cell, low % bins] += size * (1 - (place - low)) / cell ** 2
            cells[y // cell, x // cell, (low + 1) % bins] += size * (place - low) / cell ** 2
    blocks = []
    for y in range(cells.shape[0] - 1):
        for x in range(cells.shape[1] - 1):
            block = cells[y:y + 2, x:x + 2].reshape(4, bins).T.reshape(-1)
            block = block / math.sqrt((block ** 2).sum() + 1e-4)
            block = block.clip(max=0.2)
            blocks.append(block / math.sqrt((block ** 2).sum() + 1e-4))
    flat = np.stack(blocks)
    return np.sort(flat.reshape(-1) / np.linalg.norm(flat))


@pytest.mark.parametrize(("size", "cell", "bins"), [((16, 24), 8, 9), ((16, 16), 4, 6)])
def test_hog_is_that_of_its_paper(size, cell, bins):
    x = torch.rand(2, 3, *size)
    module = Hog(cell=cell, bins=bins).build(None, x)
    for image, found in zip(x, module(x), strict=True):
        by_hand = hog_by_hand(image.mean(0).double().numpy(), cell, bins)
        np.testing.assert_allclose(np.sort(found.numpy()), by_hand, atol=1e-5)      # whatever the order of entries


def test_flat_images_have_no_descriptor_and_finite_gradients():
    x = torch.full((2, 3, 16, 16), 0.5, requires_grad=True)
    looks = Hog().build(None, x)(x)
    looks.square().sum().backward()
    assert not looks.detach().any()
    assert torch.isfinite(x.grad).all()
    with pytest.raises(UnbraidError, match="no two cells"):
        Hog(cell=8).build(type("C", (), {"name": "features"}), torch.empty(1, 3, 12, 12))


class TestHog(NetworkSuite):
    component = Hog
    options = {"cell": 4}  # noqa: RUF012


class TestNearestRealism(NetworkSuite):
    component = NearestRealism

    def inputs(self):
        return (numbers(4, 6),)


def test_realism_is_the_mean_of_the_nearest():
    data, looks = described(torch.randn(9, 5)), described(torch.randn(4, 5))
    by_hand = [np.sort(data.numpy() @ q)[::-1][:3].mean() for q in looks.numpy()]
    np.testing.assert_allclose(realism(looks, data, 3).numpy(), by_hand, rtol=1e-5)
    own = realism(data.clone(), data, 1, own=torch.arange(9))
    assert own.max() < 1 - 1e-6                                                    # an image is no neighbour of itself
    assert realism(data, data, 1).min() > 1 - 1e-6


def test_the_critic_prefers_what_is_like_the_data_and_has_gradients():
    data = views([float(a) for a in range(-30, 31, 5)])
    features = Hog().build(None, data)
    critic = NearestRealism(neighbours=3).build(None, features(data))
    critic.fit(iter([(features(data[:8]),), (features(data[8:]),)]))
    fake = torch.rand(4, 3, 32, 32, requires_grad=True)
    real, made = critic(features(views([-12.0, 7.0]))), critic(features(fake))
    assert real.shape == (2, 1)
    assert real.min() > made.max() + 0.1
    made.sum().backward()
    assert fake.grad.abs().max() > 0


def test_without_bias_correction_the_least_deforming_plane_always_wins(context):
    """All images show one view, so no plane is right: without correction, the one that changes them least wins."""
    free = torch.Generator().manual_seed(3)
    own = torch.nn.functional.interpolate(torch.rand(40, 3, 8, 8, generator=free), (32, 32), mode="bicubic")
    x = (0.6 * texture(32, 0) + 0.4 * own).clamp(0, 1)
    features = Pixels()

    def chosen(bias):
        options = Graph(step=12, reach=1, tilts=(45,), directions=4, neighbours=3, bias=bias)
        graph = fitted(options.build(context(3, 32, 32), x, features(x), features), x, features)
        moves = torch.stack([(graph.rotations.grid(r) - graph.rotations.places(0, 0.0)).norm(dim=-1).mean((1, 2))
                             for r in graph.rotations.angles]).mean(0)
        return graph.planes, int(moves.argmin())

    planes, least = chosen(bias=False)
    assert (planes == least).float().mean() > 0.9
    corrected, _ = chosen(bias=True)
    assert (corrected == least).float().mean() < 0.6
    assert len(corrected.unique()) > 2
