"""Materials of a .glb: base colour, its texture with sampler and transform, alpha modes; the rest is noted."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.gltf_tree import Tree
from unbraid_plugins.opengl.scene.pictures import pixels
from unbraid_plugins.opengl.scene.srgb import to_linear, to_srgb
from unbraid_plugins.opengl.scene.wrapping import REPEAT, Wrap

GLOSSY = "KHR_materials_pbrSpecularGlossiness"
WRAPS: dict[int, Wrap] = {10497: "wrap", 33071: "edge", 33648: "symmetric"}
NEAREST = 9728


@attrs.frozen(eq=False)
class Paint:
    """A material's base colour: a linear factor (3,), and a texture with the factor in it, or None.

    coordinates: the number of the set of texture coordinates.
    transform: (2, 3), of the coordinates.
    """

    factor: np.ndarray
    texture: np.ndarray | None = None
    coordinates: int = 0
    transform: np.ndarray = attrs.field(factory=lambda: np.eye(2, 3))
    wrap: tuple[Wrap, Wrap] = REPEAT


def paint_of(tree: Tree, index: Any, place: str) -> Paint:
    """Return the base colour of a material, white without one.  Raises UnbraidError."""
    if index is None:
        return Paint(np.ones(3))
    material, here = tree.at("materials", index, place), f"materials[{index}]"
    glossy = material.get("extensions", {}).get(GLOSSY)
    rough = material.get("pbrMetallicRoughness", {})
    factor = rough.get("baseColorFactor") if glossy is None else glossy.get("diffuseFactor")
    named = rough.get("baseColorTexture") if glossy is None else glossy.get("diffuseTexture")
    colour = np.ones(4) if factor is None else np.asarray(factor, np.float64)
    if colour.shape != (4,) or not ((colour >= 0) & (colour <= 1)).all():
        raise UnbraidError(f"{here}: its base colour is {factor!r:.60}", hint="expected four numbers in [0, 1]")
    mode = material.get("alphaMode", "OPAQUE")
    if mode not in ("OPAQUE", "MASK", "BLEND"):
        raise UnbraidError(f"{here}.alphaMode is {mode!r:.20}", hint="expected OPAQUE, MASK or BLEND")
    if mode != "OPAQUE":
        tree.notes.append(f"{here} is {mode}: it is drawn opaque, over white where its texture is transparent")
    _note_left_out(tree, material, here)
    if named is None:
        return Paint(colour[:3])
    texture, wrap = _texture(tree, named.get("index"), here, opaque=mode == "OPAQUE")
    if (colour[:3] != 1).any():
        texture = to_srgb(to_linear(texture) * colour[:3, None, None]).astype(np.float32)
    moved = named.get("extensions", {}).get("KHR_texture_transform", {})
    return Paint(np.ones(3), texture, moved.get("texCoord", named.get("texCoord", 0)), _transform(moved, here), wrap)


def _note_left_out(tree: Tree, material: dict[str, Any], place: str) -> None:
    there = [word for word, key in (("normal map", "normalTexture"), ("emission", "emissiveTexture"),
                                    ("occlusion", "occlusionTexture")) if key in material]
    if any(material.get("emissiveFactor", ())) and "emission" not in there:
        there.append("emission")
    if there:
        tree.notes.append(f"{place}: {' and '.join(there)} left out")


def _texture(tree: Tree, index: Any, place: str, *, opaque: bool) -> tuple[np.ndarray, tuple[Wrap, Wrap]]:
    texture, here = tree.at("textures", index, place), f"textures[{index}]"
    extensions = texture.get("extensions", {})
    source = extensions.get("EXT_texture_webp", {}).get("source", texture.get("source"))
    if source is None:
        why = f", only by the extension {', '.join(extensions)}, which is not read here" if extensions else ""
        raise UnbraidError(f"{here} has no picture{why}", hint="export it with PNG or JPEG textures")
    image = tree.at("images", source, here)
    data = (tree.view(image["bufferView"], f"images[{source}]")[0] if "bufferView" in image
            else tree.content(image.get("uri"), f"images[{source}]"))
    wrap = REPEAT
    if "sampler" in texture:
        sampler = tree.at("samplers", texture["sampler"], here)
        modes = [sampler.get(key, 10497) for key in ("wrapS", "wrapT")]
        if wrong := [mode for mode in modes if mode not in WRAPS]:
            raise UnbraidError(f"samplers[{texture['sampler']}] wraps by {wrong[0]!r:.20}",
                               hint=f"expected one of {', '.join(map(str, WRAPS))}")
        wrap = (WRAPS[modes[0]], WRAPS[modes[1]])
        if sampler.get("magFilter") == NEAREST:
            tree.notes.append(f"samplers[{texture['sampler']}] is NEAREST, and its texels are interpolated")
    return pixels(data, f"images[{source}]", opaque=opaque), wrap


def _transform(moved: dict[str, Any], place: str) -> np.ndarray:
    """Return translation times rotation times scale, as KHR_texture_transform has it, (2, 3)."""
    try:
        (x, y), angle, (u, v) = moved.get("offset", (0, 0)), moved.get("rotation", 0), moved.get("scale", (1, 1))
        cosine, sine = np.cos(angle), np.sin(angle)
        whole = np.array([[cosine * u, sine * v, x], [-sine * u, cosine * v, y]], np.float64)
    except (TypeError, ValueError):
        whole = np.full((2, 3), np.nan)
    if not np.isfinite(whole).all():
        raise UnbraidError(f"{place}: its texture transform is {moved!r:.80}", hint="expected finite numbers")
    return whole
