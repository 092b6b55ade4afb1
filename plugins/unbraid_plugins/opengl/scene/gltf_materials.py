"""Materials of glTF: base colour and emission, their textures with sampler and transform, alpha modes; else noted."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from unbraid import UnbraidError
from unbraid_plugins.opengl.scene.gltf_tree import Tree
from unbraid_plugins.opengl.scene.materials import Mode, Wrap
from unbraid_plugins.opengl.scene.parts import Look
from unbraid_plugins.opengl.scene.pictures import pixels
from unbraid_plugins.opengl.scene.srgb import to_linear, to_srgb
from unbraid_plugins.opengl.scene.wrapping import REPEAT

GLOSSY = "KHR_materials_pbrSpecularGlossiness"
STRENGTH = "KHR_materials_emissive_strength"
WRAPS: dict[int, Wrap] = {10497: "repeat", 33071: "clamp", 33648: "mirror"}
MODES: dict[str, Mode] = {"OPAQUE": "opaque", "MASK": "mask", "BLEND": "blend"}
NEAREST = 9728


@attrs.frozen(eq=False)
class Map:
    """A picture of a material, (C, h, w), and where it lies.

    coordinates: the number of the set of texture coordinates.
    transform: (2, 3), of the coordinates.
    """

    picture: np.ndarray
    coordinates: int = 0
    transform: np.ndarray = attrs.field(factory=lambda: np.eye(2, 3))
    wrap: tuple[Wrap, Wrap] = REPEAT
    nearest: bool = False

    def lies_as(self, other: Map) -> bool:
        """Return whether both have the same texture coordinates, continue and are looked up alike."""
        return (self.coordinates == other.coordinates and self.wrap == other.wrap and self.nearest == other.nearest
                and bool((self.transform == other.transform).all()))


@attrs.frozen(eq=False)
class Paint:
    """The looks of a material.

    factor: (4,) linear colour and opacity, with which the colours of vertices are multiplied.
    base, emission: pictures with their factors in them, or None.
    """

    factor: np.ndarray
    look: Look = attrs.field(factory=Look)
    base: Map | None = None
    emission: Map | None = None


def paint_of(tree: Tree, index: Any, place: str) -> Paint:
    """Return the looks of a material, white without one.  Raises UnbraidError."""
    if index is None:
        return Paint(np.ones(4))
    material, here = tree.at("materials", index, place), f"materials[{index}]"
    glossy = material.get("extensions", {}).get(GLOSSY)
    rough = material.get("pbrMetallicRoughness", {})
    colour = _colour(rough.get("baseColorFactor") if glossy is None else glossy.get("diffuseFactor"), 4,
                     f"{here}: its base colour")
    named = rough.get("baseColorTexture") if glossy is None else glossy.get("diffuseTexture")
    mode = material.get("alphaMode", "OPAQUE")
    if mode not in MODES:
        raise UnbraidError(f"{here}.alphaMode is {mode!r:.20}", hint=f"expected {', '.join(MODES)}")
    cutoff = material.get("alphaCutoff", 0.5)
    if isinstance(cutoff, bool) or not isinstance(cutoff, int | float) or not 0 <= cutoff < np.inf:
        raise UnbraidError(f"{here}.alphaCutoff is {cutoff!r:.20}", hint="expected a number from 0")
    colour[3] = 1 if mode == "OPAQUE" else colour[3]
    _note_left_out(tree, material, here)
    base = None if named is None else _map(tree, named, here, keep=mode != "OPAQUE")
    if base is not None and (colour != 1).any():
        base, colour = attrs.evolve(base, picture=_times(base.picture, colour)), np.ones(4)
    glow = _emission(tree, material, here)
    if base is not None and glow is not None and not base.lies_as(glow):
        tree.notes.append(f"{here}: emission left out, whose texture lies elsewhere than that of the base colour")
        glow = None
    wrap, nearest = next(((m.wrap, m.nearest) for m in (base, glow) if m is not None), (REPEAT, False))
    return Paint(colour, Look(wrap, MODES[mode], float(cutoff), nearest=nearest), base, glow)


def _colour(values: Any, count: int, what: str) -> np.ndarray:
    colour = np.ones(count) if values is None else np.array(values, np.float64)
    if colour.shape != (count,) or not ((colour >= 0) & (colour <= 1)).all():
        raise UnbraidError(f"{what} is {values!r:.60}", hint=f"expected {count} numbers in [0, 1]")
    return colour


def _times(picture: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return a picture (3 or 4, h, w) times a linear factor (4,) in linear light, and its opacity times that."""
    if (factor[3:] != 1).any() and len(picture) == 3:
        picture = np.concatenate([picture, np.ones_like(picture[:1])])
    lit = to_srgb(to_linear(picture[:3]) * factor[:3, None, None])
    return np.concatenate([lit, picture[3:] * factor[3]]).astype(np.float32)


