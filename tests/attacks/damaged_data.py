"""Meshes, pictures and arrays that are damaged by seed, and read: each ends in our own error, or in a value.

    python tests/attacks/damaged_data.py --rounds 10000

Half of the damage keeps the form and changes what is said in it: values of a GLB's JSON, of a PLY's header, tags of a
TIFF and of EXIF, types and shapes of labels. A fault is told with the seed that repeats it: --first SEED --rounds 1.
"""

from __future__ import annotations

import io
import json
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from damaged_files import Target, damage
from mutations import mutated, other_values
from PIL import Image, TiffImagePlugin

from unbraid.data import read_image
from unbraid_plugins.opengl import read_mesh
from unbraid_plugins.shared.sources import Folder, Npz

NUMBERS = (0, -1, 1, 2, 3, 255, 65_535, 65_536, 2**24, 2**31 - 1, 2**31, 2**32, 2**63, -(2**31), 1e308, "nan", "inf",
           "-inf", "1e999", "", "x")
TYPES = ("|u1", "<i8", ">i4", "<f4", "<f2", "|b1", "<c8", "|S4", "<U3", "|V3", "<M8[s]")
CORNERS = np.asarray([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], "<f4")
FACES = np.asarray([[0, 1, 2], [0, 2, 3]])


def glb(tree: dict[str, Any], binary: bytes) -> bytes:
    """Return a binary glTF."""
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    parts = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(parts)) + parts


def scene(**buffer: str) -> tuple[dict[str, Any], bytes]:
    """Return a glTF of two triangles with a texture, and its buffer."""
    picture = _png(Image.new("RGB", (4, 4), "red"))
    chunks = [CORNERS.tobytes(), CORNERS[:, :2].tobytes(), FACES.astype("<u2").tobytes(), picture]
    views, place = [], 0
    for chunk in chunks:
        views.append({"buffer": 0, "byteOffset": place, "byteLength": len(chunk)})
        place += len(chunk) + (-len(chunk) % 4)
    data = b"".join(chunk + bytes(-len(chunk) % 4) for chunk in chunks)
    return {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0, "scale": [2, 2, 2], "children": [1]}, {"mesh": 0, "translation": [0, 0, 1]}],
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "mode": 4,
                                        "material": 0}]}],
            "materials": [{"alphaMode": "MASK", "alphaCutoff": 0.5, "pbrMetallicRoughness": {
                "baseColorFactor": [1, 1, 1, 1], "baseColorTexture": {"index": 0, "texCoord": 0}}}],
            "textures": [{"source": 0, "sampler": 0}], "samplers": [{"wrapS": 33071, "magFilter": 9729}],
            "images": [{"bufferView": 3, "mimeType": "image/png"}], "buffers": [{"byteLength": len(data), **buffer}],
            "bufferViews": views, "accessors": [
                {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3", "max": [1, 1, 0]},
                {"bufferView": 1, "componentType": 5126, "count": 4, "type": "VEC2"},
                {"bufferView": 2, "componentType": 5123, "count": 6, "type": "SCALAR"}]}, data


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def glb_values(data: bytes, random: Random) -> bytes:
    """Change values of a GLB's JSON, or the bytes behind it."""
    size = struct.unpack_from("<I", data, 12)[0]
    text, binary = data[20:20 + size], data[28 + size:]
    if random.random() < 0.2:
        return glb(json.loads(text), mutated(binary, random))
    return glb(json.loads(numbers(other_values(text, random), random)), binary)


def json_values(data: bytes, random: Random) -> bytes:
    """Change values of a JSON file."""
    return numbers(other_values(data, random), random)


def numbers(data: bytes, random: Random) -> bytes:
    """Change one number that stands in a JSON text."""
    found = list(re.finditer(rb"(?<=[\[ :])-?\d+(\.\d+)?(?=[,\]}])", data))
    if not found or random.random() < 0.3:
        return data
    chosen, other = random.choice(found), random.choice([n for n in NUMBERS if isinstance(n, int | float)])
    return data[:chosen.start()] + json.dumps(other).encode() + data[chosen.end():]


