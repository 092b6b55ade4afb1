"""A pack: the file, its header of texts, and the run that it stands for."""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import cattrs
from safetensors import SafetensorError
from safetensors.torch import load as tensors_of
from torch import Tensor

from unbraid.data import DataFacts
from unbraid.runs import Run, RunError, checkpoint
from unbraid_configs import Recipe, recipe_from_text
from unbraid_registry import FormerPlugins, plugins_of, registry
from unbraid_registry.files import Each, Fields, Listed, Maybe, check, open_file, parse_json
from unbraid_registry.terminal import shown_line

FORMAT = 1
SUFFIX = ".safetensors"
MOST_HEADER = 8 << 20                              # bytes
MOST = 4 << 30                                     # bytes of a pack
KEYS = ("unbraid.pack", "unbraid.recipe", "unbraid.data", "unbraid.about")
SCORE = Fields({"score": float, "interval": Maybe(Listed(Maybe(float), 2)), "baselines": Each(float, 100),
                "better": str}, ("score", "baselines"))
ABOUT = Fields({"title": str, "paper": str, "step": int, "sha256": str, "versions": Each(str, 100),
                "plugins": Each(Each(str, 100), 1000), "licence": Fields({"weights": str, "data": str}),
                "scores": Each(SCORE, 1000), "seed": int, "functions": Each(Listed(str, 100), 1000),
                "image": Listed(int, 4), "code": Each(int, 10_000), "carries": Each(str), "networks": Listed(str, 1000),
                "half": bool},
               ("title", "paper", "step", "sha256", "versions", "plugins", "licence", "scores"))


class PackError(RunError):
    """Raised for a file that is no pack, or a damaged or a newer one."""


@attrs.frozen
class Pack(Run):
    """A trained model in a file.  folder: the file.

    recipe_text: the resolved recipe, YAML.
    data: the facts about its data.
    about: title, paper, step, versions, plugins, licences, scores, and the SHA-256 of the weights.
    picture: a small picture, PNG, or no bytes.
    whole: whether it has the weights of all networks; else of those that the functions use.
    """

    recipe_text: str = attrs.field(default="", repr=False)
    data: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    about: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    picture: bytes = attrs.field(default=b"", repr=False)
    whole: ClassVar[bool] = False

    @classmethod
    def at(cls, folder: str | Path, *, fetch: bool = True) -> Pack:
        """Read the header of a pack.  Raises PackError."""
        path = Path(folder).expanduser()
        texts = header(path)
        missing = [key for key in KEYS if key not in texts]
        if missing:
            raise PackError(f"{path} is no pack: it is a safetensors file without {missing[0]!r}"
                            + (f"; it has {', '.join(sorted(texts)[:8])}" if texts else ""),
                            hint="a pack is made by: unbraid pack RUN")
        number = _format(path, texts["unbraid.pack"])
        if number > FORMAT:
            raise PackError(f"{path} has format {number}; this unbraid reads packs up to {FORMAT}",
                            hint="install a newer unbraid")
        try:
            data, about = parse_json(texts["unbraid.data"]), parse_json(texts["unbraid.about"])
            picture = _decoded(texts.get("unbraid.picture", ""))
            check(about, ABOUT, "unbraid.about")
            _expect_lines(about)
            if about["step"] < 0:
                raise ValueError(f"there is no step {about['step']}")
            DataFacts.from_json(data)
        except cattrs.BaseValidationError:
            raise PackError(f"{path} is a damaged pack: it does not tell what its data was") from None
        except (ValueError, TypeError) as error:
            raise PackError(f"{path} is a damaged pack: {error}") from None
        return cls(path, texts["unbraid.recipe"], data, about, picture)

    @property
    def record_file(self) -> Path:
        """The file that has the record: the pack itself."""
        return self.folder

    def record(self) -> dict[str, Any]:
        """Return the record that a run of this model would have."""
        return {"format": 1, "data": self.data, "sessions": [{"versions": self.about["versions"],
                                                              "plugins": self.about["plugins"]}]}

    def plugins(self) -> FormerPlugins:
        """Return the plugins as the model knew them."""
        return FormerPlugins(registry(), plugins_of(self.record()))

    def _read_recipe(self, overrides: Sequence[str], plugins: FormerPlugins) -> Recipe:
        return recipe_from_text(self.recipe_text, str(self.folder), overrides, plugins=plugins, keep_unset=True)

    def weights(self, step: int | None = None, *, averaged: bool = True) -> tuple[int, dict[str, dict[str, Tensor]]]:
        """Return the step and the weights by network.  Raises PackError where they are damaged."""
        own = int(self.about["step"])
        if step not in (None, own):
            raise PackError(f"{self.folder} has the weights of step {own} alone, not of step {step}")
        content = read(self.folder)
        if hash_of(content) != self.about["sha256"]:
            raise PackError(f"{self.folder} is damaged: its weights are not those that were packed",
                            hint="fetch it again")
        try:
            tensors = tensors_of(content)
        except (SafetensorError, ValueError, KeyError, MemoryError) as error:
            raise PackError(f"{self.folder} is a damaged pack: {error}") from None
        single = {name: t.float() if t.dtype.is_floating_point and t.element_size() == 2 else t
                  for name, t in tensors.items()}
        return own, checkpoint.nested(single)

    def __str__(self) -> str:
        from unbraid_plugins.tools.packs.card import in_words

        return in_words(self.about)


def header(path: Path) -> dict[str, str]:
    """Return the texts in the header of a safetensors file; its tensors are not read.  Raises PackError."""
    try:
        with open_file(path) as file:
            size = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))[0]
            if not 2 <= size <= MOST_HEADER:
                raise ValueError("it is no safetensors file" if size < 2 or size > MOST else "its header is too large")
            text = file.read(size)
        if len(text) < size:
            raise ValueError("it is cut off")
        content = parse_json(text)
    except FileNotFoundError:
        raise PackError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise PackError(f"can't read the pack {path}: {error}") from None
    texts = content.get("__metadata__", {}) if isinstance(content, dict) else None
    if not isinstance(texts, dict) or not all(isinstance(v, str) for v in texts.values()):
        raise PackError(f"can't read the pack {path}: its header is not one of a safetensors file")
    return texts


def read(path: Path) -> bytes:
    """Return the bytes of a pack.  Raises PackError."""
    from unbraid_registry.files import read_whole

    try:
        return read_whole(path, MOST)
    except OSError as error:
        raise PackError(f"can't read the pack {path}: {error}") from None


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of a safetensors file's tensors: of names, types, shapes, places and bytes."""
    size = struct.unpack("<Q", content[:8])[0]
    described = json.loads(content[8:8 + size])
    described.pop("__metadata__", None)
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    digest.update(content[8 + size:])
    return digest.hexdigest()


def _format(path: Path, text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,8}", text, re.ASCII):
        raise PackError(f"{path} is a damaged pack: its format is {text[:20]!r}, expected a number")
    return int(text)


def _decoded(text: str) -> bytes:
    import base64

    return base64.b64decode(text, validate=True)


def _expect_lines(texts: Any) -> None:
    """Check the texts of a header.  Raises ValueError where one is no single line, or has what a terminal obeys."""
    waiting = [texts]
    while waiting:
        match waiting.pop():
            case str() as text if text != shown_line(text):
                raise ValueError(f"the text '{shown_line(text)[:60]}' has control characters")
            case dict() as held:
                waiting += [*held, *held.values()]
            case list() as held:
                waiting += held
