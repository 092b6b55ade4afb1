"""Sources of a folder of pictures, and of folders of frames."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import DataError, Field, Images, source
from unbraid_plugins.shared.sources.picture_files import PictureFiles, open_pictures
from unbraid_plugins.shared.sources.picture_search import find_pictures
from unbraid_plugins.shared.sources.sizes import ENDINGS, check_size, check_white, existing, natural


@source
@attrs.frozen(kw_only=True)
class Folder:
    """All pictures in a folder and the folders in it: png, jpg, webp, bmp, gif, tif, of any size.

    They are turned upright, scaled to fill size x size (or [height, width]) and cut around the middle. The name of a
    picture's folder is its class in the field `folder`. Links to folders are followed. Folders `train` and `test`
    (and `val`) are the splits. Files that are left out are counted and named. Large folders are decoded during the
    training; then only headers are checked at first, unless `check` is "all".

    black, white: the ends of the range of grey pictures with more than 8 bits; by default 16 bits, or floats in [0, 1].
    split_folders: whether folders `train` and `test` are the splits.

    Pictures that are decoded during the training are kept in the cache (`keep`: auto, yes, no).
    decoder: of JPEG files during the training, `torchvision` or `pillow`; they differ by a grey level.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    channels: int = attrs.field(default=3, validator=attrs.validators.in_((1, 3)))
    check: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "all", "headers")))
    black: float = 0.0
    white: float | None = attrs.field(default=None, validator=check_white)
    split_folders: bool = True
    keep: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "yes", "no")))
    decoder: str = attrs.field(default="torchvision", validator=attrs.validators.in_(("torchvision", "pillow")))

    def open(self) -> Images:
        """Return the pictures, with the names of their folders as a field."""
        root = existing(self.path, folder=True)
        found = find_pictures(root)
        paths = found.paths
        if not paths:
            raise DataError(f"there are no pictures in {root}" + "".join(f"; {note}" for note in found.notes),
                            hint="for .npy files use `type: npz`" if any(root.glob("*.npy")) else
                            f"it reads {', '.join(ENDINGS)}")
        lazy = PictureFiles(paths, self.size, self.channels, self.white, self.black, self.decoder)
        images, good, keys, notes = open_pictures(root, paths, lazy, self.check, self.keep)
        splits = found.splits(good) if self.split_folders else None
        below = [paths[i].parent.relative_to(root).parts[splits is not None:] for i in good]
        folders = ["/".join(parts) or "." for parts in below]
        names = sorted(set(folders))
        fields = {}
        if len(names) > 1:
            number = {name: i for i, name in enumerate(names)}
            fields["folder"] = Field(np.asarray([number[f] for f in folders]), len(names), tuple(names))
        return Images(images, fields, splits, notes + found.notes, keys)


@source
@attrs.frozen(kw_only=True)
class Clips:
    """Video clips: a folder with a folder of frames for every clip.

    The frames are the pictures in the order of their names (frame2 before frame10). Fields: `clip` and `frame`; and
    `folder`, the folder that a clip's folder lies in, where there are several.
    """

    path: str
    size: int | tuple[int, int] = attrs.field(default=64, validator=check_size)
    channels: int = attrs.field(default=3, validator=attrs.validators.in_((1, 3)))
    check: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "all", "headers")))
    keep: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "yes", "no")))
    decoder: str = attrs.field(default="torchvision", validator=attrs.validators.in_(("torchvision", "pillow")))

    def open(self) -> Images:
        """Return the frames of all clips."""
        root = existing(self.path, folder=True)
        found = find_pictures(root)
        paths = [p for p in found.paths if p.parent != root]
        found.left_out("pictures outside the folders of frames", len(found.paths) - len(paths))
        if not paths:
            raise DataError(f"there are no folders of frames in {root}",
                            hint="every clip is a folder of pictures; for single pictures use `type: folder`")
        clips = sorted({p.parent for p in paths}, key=natural)
        number = {clip: i for i, clip in enumerate(clips)}
        clip = np.asarray([number[p.parent] for p in paths])
        frame = np.arange(len(paths)) - np.searchsorted(clip, clip)
        lazy = PictureFiles(paths, self.size, self.channels, decoder=self.decoder)
        images, good, keys, notes = open_pictures(root, paths, lazy, self.check, self.keep)
        fields = {"clip": Field(clip[good], len(clips), tuple(c.relative_to(root).as_posix() for c in clips)),
                  "frame": Field(frame[good], int(frame.max()) + 1)}
        parents = sorted({c.parent.relative_to(root).as_posix() for c in clips})
        if len(parents) > 1:
            of_clip = np.asarray([parents.index(c.parent.relative_to(root).as_posix()) for c in clips])
            fields["folder"] = Field(of_clip[clip[good]], len(parents), tuple(parents))
        return Images(images, fields, notes=notes + found.notes, keys=keys)
