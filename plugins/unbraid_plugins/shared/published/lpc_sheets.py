"""Characters composed from the sheets of the Liberated Pixel Cup, whose artists ask to be named."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
from PIL import Image

from unbraid import BadPicture, DataError, Field, Images, open_picture, source
from unbraid_plugins.shared.sources.procedural import Drawn, check_count, grid_images
from unbraid_plugins.shared.sources.sizes import check_size, existing, natural, resized

SIDE = 64                                          # pixels of a frame
ACTIONS = {"spellcast": (0, 7), "thrust": (4, 8), "walk": (8, 9), "slash": (12, 6), "shoot": (16, 13)}   # row, frames
DIRECTIONS = ("back", "left", "front", "right")    # the four rows of an action
LAYERS = {"body": "body/male/*.png", "legs": "legs/pants/male/*.png", "shirt": "torso/shirts/longsleeve/male/*.png",
          "hair": "hair/male/*/*.png"}
CREDITS = ("AUTHORS.txt", "AUTHORS", "CREDITS.csv", "CREDITS.TXT", "CREDITS.txt", "CREDITS.md", "CREDITS")
MOST_SHEETS = 2000


@source
@attrs.frozen(kw_only=True)
class LpcSheets:
    """Characters of the Universal LPC sprite sheets: one sheet of each layer, drawn over each other on white.

    Fields: a class for every layer, `action`, `direction` and `frame`. The credits beside the sheets must go with every
    picture that is shown or passed on: a note names their file, and without one nothing is read.

    path: a copy of the sheets, with their credits.
    credits: the name of the file with the credits; by default AUTHORS.txt, CREDITS.csv and their like.
    layers: name -> pattern of its sheets below `path`, from the lowest to the highest; each sheet is a class.
    actions: spellcast, thrust, walk, slash, shoot.
    frames: the number of frames of each action, from its first.
    count: the number of all combinations that are taken; null for all.
    """

    path: str
    credits: str | None = None
    layers: dict[str, str] = attrs.Factory(lambda: dict(LAYERS))
    actions: tuple[str, ...] = attrs.field(default=("walk",), validator=attrs.validators.min_len(1))
    frames: int = attrs.field(default=6, validator=attrs.validators.ge(1))
    size: int = attrs.field(default=SIDE, validator=check_size)
    count: int | None = attrs.field(default=None, validator=check_count)

    def open(self) -> Images:
        """Return the characters, and the sheets of each."""
        root = existing(self.path, folder=True)
        wanted = CREDITS if self.credits is None else (self.credits,)
        credit = next((root / name for name in wanted if Path(name).name == name and (root / name).is_file()), None)
        if credit is None:
            raise DataError(f"{root} has no credits ({', '.join(wanted[:3])}{', ...' * (len(wanted) > 3)})",
                            hint="the sheets' licences ask to name their artists: copy the file from where they are")
        if wrong := [a for a in self.actions if a not in ACTIONS]:
            raise DataError(f"actions: there is no {wrong[0]!r}; there are {', '.join(ACTIONS)}")
        if short := [a for a in self.actions if ACTIONS[a][1] < self.frames]:
            raise DataError(f"frames: {short[0]} has {ACTIONS[short[0]][1]}, fewer than {self.frames}")
        if clash := {"action", "direction", "frame"} & self.layers.keys():
            raise DataError(f"layers: {min(clash)} is the name of another field")
        sheets = {name: self._sheets(root, name, pattern) for name, pattern in self.layers.items()}
        sizes = {**{name: len(found) for name, found in sheets.items()}, "action": len(self.actions),
                 "direction": len(DIRECTIONS), "frame": self.frames}
        names = {**{name: tuple(found) for name, found in sheets.items()}, "action": self.actions,
                 "direction": DIRECTIONS, "frame": None}
        layers = {name: list(found.values()) for name, found in sheets.items()}

        def draw(rows: dict[str, np.ndarray]) -> np.ndarray:
            """Compose characters, uint8 (n, 3, size, size)."""
            drawn = np.full((len(rows["frame"]), SIDE, SIDE, 3), 255, np.float32)
            place = rows["action"], rows["direction"], rows["frame"]
            for name, found in layers.items():
                for i, sheet in enumerate(rows[name]):
                    over = found[sheet][tuple(p[i] for p in place)].astype(np.float32)
                    drawn[i] += (over[..., :3] - drawn[i]) * (over[..., 3:] / 255)
            return resized((drawn + 0.5).astype(np.uint8).transpose(0, 3, 1, 2), self.size)

        images = grid_images(sizes, Drawn(3, self.size, draw), self.count,
                             lambda name, index: Field(index, sizes[name], names[name]))
        images.notes.append(f"{credit} must go with every picture of these characters")
        return images

    def _sheets(self, root: Path, layer: str, pattern: str) -> dict[str, np.ndarray]:
        """Return the frames of a layer's sheets by name, uint8 (actions, 4, frames, SIDE, SIDE, 4)."""
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise DataError(f"layers: {layer}: {pattern!r} leaves the folder")
        files = sorted(root.glob(pattern), key=natural)
        if not files:
            raise DataError(f"layers: {layer}: there is no {pattern} in {root}")
        if len(files) > MOST_SHEETS:
            raise DataError(f"layers: {layer}: {len(files):,} sheets are more than {MOST_SHEETS:,}")
        named = [file.stem for file in files]
        if len(set(named)) < len(named):
            named = [file.relative_to(root).with_suffix("").as_posix() for file in files]
        return {name: self._frames(file) for name, file in zip(named, files, strict=True)}

    def _frames(self, file: Path) -> np.ndarray:
        try:
            with open_picture(file, ("PNG",)) as image:
                sheet = np.asarray(image.convert("RGBA"))
        except (BadPicture, OSError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{file}: {error}") from None
        rows = [[row + i for i in range(len(DIRECTIONS))] for row, _ in (ACTIONS[a] for a in self.actions)]
        if sheet.shape[0] < SIDE * (max(map(max, rows)) + 1) or sheet.shape[1] < SIDE * self.frames:
            raise DataError(f"{file}: {sheet.shape[1]} x {sheet.shape[0]} pixels are no sheet with these actions")
        cut = sheet[:sheet.shape[0] // SIDE * SIDE, :SIDE * self.frames]
        return cut.reshape(-1, SIDE, self.frames, SIDE, 4).swapaxes(1, 2)[np.asarray(rows)]