def words(data: bytes, random: Random) -> bytes:
    """Change one to three words of a text, or of a header of text, to others of it or to numbers."""
    for _ in range(random.randint(1, 3)):
        found = list(re.finditer(rb"[^\s/]+", data[:2000]))
        chosen = random.choice(found)
        other = random.choice((random.choice(found)[0], str(random.choice(NUMBERS)).encode()))
        data = data[:chosen.start()] + other + data[chosen.end():]
    return data


def tags(form: str) -> Callable[[bytes, Random], bytes]:
    """Return a damage that writes a picture again with other tags: of a TIFF, or of EXIF."""
    def damaged(data: bytes, random: Random) -> bytes:
        file = io.BytesIO()
        with Image.open(io.BytesIO(data), formats=[form]) as picture:
            exif = Image.Exif()
            for _ in range(random.randint(1, 4)):
                exif[random.choice((274, 34665, 34853, 271, 306, 37510, random.randrange(65_536)))] = random.choice(
                    (random.randrange(1 << 16), random.randrange(12), "x" * random.randrange(99), b"\xff" * 9))
            try:
                picture.save(file, form, exif=exif)
            except Exception:                      # Pillow does not write all that a file may have
                return mutated(data, random)
        return mutated(file.getvalue(), random) if random.random() < 0.4 else file.getvalue()

    return damaged


def directory(data: bytes, random: Random) -> bytes:
    """Change an entry of a TIFF's directory: its tag, type, count or value."""
    order = "<" if data[:2] == b"II" else ">"
    place = struct.unpack_from(f"{order}I", data, 4)[0]
    count = struct.unpack_from(f"{order}H", data, place)[0]
    entry = place + 2 + 12 * random.randrange(count)
    at, form = random.choice(((0, "H"), (2, "H"), (4, "I"), (8, "I")))
    other = random.choice([n for n in NUMBERS if isinstance(n, int) and n >= 0]) % (1 << (16 if form == "H" else 32))
    return data[:entry + at] + struct.pack(order + form, other) + data[entry + at + struct.calcsize(form):]


def labels(data: bytes, random: Random) -> bytes:
    """Write an array beside the images, of any type, shape and values, or its header alone with other sizes."""
    generator = np.random.default_rng(random.randrange(1 << 30))
    shape = random.choice(((6,), (6, 1), (6, 2), (1, 6), (0,), (), (5,), (6, 3, 3), (6, 16, 16), (1, 1, 6)))
    values = generator.integers(-2, random.choice((2, 5, 300)), shape)
    with np.errstate(all="ignore"):
        array = values.astype(random.choice(TYPES[:-1])) if random.random() < 0.9 else values.astype("<M8[s]")
    if array.dtype.kind == "f" and array.size and random.random() < 0.5:
        array.reshape(-1)[0] = random.choice((np.nan, np.inf, 0.5, 1e30))
    file, images = io.BytesIO(), np.load(io.BytesIO(data))["images"]
    name = random.choice(("labels", "factors", "split", "values__a", "factor_names", "clip", "frame", "mask", "a b"))
    np.savez(file, **{"images": images, name: array})
    content = file.getvalue()
    return mutated(content, random) if random.random() < 0.3 else content