def _emission(tree: Tree, material: dict[str, Any], place: str) -> Map | None:
    """Return the light that a material gives, as a picture, or None."""
    factor = _colour(material.get("emissiveFactor", (0, 0, 0)), 3, f"{place}: its emission")
    strength = material.get("extensions", {}).get(STRENGTH, {}).get("emissiveStrength", 1)
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not 0 <= strength < np.inf:
        raise UnbraidError(f"{place}: its emissive strength is {strength!r:.20}", hint="expected a number from 0")
    named = material.get("emissiveTexture")
    if not factor.any() or not strength:
        return None
    found = Map(np.ones((3, 2, 2), np.float32)) if named is None else _map(tree, named, place, keep=False)
    bright = to_linear(found.picture) * (factor * strength)[:, None, None]
    if bright.max() > 1:
        tree.notes.append(f"{place} gives more light than a picture can show, and is cut off at 1")
    return attrs.evolve(found, picture=to_srgb(bright.clip(0, 1)).astype(np.float32))


def _note_left_out(tree: Tree, material: dict[str, Any], place: str) -> None:
    there = [word for word, key in (("normal map", "normalTexture"), ("occlusion", "occlusionTexture"))
             if key in material]
    if "KHR_materials_unlit" in material.get("extensions", {}):
        tree.notes.append(f"{place} is unlit, and is lit here like all others (--light none lights none)")
    if there:
        tree.notes.append(f"{place}: {' and '.join(there)} left out")


def _map(tree: Tree, named: dict[str, Any], place: str, *, keep: bool) -> Map:
    """Return the picture of a texture that a material names.  keep: with its opacity."""
    index = named.get("index")
    texture, here = tree.at("textures", index, place), f"textures[{index}]"
    extensions = texture.get("extensions", {})
    source = extensions.get("EXT_texture_webp", {}).get("source", texture.get("source"))
    if source is None:
        why = f", only by the extension {', '.join(extensions)}, which is not read here" if extensions else ""
        raise UnbraidError(f"{here} has no picture{why}", hint="export it with PNG or JPEG textures")
    image = tree.at("images", source, here)
    data = (tree.view(image["bufferView"], f"images[{source}]")[0] if "bufferView" in image
            else tree.content(image.get("uri"), f"images[{source}]"))
    wrap, nearest = REPEAT, False
    if "sampler" in texture:
        sampler = tree.at("samplers", texture["sampler"], here)
        modes = [sampler.get(key, 10497) for key in ("wrapS", "wrapT")]
        if wrong := [mode for mode in modes if mode not in WRAPS]:
            raise UnbraidError(f"samplers[{texture['sampler']}] wraps by {wrong[0]!r:.20}",
                               hint=f"expected one of {', '.join(map(str, WRAPS))}")
        wrap = (WRAPS[modes[0]], WRAPS[modes[1]])
        nearest = sampler.get("magFilter") == NEAREST
    moved = named.get("extensions", {}).get("KHR_texture_transform", {})
    return Map(pixels(data, f"images[{source}]", alpha="keep" if keep else "ignore"),
               moved.get("texCoord", named.get("texCoord", 0)), _transform(moved, place), wrap, nearest)


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
