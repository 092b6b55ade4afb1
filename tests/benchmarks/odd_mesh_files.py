"""A contact sheet of odd mesh files, each as we read it beside what trimesh reads, drawn by the same renderer.

    OMP_NUM_THREADS=1 python tests/benchmarks/odd_mesh_files.py [--out docs/figures/odd-meshes.png] [--size 96]

The files are made here, as other programs write them. Trimesh is an independent reader, not a judge: what is right
stands in the caption. Printed are the faces, the areas, and how far the two pictures are apart (mean of 255).
"""

from __future__ import annotations

import argparse
import math
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "opengl"))

from glb_maker import SPOTS, Glb  # noqa: E402

from unbraid_plugins.opengl.scene import Mesh, read_mesh  # noqa: E402
from unbraid_plugins.opengl.viewing.views import Look, fitted, views  # noqa: E402

SQUARE = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
BALL = trimesh.creation.icosphere(subdivisions=1)
COLUMNS, CAPTION = 4, 26                           # cases of a row, pixels below each


def picture() -> Image.Image:
    """Red, green; blue, yellow."""
    quarters = np.array([[[220, 50, 47], [60, 160, 60]], [[38, 100, 210], [240, 200, 40]]], np.uint8)
    return Image.fromarray(quarters.repeat(4, 0).repeat(4, 1))


def obj(folder: Path, text: str, mtl: str = "newmtl m\nmap_Kd p.png\n") -> Path:
    picture().save(folder / "p.png")
    (folder / "a.mtl").write_text(mtl)
    (folder / "a.obj").write_text("mtllib a.mtl\n" + text)
    return folder / "a.obj"


def ball(offset: np.ndarray, *, twice: bool = False) -> str:
    rows = [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in BALL.vertices + offset]
    rows += [f"f {a} {b} {c}" + (f"\nf {c} {b} {a}" if twice else "") for a, b, c in BALL.faces + 1]
    return "\n".join(rows) + "\n"


def glb(folder: Path, change: Callable[[Glb], object] = lambda glb: None, sampler: dict[str, int] | None = None,
        **attributes: np.ndarray) -> Path:
    made = Glb(**attributes).textured(picture(), sampler)
    change(made)
    return made.write(folder / "a.glb")


def transformed(made: Glb) -> None:
    made.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["extensions"] = {
        "KHR_texture_transform": {"rotation": math.pi / 4, "scale": [2, 2]}}
    made.tree |= {"extensionsUsed": ["KHR_texture_transform"]}


def instanced(made: Glb) -> None:
    moved = made.array(np.array([[0, 0, 0], [2.4, 0, 0], [0, 2.4, 0]], np.float32))
    made.tree["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": moved}}}
    made.tree |= {"extensionsUsed": ["EXT_mesh_gpu_instancing"]}


def posed(made: Glb) -> None:
    """A joint turns the square by 45 degrees."""
    made.tree |= {"nodes": [{"mesh": 0, "skin": 0}, {"rotation": [0, 0, math.sin(math.pi / 8), math.cos(math.pi / 8)]}],
                  "scenes": [{"nodes": [0, 1]}], "skins": [{"joints": [1]}]}