def targets(folder: Path) -> list[Target]:
    """Lay out meshes, pictures and arrays, whole as yet."""
    tree, binary = scene()
    (folder / "a.glb").write_bytes(glb(tree, binary))
    tree, binary = scene(uri="a.bin")
    (folder / "a.gltf").write_text(json.dumps(tree))
    (folder / "a.bin").write_bytes(binary)
    Image.new("RGB", (4, 4), "red").save(folder / "a.png")
    (folder / "a.mtl").write_text("newmtl red\nKd 1 0 0\nd 0.5\nillum 2\nmap_Kd -s 1 1 1 a.png\n")
    (folder / "a.obj").write_text("mtllib a.mtl\no a\n" + "".join(f"v {x} {y} {z}\nvt {x} {y}\n" for x, y, z in CORNERS)
                                  + "vn 0 0 1\nusemtl red\ns 1\nf 1/1/1 2/2/1 3/3/1 4/4/1\nf -4/-4 -2/-2 -1/-1\n")
    head = ("ply\nformat {} 1.0\ncomment TextureFile a.png\nelement vertex 4\nproperty float x\nproperty float y\n"
            "property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face 2\n"
            "property list uchar int vertex_indices\nend_header\n")
    (folder / "a.ply").write_text(head.format("ascii") + "".join(f"{x} {y} {z} 255 0 9\n" for x, y, z in CORNERS)
                                  + "3 0 1 2\n3 0 2 3\n")
    (folder / "b.ply").write_bytes(head.format("binary_little_endian").encode()
                                   + b"".join(row.tobytes() + b"\xff\0\x09" for row in CORNERS)
                                   + b"".join(b"\x03" + face.astype("<i4").tobytes() for face in FACES))
    facets = "".join("facet normal 0 0 1\nouter loop\n" + "".join(f"vertex {x} {y} {z}\n" for x, y, z in CORNERS[f])
                     + "endloop\nendfacet\n" for f in FACES)
    (folder / "a.stl").write_text(f"solid a\n{facets}endsolid a\n")
    (folder / "b.stl").write_bytes(bytes(80) + struct.pack("<I", 2) + b"".join(
        bytes(12) + CORNERS[f].tobytes() + bytes(2) for f in FACES))
    corners = "".join(f"{x} {y} {z}\n" for x, y, z in CORNERS)
    (folder / "a.off").write_text(f"OFF\n4 2 0\n{corners}3 0 1 2\n3 0 2 3\n")
    pixels = np.random.default_rng(0).integers(0, 255, (6, 16, 16, 3), dtype=np.uint8)
    picture, grey = Image.fromarray(pixels[0]), Image.fromarray(pixels[0, ..., 0].astype(np.uint16) << 8)
    exif = Image.Exif()
    exif[274], exif[271] = 6, "maker"
    picture.save(folder / "a.jpg", exif=exif)
    picture.save(folder / "a.webp", exif=exif, lossless=True)
    picture.save(folder / "a.gif", save_all=True, append_images=[Image.fromarray(p) for p in pixels[1:3]])
    picture.save(folder / "a.bmp")
    picture.save(folder / "a.tif", compression="tiff_lzw", tiffinfo=TiffImagePlugin.ImageFileDirectory_v2())
    grey.save(folder / "b.tif")
    grey.save(folder / "b.png")
    np.savez(folder / "a.npz", images=pixels)
    (folder / "pictures").mkdir()
    for i, image in enumerate(pixels[:3]):
        Image.fromarray(image).save(folder / "pictures" / f"{i}.tif")

    def mesh(name: str) -> Callable[[], object]:
        return lambda: read_mesh(folder / name)

    def shown(name: str) -> Callable[[], object]:
        return lambda: read_image(folder / name, (16, 16), 3)

    def changed(kind: str, name: str, read: Callable[[], object], *damages: Callable[[bytes, Random], bytes]
                ) -> list[Target]:
        return [Target(kind, folder / name, read, damage) for damage in (mutated, *damages)]

    return [*changed("glb", "a.glb", mesh("a.glb"), glb_values, glb_values),
            *changed("gltf", "a.gltf", mesh("a.gltf"), json_values), *changed("buffer", "a.bin", mesh("a.gltf")),
            *changed("obj", "a.obj", mesh("a.obj"), words), *changed("mtl", "a.mtl", mesh("a.obj"), words),
            *changed("texture", "a.png", mesh("a.obj")), *changed("ply", "a.ply", mesh("a.ply"), words),
            *changed("binary ply", "b.ply", mesh("b.ply"), words), *changed("stl", "a.stl", mesh("a.stl"), words),
            *changed("binary stl", "b.stl", mesh("b.stl")), *changed("off", "a.off", mesh("a.off"), words),
            *changed("jpg with exif", "a.jpg", shown("a.jpg"), tags("JPEG")),
            *changed("webp with exif", "a.webp", shown("a.webp"), tags("WEBP")),
            *changed("tiff", "a.tif", shown("a.tif"), tags("TIFF"), directory),
            *changed("tiff of 16 bits", "b.tif", shown("b.tif"), directory),
            *changed("png of 16 bits", "b.png", shown("b.png")), *changed("gif", "a.gif", shown("a.gif")),
            *changed("bmp", "a.bmp", shown("a.bmp")),
            *changed("labels", "a.npz", lambda: Npz(path=str(folder / "a.npz")).open(), labels, labels),
            *changed("folder of tiff", "pictures/1.tif",
                     lambda: Folder(path=str(folder / "pictures"), size=16).open(), directory)]


if __name__ == "__main__":
    sys.exit(damage(__doc__, targets))
