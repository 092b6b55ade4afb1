"""Colours and textures of a file's surfaces: vertex colours, base colours and textures of materials, joined as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from unbraid import UnbraidError

if TYPE_CHECKING:
    import trimesh

PICTURES = ("PNG", "JPEG", "WEBP", "BMP", "TGA", "TIFF", "GIF")     # all read by Pillow itself, no other program
LARGEST = 2**26                                                     # pixels of a texture
TILES = 16                                                          # how often a texture may repeat along a side


@attrs.frozen(eq=False)
class Part:
    """One object of a scene.

    vertices: (V, 3).
    faces: (F, 3).
    colours: (V, 3) in [0, 1], None where white.
    uv: (V, 2), (0, 0) at the lower left of the texture, None without a texture.
    texture: (3, h, w) in [0, 1], or None.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray | None = None
    uv: np.ndarray | None = None
    texture: np.ndarray | None = None


def picture_of(solid: Any) -> Any:
    """Return the picture of an object's material, which Pillow has opened and not decoded, or None."""
    return _picture(getattr(getattr(solid, "visual", None), "material", None))


def faulty_picture(picture: Any) -> str:
    """Return the fault of a picture before any pixel of it is decoded, or an empty text."""
    if picture.format not in PICTURES:
        return f"a {picture.format or 'picture'}, which is not read here"
    width, height = picture.size
    return f"{width} x {height} pixels large, too many" if width * height > LARGEST else ""


def look_of(solid: trimesh.Trimesh, materials: bool = True) -> Part:
    """Return an object as arrays.  Raises UnbraidError where its texture repeats too often."""
    vertices, faces = np.asarray(solid.vertices), np.asarray(solid.faces)
    visual: Any = solid.visual
    if not materials:
        return Part(vertices, faces)
    if visual.kind == "texture":
        picture, uv = _picture(visual.material), visual.uv
        base = _base(visual.material)
        if picture is None or uv is None or np.shape(uv) != (len(vertices), 2):
            own = visual.vertex_attributes.get("color", solid.vertex_attributes.get("color"))
            colours = np.tile(base, (len(vertices), 1)) if own is None or len(own) != len(vertices) else (
                _unit(np.asarray(own)[:, :3]) * base)
            return Part(vertices, faces, _unless_white(colours))
        texture = _pixels(picture) * base[:, None, None].astype(np.float32)
        return Part(vertices, faces, None, *_in_tiles(np.nan_to_num(np.asarray(uv, np.float64)), faces, texture))
    if visual.kind == "face":                       # every face gets separate corners
        colours = _unit(np.asarray(visual.face_colors)[:, :3]).repeat(3, 0)
        return Part(vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3), _unless_white(colours))
    if visual.kind == "vertex":
        return Part(vertices, faces, _unless_white(_unit(np.asarray(visual.vertex_colors)[:, :3])))
    return Part(vertices, faces)