def mixed_ply(folder: Path) -> Path:
    """Write a binary file with a quad, a triangle and a dart of five corners."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0], [2, 1, 0], [1.5, 0.3, 0]], ">f8")
    head = f"ply\nformat binary_big_endian 1.0\nelement vertex {len(points)}\n" + "".join(
        f"property double {axis}\n" for axis in "xyz") + "element face 2\nproperty list uchar ushort vertex_indices\n"
    rows = b"".join(struct.pack(f">B{len(f)}H", len(f), *f) for f in ([0, 1, 2, 3], [1, 4, 5, 6, 2]))
    (folder / "a.ply").write_bytes(head.encode() + b"end_header\n" + points.tobytes() + rows)
    return folder / "a.ply"


def solid_stl(folder: Path) -> Path:
    rows = np.zeros(len(BALL.faces), np.dtype([("n", "<f4", 3), ("p", "<f4", (3, 3)), ("a", "<u2")]))
    rows["p"] = BALL.vertices[BALL.faces]
    (folder / "a.stl").write_bytes(b"solid ball".ljust(80) + struct.pack("<I", len(rows)) + rows.tobytes())
    return folder / "a.stl"


def off(folder: Path) -> Path:
    corners = "".join(f"{v[2:]} {c}\n" for v, c in zip(SQUARE.splitlines(), ("1 0 0", "0 1 0.0", "0 0 1", "1 1 0"),
                                                         strict=False))
    (folder / "a.off").write_text(f"COFF 4 1\n{corners}4 0 1 2 3\n")
    return folder / "a.off"


CASES: dict[str, Callable[[Path], Path]] = {
    "obj: a dart as one face": lambda f: obj(f, "v 0 2 0\nv -1 -1 0\nv 0 0 0\nv 1 -1 0\nf 2 3 4 1\n"),
    "obj: a face without vt": lambda f: obj(f, SQUARE + "v 3 0 0\nusemtl m\nf 1/1 2/2 3/3 4/4\nf 2 5 3\n"),
    "obj: map_Kd -s 2 2 -o 0.5": lambda f: obj(f, SQUARE + "usemtl m\nf 1/1 2/2 3/3 4/4\n",
                                               "newmtl m\nmap_Kd -s 2 2 1 -o 0.5 p.png\n"),
    "obj: every face twice": lambda f: obj(f, ball(np.zeros(3), twice=True)),
    "obj: far away, as on a map": lambda f: obj(f, ball(np.array([500_000, 0, -5_649_776]))),
    "ply: polygons of many sizes": mixed_ply, "stl: binary, named solid": solid_stl, "off: whole and 0.0": off,
    "glb: rotated texture": lambda f: glb(f, transformed),
    "glb: texels not interpolated": lambda f: glb(f, sampler={"magFilter": 9728}, TEXCOORD_0=SPOTS / 2 + 0.2),
    "glb: mirrored repetition": lambda f: glb(f, sampler={"wrapS": 33648, "wrapT": 33648}, TEXCOORD_0=SPOTS * 2),
    "glb: COLOR_0 times texture": lambda f: glb(f, COLOR_0=np.array([[1, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0]],
                                                                    np.float32)),
    "glb: three instances": lambda f: glb(f, instanced),
    "glb: a skin's joint turned": lambda f: glb(f, posed, JOINTS_0=np.zeros((4, 4), np.uint8),
                                                WEIGHTS_0=np.array([[1, 0, 0, 0]] * 4, np.float32)),
    "glb: coordinates of 16 bits": lambda f: glb(f, lambda made: made.tree["accessors"][1].update(normalized=True),
                                                 TEXCOORD_0=(SPOTS * 65535).astype(np.uint16)),
    "glb: a node mirrored": lambda f: glb(f, lambda made: made.tree["nodes"][0].update(scale=[-1, 1, 1])),
}


def theirs(file: Path) -> Mesh:
    """Return what trimesh reads as one mesh: places, colours of vertices, or one texture."""
    found = trimesh.load_scene(file).to_mesh()
    vertices = torch.tensor(found.vertices - found.vertices.mean(0), dtype=torch.float32)[None]
    faces, visual = torch.tensor(found.faces), found.visual
    uv, material = getattr(visual, "uv", None), getattr(visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    if uv is not None and image is not None:
        texture = torch.tensor(np.asarray(image.convert("RGB"), np.float32) / 255).permute(2, 0, 1)[None]
        return Mesh.of(vertices, faces, uv=torch.tensor(uv, dtype=torch.float32)[None], texture=texture)
    colours = None
    if visual.kind in ("vertex", "face"):
        colours = torch.tensor(np.asarray(visual.vertex_colors)[:, :3] / 255, dtype=torch.float32)[None]
    return Mesh.of(vertices, faces, colours=colours)


def drawn(mesh: Mesh, size: int) -> np.ndarray:
    look = Look(size=(size, size), ambient=0.5, backend="torch")
    return next(views(fitted(mesh), look, [math.radians(15)], math.radians(15)))[0][..., :3]


def area(mesh: Mesh) -> float:
    a, b, c = mesh.vertices[0].double()[mesh.faces].unbind(1)
    return (b - a).cross(c - a, dim=1).norm(dim=1).sum().item() / 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures" / "odd-meshes.png")
    parser.add_argument("--size", type=int, default=96)
    options = parser.parse_args()
    size = options.size
    rows = -(-len(CASES) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * (2 * size + 12), rows * (size + CAPTION)), "white")
    pen = ImageDraw.Draw(page)
    for number, (name, make) in enumerate(CASES.items()):
        left, top = number % COLUMNS * (2 * size + 12), number // COLUMNS * (size + CAPTION)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = make(Path(folder))
            ours = read_mesh(file)
            shots, told = [drawn(ours, size)], "-"
            try:
                other = theirs(file)
                shots.append(drawn(other, size))
                apart = np.abs(np.subtract(*shots, dtype=float)).mean()
                told = f"{len(other.faces)} faces, area {area(other):.3f}, {apart:.1f} apart"
            except Exception as error:             # whatever the other reader raises
                told = f"{type(error).__name__}: {error}"[:60]
        for i, shot in enumerate(shots):
            page.paste(Image.fromarray(shot), (left + i * size, top))
        pen.text((left + 4, top + size + 2), name, fill="black")
        pen.text((left + 4, top + size + 13), "ours | trimesh", fill="grey")
        print(f"{name:30} ours {len(ours.faces)} faces, area {area(ours):.3f}; trimesh {told}")
    page.save(options.out, optimize=True)
    print(f"wrote {options.out}, {options.out.stat().st_size >> 10} kB")


if __name__ == "__main__":
    main()
