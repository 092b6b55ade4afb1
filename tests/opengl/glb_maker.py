"""Small .glb files for tests: arrays and JSON as one likes, right or wrong."""

from __future__ import annotations

import json
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
COMPONENTS = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
PLACES = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
SPOTS = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
FACES = np.array([0, 1, 2, 0, 2, 3], np.uint16)


class Glb:
    """A square with texture coordinates, in front of the camera; change `tree` before it is written."""

    def __init__(self, **attributes: np.ndarray) -> None:
        self.binary = bytearray()
        self.tree: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
            "accessors": [], "bufferViews": []}
        arrays = {"POSITION": PLACES, "TEXCOORD_0": SPOTS, **attributes}
        self.primitive: dict[str, Any] = {"attributes": {name: self.array(a) for name, a in arrays.items()},
                                          "indices": self.array(FACES)}
        self.tree["meshes"] = [{"primitives": [self.primitive]}]

    def view(self, content: bytes, **about: Any) -> int:
        """Add bytes, and return the number of their view."""
        self.tree["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(content),
                                         **about})
        self.binary.extend(content + bytes(-len(content) % 4))
        return len(self.tree["bufferViews"]) - 1

    def array(self, array: np.ndarray, **about: Any) -> int:
        """Add an array, and return the number of its accessor."""
        parts = 1 if array.ndim == 1 else array.shape[1]
        self.tree["accessors"].append({"bufferView": self.view(array.tobytes()), "count": len(array),
                                       "componentType": COMPONENTS[array.dtype.name], "type": KINDS[parts], **about})
        return len(self.tree["accessors"]) - 1

    def textured(self, picture: Image.Image, sampler: dict[str, Any] | None = None, **material: Any) -> Glb:
        """Give the square a material with a picture."""
        content = BytesIO()
        picture.save(content, "PNG")
        self.tree |= {"images": [{"bufferView": self.view(content.getvalue()), "mimeType": "image/png"}],
                      "textures": [{"source": 0, **({} if sampler is None else {"sampler": 0})}],
                      "samplers": [sampler or {}],
                      "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}, **material}]}
        self.primitive["material"] = 0
        return self

    def write(self, file: Path, version: int = 2) -> Path:
        """Write the file."""
        text = json.dumps({**self.tree, "buffers": [{"byteLength": len(self.binary)}]}).encode()
        text += b" " * (-len(text) % 4)
        body = struct.pack("<I4s", len(text), b"JSON") + text
        body += struct.pack("<I4s", len(self.binary), b"BIN\0") + self.binary
        file.write_bytes(struct.pack("<4sII", b"glTF", version, 12 + len(body)) + body)
        return file