def joined(parts: list[Part]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Join several objects into one: vertices (V, 3), faces (F, 3), colours (V, 3), uv (V, 2), texture (3, h, w).

    Textures are put below each other, at their own size; objects without one lie on a white piece of it.
    """
    if not parts:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64), None, None, None
    counts = np.cumsum([0, *(len(p.vertices) for p in parts)])
    vertices = np.concatenate([p.vertices for p in parts])
    faces = np.concatenate([p.faces + first for p, first in zip(parts, counts, strict=False)])
    colours = uv = texture = None
    if any(p.colours is not None for p in parts):
        colours = np.concatenate([np.ones((len(p.vertices), 3)) if p.colours is None else p.colours for p in parts])
    if any(p.texture is not None for p in parts):
        uv, texture = _stacked(parts)
    return vertices, faces, colours, uv, texture


def _stacked(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return one texture for all objects, and their uv on it."""
    sheets: list[np.ndarray] = []
    of = []
    for part in parts:
        sheet = np.ones((3, 2, 2)) if part.texture is None else part.texture
        same = [i for i, s in enumerate(sheets) if s.shape == sheet.shape and np.array_equal(s, sheet)]
        of.append(same[0] if same else len(sheets))
        sheets += [] if same else [sheet]
    height, width = sum(s.shape[1] for s in sheets), max(s.shape[2] for s in sheets)
    if height * width > LARGEST:
        raise UnbraidError(f"its textures have {height * width / 2**20:.0f} million pixels together",
                           hint=f"at most {LARGEST >> 20} million are read")
    if len(sheets) == 1:
        return np.concatenate([np.zeros((len(p.vertices), 2)) if p.uv is None else p.uv for p in parts]), sheets[0]
    tops = np.cumsum([0, *(s.shape[1] for s in sheets)])
    page = np.concatenate([np.pad(s, ((0, 0), (0, 0), (0, width - s.shape[2])), mode="edge") for s in sheets], 1)
    places = []
    for part, place in zip(parts, of, strict=True):
        _, h, w = sheets[place].shape
        uv = np.full((len(part.vertices), 2), 0.5) if part.uv is None else part.uv
        inside = np.clip(uv, [0.5 / w, 0.5 / h], [1 - 0.5 / w, 1 - 0.5 / h])       # no mixing with the neighbours
        places.append(np.stack([inside[:, 0] * w / width, 1 - (tops[place] + (1 - inside[:, 1]) * h) / height], 1))
    return np.concatenate(places), page


def _in_tiles(uv: np.ndarray, faces: np.ndarray, texture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bring uv (V, 2) back by whole tiles, and repeat the texture over several: textures repeat beyond [0, 1]."""
    used = uv[np.unique(faces)]
    low, high = used.min(0), used.max(0)
    if (low >= -1e-4).all() and (high <= 1 + 1e-4).all():
        return uv, texture
    shift = np.floor(low + 1e-4)
    tiles = np.maximum(np.ceil(high - shift - 1e-4), 1).astype(int)
    if (tiles > TILES).any() or texture[0].size * tiles.prod() > LARGEST:
        raise UnbraidError(f"its texture repeats {tiles[0]} x {tiles[1]} times",
                           hint=f"at most {TILES} times along a side are read: bake it")
    return (uv - shift) / tiles, np.tile(texture, (1, tiles[1], tiles[0]))


def _picture(material: Any) -> Any:
    if hasattr(material, "baseColorTexture"):
        return material.baseColorTexture
    picture = getattr(material, "image", None)
    return None if getattr(picture, "format", None) is None else picture     # trimesh's own, where no file gives one


def _base(material: Any) -> np.ndarray:
    """Return the material's own colour, (3,); 1 where a picture takes its place."""
    if hasattr(material, "baseColorFactor"):
        factor = material.baseColorFactor
        linear = np.ones(3) if factor is None else _unit(np.asarray(factor)[:3])
        return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)      # IEC 61966-2-1
    if _picture(material) is not None or "kd" not in getattr(material, "kwargs", {}):
        return np.ones(3)
    return _unit(np.asarray(material.diffuse)[:3])


def _unit(colours: np.ndarray) -> np.ndarray:
    """Return bytes or floats as floats in [0, 1]."""
    whole = colours.dtype.kind in "iu"
    return np.nan_to_num(colours.astype(np.float64) / (np.iinfo(colours.dtype).max if whole else 1)).clip(0, 1)


def _unless_white(colours: np.ndarray) -> np.ndarray | None:
    return None if (colours == 1).all() else colours


def _pixels(picture: Any) -> np.ndarray:
    """Return a picture as (3, h, w) in [0, 1]; transparency becomes white."""
    from PIL import Image

    if picture.mode.startswith("I"):
        return np.broadcast_to(np.asarray(picture, np.float32).clip(0, 65535) / 65535, (3, *picture.size[::-1])).copy()
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(picture.convert("RGB"), np.float32).transpose(2, 0, 1) / 255
