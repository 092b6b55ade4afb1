"""A mesh as a .glb: arrays, materials and their pictures, and colours in linear light, as glTF 2.0 has them."""

from __future__ import annotations

import json
import struct
from io import BytesIO
from typing import Any

import attrs
import numpy as np
from PIL import Image

from unbraid_plugins.opengl.scene.pieces import Piece, Shape
from unbraid_plugins.opengl.scene.srgb import to_linear

FLOAT, WHOLE = 5126, 5125
ARRAY, FACES = 34962, 34963
NEAREST = 9728
WRAPS = {"repeat": 10497, "clamp": 33071, "mirror": 33648}


def packed(shape: Shape, pieces: list[Piece], origin: tuple[float, ...]) -> bytes:
    """Return the bytes of a .glb.  origin: where the mesh stands in the scene."""
    into = _Chunks()
    primitives = [into.primitive(shape, piece, number) for number, piece in enumerate(pieces)]
    materials = [into.material(piece) for piece in pieces]
    tree: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "unbraid"}, "scene": 0, "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **({"translation": list(origin)} if any(origin) else {})}],
        "meshes": [{"primitives": primitives}], "materials": materials,
        **{name: found for name, found in attrs.asdict(into, recurse=False).items() if found and name != "binary"},
        "buffers": [{"byteLength": len(into.binary)}]}
    text = json.dumps(tree, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    size = 12 + 8 + len(text) + 8 + len(into.binary)
    return b"".join((struct.pack("<4sII", b"glTF", 2, size), struct.pack("<I4s", len(text), b"JSON"), text,
                     struct.pack("<I4s", len(into.binary), b"BIN\0"), into.binary))


@attrs.define(eq=False)
class _Chunks:
    """The binary chunk of a file and the lists of its JSON, which grow piece by piece."""

    binary: bytearray = attrs.field(factory=bytearray)
    accessors: list[dict[str, Any]] = attrs.field(factory=list)
    bufferViews: list[dict[str, Any]] = attrs.field(factory=list)
    textures: list[dict[str, Any]] = attrs.field(factory=list)
    samplers: list[dict[str, Any]] = attrs.field(factory=list)
    images: list[dict[str, Any]] = attrs.field(factory=list)

    def primitive(self, shape: Shape, piece: Piece, number: int) -> dict[str, Any]:
        """Add the arrays of a piece, and return it as a primitive: each corner's place and texture coordinates once."""
        pairs = np.stack([piece.faces.ravel(), piece.texture_faces.ravel()], 1)
        if shape.uv is None:
            pairs[:, 1] = 0
        pairs, faces = np.unique(pairs, axis=0, return_inverse=True)
        points = shape.places[pairs[:, 0]].astype("<f4")
        found = {"POSITION": self._array(points, "VEC3", min=points.min(0).tolist(), max=points.max(0).tolist())}
        if shape.normals is not None:
            found["NORMAL"] = self._array(shape.normals[pairs[:, 0]], "VEC3")
        if shape.colours is not None:
            linear = shape.colours[pairs[:, 0]].copy()
            linear[:, :3] = to_linear(linear[:, :3])
            found["COLOR_0"] = self._array(linear, f"VEC{linear.shape[1]}")
        if shape.uv is not None and not (piece.picture is None and piece.emission is None):
            uv = shape.uv[pairs[:, 1]]
            found["TEXCOORD_0"] = self._array(np.stack([uv[:, 0], 1 - uv[:, 1]], 1), "VEC2")
        order = self._accessor(faces.reshape(-1).astype("<u4"), "SCALAR", WHOLE, FACES)
        return {"attributes": found, "indices": order, "material": number}

    def material(self, piece: Piece) -> dict[str, Any]:
        """Add the pictures of a piece, and return its material."""
        surface: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
        if (piece.colour != 1).any():
            surface["baseColorFactor"] = [*to_linear(piece.colour[:3]).tolist(), float(piece.colour[3])]
        if piece.picture is not None:
            surface["baseColorTexture"] = {"index": self._texture(piece.picture, piece)}
        found: dict[str, Any] = {"pbrMetallicRoughness": surface}
        if piece.emission is not None:
            found |= {"emissiveFactor": [1.0, 1.0, 1.0],
                      "emissiveTexture": {"index": self._texture(piece.emission, piece)}}
        if piece.mode != "opaque":
            found["alphaMode"] = piece.mode.upper()
        if piece.mode == "mask":
            found["alphaCutoff"] = piece.cutoff
        return found

    def _texture(self, picture: np.ndarray, piece: Piece) -> int:
        content = BytesIO()
        Image.fromarray(picture).save(content, "PNG")
        self.images.append({"bufferView": self._view(content.getvalue()), "mimeType": "image/png"})
        self.samplers.append({"wrapS": WRAPS[piece.wrap[0]], "wrapT": WRAPS[piece.wrap[1]],
                              **({"magFilter": NEAREST, "minFilter": NEAREST} if piece.nearest else {})})
        self.textures.append({"source": len(self.images) - 1, "sampler": len(self.samplers) - 1})
        return len(self.textures) - 1

    def _array(self, values: np.ndarray, kind: str, **about: Any) -> int:
        return self._accessor(values.astype("<f4"), kind, FLOAT, ARRAY, **about)

    def _accessor(self, values: np.ndarray, kind: str, component: int, target: int, **about: Any) -> int:
        place = self._view(values.tobytes(), target=target)
        self.accessors.append({"bufferView": place, "componentType": component, "count": len(values), "type": kind,
                               **about})
        return len(self.accessors) - 1

    def _view(self, content: bytes, **about: Any) -> int:
        self.bufferViews.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(content), **about})
        self.binary.extend(content + bytes(-len(content) % 4))
        return len(self.bufferViews) - 1
