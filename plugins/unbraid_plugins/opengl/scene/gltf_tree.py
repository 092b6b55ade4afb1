"""A .glb or .gltf as its JSON and its buffers: versions, extensions that it requires, and what stands at an index."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import attrs

from unbraid import UnbraidError

READ = {"KHR_mesh_quantization", "KHR_texture_transform", "EXT_mesh_gpu_instancing", "EXT_texture_webp",
        "KHR_materials_pbrSpecularGlossiness", "KHR_materials_emissive_strength", "KHR_materials_unlit",
        "KHR_materials_variants", "KHR_node_visibility"}
OF_LOOKS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "MSFT_texture_", "EXT_materials_", "ADOBE_materials_",
            "KHR_lights_", "EXT_lights_")          # families without which the shape is whole
INSTEAD = "export the file without it"


@attrs.frozen(eq=False)
class Tree:
    """The JSON of a file, its binary chunk, files beside it, and what was noticed while reading.

    beside: returns the content of a file by its name.
    """

    root: dict[str, Any]
    binary: bytes | None
    beside: Callable[[str], bytes]
    notes: list[str]
    _read: dict[int, bytes] = attrs.field(init=False, factory=dict)

    def load(self, most: int) -> int:
        """Read the buffers that are files beside, and return their bytes in all.  Raises UnbraidError beyond `most`."""
        total = 0
        for index, buffer in enumerate(self.root.get("buffers", [])):
            if isinstance(buffer, dict) and "uri" in buffer:
                total += len(self._buffer(index, "the file"))
                if total > most:
                    raise UnbraidError(f"its buffers have more than {most >> 20:,} MiB", hint="make it smaller")
        return total

    def at(self, key: str, index: Any, place: str) -> dict[str, Any]:
        """Return an entry of a list of the file.  Raises UnbraidError where it is missing."""
        entries = self.root.get(key, [])
        if type(index) is not int or not isinstance(entries, list) or not 0 <= index < len(entries):
            count = len(entries) if isinstance(entries, list) else 0
            raise UnbraidError(f"{place} names {key}[{index}], and there are {count}", hint="the file is damaged")
        entry = entries[index]
        if not isinstance(entry, dict):
            raise UnbraidError(f"{key}[{index}] is no object", hint="the file is damaged")
        return entry

    def view(self, index: Any, place: str) -> tuple[bytes, int]:
        """Return the bytes of a buffer view, and its stride or 0.  Raises UnbraidError."""
        view = self.at("bufferViews", index, place)
        if "buffer" not in view:
            raise UnbraidError(f"bufferViews[{index}] names no buffer", hint="the file is damaged")
        content = self._buffer(view["buffer"], f"bufferViews[{index}]")
        start, length, stride = (_whole(view.get(k, 0), f"bufferViews[{index}].{k}")
                                 for k in ("byteOffset", "byteLength", "byteStride"))
        if start + length > len(content):
            raise UnbraidError(f"bufferViews[{index}] ends at byte {start + length:,} of buffers[{view['buffer']}], "
                               f"which has {len(content):,}", hint="the file is cut off, or damaged")
        return content[start:start + length], stride

    def content(self, uri: Any, place: str) -> bytes:
        """Return what a URI names: data that it holds, or a file beside.  Raises UnbraidError, FileNotFoundError."""
        if not isinstance(uri, str):
            raise UnbraidError(f"{place}: its uri is no text", hint="the file is damaged")
        if uri[:5].lower() == "data:":
            head, _, body = uri.partition(",")
            data = unquote_to_bytes(body)
            if not head.lower().endswith(";base64"):
                return data
            data = b"".join(data.split()).rstrip(b"=")
            try:
                return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
            except (binascii.Error, ValueError):
                raise UnbraidError(f"{place}: its data is no base64", hint="the file is damaged") from None
        return self.beside(unquote(uri))

    def _buffer(self, index: Any, place: str) -> bytes:
        buffer = self.at("buffers", index, place)
        if "uri" in buffer:
            if index not in self._read:
                self._read[index] = self.content(buffer["uri"], f"buffers[{index}]")
            return self._read[index]
        if index or self.binary is None:
            raise UnbraidError(f"{place} is in buffers[{index}], which has no data", hint=INSTEAD.replace(
                "it", "compression"))
        return self.binary


def tree_of(data: bytes, beside: Callable[[str], bytes], notes: list[str], materials: bool) -> Tree:
    """Return the tree of a .glb or a .gltf of version 2.  Raises UnbraidError, ValueError."""
    chunks = _chunks(data, notes) if data[:4] == b"glTF" else {b"JSON": data}
    try:
        root = json.loads(chunks[b"JSON"])
    except ValueError as error:
        raise UnbraidError(f"its {'first chunk' if data[:4] == b'glTF' else 'text'} is no JSON: {str(error)[:100]}",
                           hint="the file is damaged") from None
    except RecursionError:
        raise UnbraidError("its first chunk is nested too deeply", hint="the file is damaged") from None
    if not isinstance(root, dict):
        raise ValueError("no scene")
    tree = Tree(root, chunks.get(b"BIN\0"), beside, notes)
    _expect_version(root)
    _expect_extensions(tree, materials)
    return tree


def _chunks(data: bytes, notes: list[str]) -> dict[bytes, bytes]:
    """Return the chunks of a .glb by their kinds."""
    if len(data) < 20:
        raise ValueError("no glTF header")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise UnbraidError(f"glTF of version {version}", hint="expected version 2; convert it")
    if length > len(data):
        raise UnbraidError(f"it has {len(data):,} of {length:,} bytes", hint="the file is cut off")
    chunks: dict[bytes, bytes] = {}
    start = 12
    while start + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, start)
        if start + 8 + size > length:
            raise UnbraidError(f"a chunk of {size:,} bytes at byte {start} ends after the file",
                               hint="the file is cut off, or damaged")
        chunks.setdefault(kind, data[start + 8:start + 8 + size])
        start += 8 + size
    if length < len(data):
        notes.append(f"{len(data) - length:,} bytes after its end are left out")
    if b"JSON" not in chunks:
        raise ValueError("no scene")
    return chunks


def _expect_version(root: dict[str, Any]) -> None:
    asset = root.get("asset")
    if not isinstance(asset, dict) or "version" not in asset:
        raise UnbraidError("asset.version is missing", hint="expected glTF 2.0")
    least = str(asset.get("minVersion", asset["version"]))
    if not least.startswith("2.") or (asset.get("minVersion") and least != "2.0"):
        raise UnbraidError(f"it is glTF {least}", hint="version 2.0 is read; convert it")


def _expect_extensions(tree: Tree, materials: bool) -> None:
    used, required = ([str(name) for name in tree.root.get(key) or ()]
                      for key in ("extensionsUsed", "extensionsRequired"))
    for name in required:
        if name not in READ and (materials or not name.startswith(OF_LOOKS)):
            hint = f"{INSTEAD}, or read it without its materials (--shape-alone; in Python materials=False)"
            raise UnbraidError(f"it requires the extension {name}, which is not read here",
                               hint=hint if name.startswith(OF_LOOKS) else INSTEAD)
    left_out = [name for name in used if name not in READ and name not in required]
    if left_out and materials:
        tree.notes.append(f"extensions that are left out: {', '.join(sorted(left_out))}")


def _whole(number: Any, place: str) -> int:
    if type(number) is not int or number < 0:
        raise UnbraidError(f"{place} is {number!r:.40}", hint="expected a whole number from 0")
    return number
