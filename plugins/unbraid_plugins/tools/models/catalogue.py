"""The models of all plugins: facts, the command that makes each, and where its pack is published."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import attrs

from unbraid_plugins.tools.datasets import DataFile, contributed, one_of, read_tables
from unbraid_registry import UnbraidError

SUFFIX = ".safetensors"


class ModelsError(UnbraidError):
    """Raised for an entry of a model that is not as it should be, and for a model that is not here."""


def _texts(texts: Any) -> tuple[str, ...]:
    if not isinstance(texts, list | tuple) or not all(isinstance(t, str) for t in texts):
        raise ValueError("expected a list of texts")
    return tuple(texts)


def _numbers(instance: Any, attribute: attrs.Attribute[Any], numbers: Mapping[str, Any]) -> None:
    if not isinstance(numbers, Mapping) or not all(type(v) in (int, float) for v in numbers.values()):
        raise ValueError(f"{attribute.name} must map names of metrics to numbers")


def _needs(instance: Any, attribute: attrs.Attribute[Any], needs: Mapping[str, Any]) -> None:
    if not isinstance(needs, Mapping) or not all(isinstance(v, str) for v in needs.values()):
        raise ValueError(f"{attribute.name} must map environment variables to what they name")


TEXT: Any = attrs.validators.instance_of(str)


@attrs.frozen(kw_only=True)
class TrainedModel:
    """A model that one command makes, and that may be published as a pack.

    recipe, overrides: what `make` trains.
    metrics: what `make` measures.
    needs: environment variable -> the data that it names; empty where all data is drawn.
    half: whether its pack has weights of 16 bits.
    minutes: how long the recorded training took, on one busy core.
    licence, data_licence: of the weights and of the data, SPDX identifiers or texts.
    scores: what the recorded evaluation found, by metric.
    file: name, size, hash and addresses of the recorded pack.
    release: the distribution whose release on the web has the pack among its files; see `addresses`.
    bundled: the pack's file, for a model that comes with its plugin; in a TOML file, relative to that file.
    """

    name: str = attrs.field(validator=attrs.validators.matches_re("[a-z0-9][a-z0-9_-]{0,63}"))
    title: str = attrs.field(validator=TEXT)
    recipe: str = attrs.field(validator=[TEXT, attrs.validators.min_len(1)])
    overrides: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    metrics: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    needs: Mapping[str, str] = attrs.field(factory=dict, validator=_needs)
    half: bool = attrs.field(default=False, validator=attrs.validators.instance_of(bool))
    minutes: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    licence: str = attrs.field(validator=[TEXT, attrs.validators.min_len(1)])
    data_licence: str = attrs.field(validator=[TEXT, attrs.validators.min_len(1)])
    scores: Mapping[str, float] = attrs.field(factory=dict, validator=_numbers)
    file: DataFile
    release: str = attrs.field(default="", validator=TEXT)
    bundled: Path | None = None

    @property
    def command(self) -> str:
        """The command that makes it."""
        return f"unbraid models make {self.name}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses of the pack: on the mirror UNBRAID_MODELS, its own, in a release; none while it is unpublished."""
        mirror = os.environ.get("UNBRAID_MODELS", "").rstrip("/")
        return (*([f"{mirror}/{self.file.name}"] if mirror else []), *self.file.addresses,
                *released(self.release, self.file.name))


def released(distribution: str, file: str) -> list[str]:
    """Return the address of a file of a distribution's release, as GitHub and Forgejo have it.

    Empty where the distribution is not installed or its metadata names no `Repository` on the web.
    """
    try:
        known = metadata(distribution)
    except (PackageNotFoundError, ValueError):     # ValueError: of an empty name
        return []
    urls = dict(url.split(", ", 1) for url in known.get_all("Project-URL") or [] if ", " in url)
    repository = urls.get("Repository", "").rstrip("/")
    return [f"{repository}/releases/download/v{known['Version']}/{file}"] if repository.startswith("https://") else []


def read_models(path: Path) -> list[TrainedModel]:
    """Read a TOML file with a table for each model.  Raises ModelsError, with the model and the field."""
    def made(name: str, table: dict[str, Any]) -> TrainedModel:
        given = {key: table.pop(key) for key in ("addresses", "bytes", "sha256") if key in table}
        file = DataFile(name=f"{name}{SUFFIX}", **{"addresses": (), **given})
        known = [a.name for a in attrs.fields(TrainedModel) if a.name not in ("name", "file")]
        if unknown := sorted(table.keys() - set(known)):
            raise ValueError(f"it has an unknown field {unknown[0]!r}; there is {', '.join(known)}, addresses, bytes, "
                             "sha256")
        if isinstance(table.get("bundled"), str):
            table["bundled"] = (path.parent / table["bundled"]).resolve()
        return TrainedModel(name=name, file=file, **table)

    return read_tables(path, made, "model", ModelsError)


def all_models() -> dict[str, TrainedModel]:
    """Return the models of all plugins by name; of two with one name, the bundled plugin's."""
    return contributed("unbraid_models", TrainedModel, read_models, ModelsError)


def find_model(name: str) -> TrainedModel:
    """Return a model by name.  Raises ModelsError with the nearest name."""
    return one_of(all_models(), name, "model", "unbraid models list", ModelsError)
