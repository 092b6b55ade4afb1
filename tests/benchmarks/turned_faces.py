"""Faces turned by `face_turner`, against faces that were drawn at that yaw.

    python tests/benchmarks/turned_faces.py ict_face_basis.npz

Albedo is compared, for light does not turn with a drawn face. PSNR inside the mask of the drawn face, in dB.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from unbraid_plugins.opengl.faces import MorphableFaces, read_model, turned

YAWS = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0)


def main(path: str) -> None:
    images = MorphableFaces(path=path, identities=8, expressions={"neutral": {}, "smile": {"mouthSmile": 1.0}},
                            yaws=YAWS, lamps=((0, 0, 1),), size=64, seed=3).open()
    field = {n: f.values for n, f in images.fields.items()}
    albedo, mask = (torch.from_numpy(field[n]).float() / 255 for n in ("albedo", "mask"))
    ahead = np.flatnonzero(field["yaw"] == 0)
    coefficients, view = (torch.from_numpy(field[n][ahead]) for n in ("coefficients", "view"))
    print("yaw   turned  not turned")
    for number, yaw in enumerate(YAWS):
        there = np.flatnonzero(field["yaw"] == number)
        made, _ = turned(read_model(path), albedo[ahead], coefficients, view, torch.from_numpy(field["view"][there, 0]),
                         background=torch.zeros(1, 3))
        found = []
        for picture in (made, albedo[ahead]):
            off = ((picture - albedo[there]).square() * mask[there]).sum((1, 2, 3)) / (3 * mask[there].sum((1, 2, 3)))
            found.append(float((-10 * off.log10()).mean()))
        print(f"{yaw:3.0f}   {found[0]:6.1f}  {found[1]:10.1f}")


if __name__ == "__main__":
    main(sys.argv[1])
