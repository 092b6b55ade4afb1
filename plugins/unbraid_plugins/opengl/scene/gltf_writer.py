"""A mesh as a .glb: positions, texture coordinates and a picture, and colours in linear light, as glTF 2.0 has them."""

from __future__ import annotations

import json
import struct
from io import BytesIO
from typing import Any

import numpy as np

from unbraid_plugins.opengl.scene.srgb import to_linear

FLOAT, WHOLE = 5126, 5125
ARRAY, FACES = 34962, 34963


def packed(vertices: np.ndarray, faces: np.ndarray, *, colours: np.ndarray | None, uv: np.ndarray | None,
           picture: Any, origin: tuple[float, ...]) -> bytes:
    """Return the bytes of a .glb.

    vertices: (V, 3).
    faces: (F, 3).
    colours: (V, 3), sRGB in [0, 1], or None.
    uv: (V, 2), (0, 0) at the lower left, or None.
    picture: of Pillow, or None.
    origin: where the mesh stands in the scene.
    """
    binary = bytearray()
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []

    def view(content: bytes, **about: Any) -> int:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(content), **about})
        binary.extend(content + bytes(-len(content) % 4))
        return len(views) - 1

    def accessor(array: np.ndarray, kind: str, component: int, **about: Any) -> int:
        place = view(array.tobytes(), target=FACES if component == WHOLE else ARRAY)
        accessors.append({"bufferView": place, "componentType": component, "count": len(array), "type": kind, **about})
        return len(accessors) - 1

    points = vertices.astype("<f4")
    attributes = {"POSITION": accessor(points, "VEC3", FLOAT, min=points.min(0).tolist(), max=points.max(0).tolist())}
    if colours is not None:
        attributes["COLOR_0"] = accessor(to_linear(np.nan_to_num(colours).clip(0, 1)).astype("<f4"), "VEC3", FLOAT)
    if uv is not None:
        attributes["TEXCOORD_0"] = accessor(np.stack([uv[:, 0], 1 - uv[:, 1]], 1).astype("<f4"), "VEC2", FLOAT)
    primitive = {"attributes": attributes, "indices": accessor(faces.astype("<u4").reshape(-1), "SCALAR", WHOLE),
                 "material": 0}
    surface: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    tree: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "unbraid"}, "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **({"translation": list(origin)} if any(origin) else {})}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": surface}], "accessors": accessors, "bufferViews": views}
    if picture is not None:
        content = BytesIO()
        picture.save(content, "PNG")
        surface["baseColorTexture"] = {"index": 0}
        tree |= {"textures": [{"source": 0, "sampler": 0}], "samplers": [{"wrapS": 33071, "wrapT": 33071}],
                 "images": [{"bufferView": view(content.getvalue()), "mimeType": "image/png"}]}
    tree["buffers"] = [{"byteLength": len(binary)}]
    text = json.dumps(tree, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return b"".join((struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(binary)),
                     struct.pack("<I4s", len(text), b"JSON"), text, struct.pack("<I4s", len(binary), b"BIN\0"), binary))
