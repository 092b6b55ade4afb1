"""DEODR (de La Gorce et al. 2011; `pip install deodr trimesh`) with our scenes, to be measured beside our renderer.

It draws one image at a time, in double precision, closed or open manifolds with culled back faces, and colours that are
affine in the image; what it costs includes the projection and its gradient.
"""

from __future__ import annotations

import importlib.util
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unbraid_plugins.opengl.scene.camera import Camera

INSTALLED = importlib.util.find_spec("deodr") is not None


class DeodrScene:
    """One mesh of faces (F, 3), seen by one camera of a batch at a time.

    uv: (V, 2) and texture: (C, h, w), or neither; sigma: how far outlines reach outwards, pixels.
    """

    def __init__(self, faces: Tensor, count: int, size: tuple[int, int], *, uv: Tensor | None = None,
                 texture: Tensor | None = None, background: Tensor | None = None, sigma: float = 1.0) -> None:
        warnings.simplefilter("ignore", DeprecationWarning)    # NumPy's, about cross products of pairs
        from deodr.triangulated_mesh import TriMeshAdjacencies

        self.faces = faces.numpy().astype(np.uint32)
        self.adjacencies = TriMeshAdjacencies(faces.numpy(), nb_vertices=count)
        self.count, self.size, self.sigma = count, size, sigma
        self.texture = np.zeros((0, 0)) if texture is None else texture.permute(1, 2, 0).contiguous().double().numpy()
        self.uv = np.zeros((count, 2))
        if uv is not None:
            height, width = self.texture.shape[:2]
            self.uv = uv.double().numpy() * [width - 1, 1 - height] + [0, height - 1]
        self.background = None if background is None else background[0].double().numpy()

    def draw(self, vertices: np.ndarray, matrix: np.ndarray, colours: np.ndarray | None) -> tuple[np.ndarray, Any]:
        """Vertices (V, 3), the camera's matrix (4, 4) and colours (V, C) -> an image (H, W, C) and its tape."""
        from deodr.differentiable_renderer import Scene2D

        height, width = self.size
        clip = vertices @ matrix[:, :3].T + matrix[:, 3]
        w = clip[:, 3]
        places = np.stack([(clip[:, 0] / w + 1) * (width / 2), (1 - clip[:, 1] / w) * (height / 2)], 1)
        textured = colours is None
        channels = self.texture.shape[2] if textured else colours.shape[1]
        flags = np.full(len(self.faces), textured)
        scene = Scene2D(
            faces=self.faces, faces_uv=self.faces, ij=places, depths=w, textured=flags, uv=self.uv,
            shade=np.ones(self.count) if textured else np.zeros(self.count),
            colors=np.zeros((self.count, channels)) if textured else colours, shaded=flags,
            edgeflags=self.adjacencies.edge_on_silhouette(places), height=height, width=width, nb_colors=channels,
            texture=self.texture, backface_culling=True, integer_pixel_centers=False,
            background_color=np.zeros(channels) if self.background is None else self.background)
        image, _ = scene.render(self.sigma)
        return image, (scene, clip, matrix)

    def back(self, tape: Any, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The image's gradient (H, W, C) -> those of vertices (V, 3), colours (V, C) and texture (h, w, C)."""
        scene, clip, matrix = tape
        scene.clear_gradients()
        scene.render_backward(np.ascontiguousarray(slope))
        height, width = self.size
        x, y = scene.ij_b[:, 0] * (width / 2), scene.ij_b[:, 1] * (-height / 2)
        w = clip[:, 3:]
        of_clip = np.stack([x, y, np.zeros_like(x), -(x * clip[:, 0] + y * clip[:, 1]) / w[:, 0]], 1) / w
        return of_clip @ matrix[:, :3], scene.colors_b, scene.texture_b


class _Images(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vertices: Tensor, colours: Tensor, matrices: Tensor, scene: DeodrScene) -> Tensor:
        places, paint = vertices.detach().double().numpy(), colours.detach().double().numpy()
        drawn = [scene.draw(p, m, c) for p, m, c in zip(places, matrices.double().numpy(), paint, strict=True)]
        ctx.tapes, ctx.scene, ctx.dtype = [tape for _, tape in drawn], scene, vertices.dtype
        return torch.from_numpy(np.stack([image for image, _ in drawn])).permute(0, 3, 1, 2).to(vertices)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, None, None]:
        rows = slope.double().permute(0, 2, 3, 1).numpy()
        back = [ctx.scene.back(tape, row) for tape, row in zip(ctx.tapes, rows, strict=True)]
        vertices, colours = (torch.from_numpy(np.stack([b[i] for b in back])).to(ctx.dtype) for i in range(2))
        return vertices, colours, None, None


def deodr_images(vertices: Tensor, faces: Tensor, colours: Tensor, camera: Camera, size: tuple[int, int],
                 background: Tensor | None = None) -> Tensor:
    """Vertices (B, V, 3), faces (F, 3) and colours (B or 1, V, C) -> images (B, C, H, W), with gradients to both."""
    scene = DeodrScene(faces, vertices.shape[1], size, background=background)
    matrices = (camera.projection.double() @ camera.view.double()).expand(len(vertices), -1, -1).detach()
    return _Images.apply(vertices, colours.expand(len(vertices), -1, -1), matrices, scene)
