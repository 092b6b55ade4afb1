"""Entries of data sets: facts, files with their sizes and hashes, licences and access, and the source that reads it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import attrs

from unbraid_plugins.tools.datasets.tables import read_tables
from unbraid_registry import UnbraidError

ACCESS = ("open", "by hand", "account", "purchase")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


class EntryError(UnbraidError):
    """Raised for an entry of a data set that is not as it should be."""


def _checked(test: str, pattern: str) -> Any:
    def validate(instance: Any, attribute: attrs.Attribute[Any], value: str) -> None:
        if value and not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(f"{attribute.name} must be {test}; found {value!r}")

    return validate


def _is_web(instance: Any, attribute: attrs.Attribute[Any], addresses: tuple[str, ...]) -> None:
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError(f"{attribute.name} must begin with https:// or http:// and a host; found {address!r}")


def _is_plain(instance: Any, attribute: attrs.Attribute[Any], name: str) -> None:
    if not name or PurePosixPath(name).name != name or name.startswith(".") or "\\" in name or "\0" in name:
        raise ValueError(f"{attribute.name} must be the plain name of a file; found {name!r}")


@attrs.frozen(kw_only=True)
class DataFile:
    """A file of a data set.

    addresses: mirrors, tried in this order; empty for a file that one fetches by hand.
    bytes: its size, 0 where it isn't published.
    sha256, md5: hexadecimal hashes, empty where they are not published.
    hint: the place of a file that one fetches by hand.
    optional: whether the set opens without it.
    """

    name: str = attrs.field(validator=[attrs.validators.instance_of(str), _is_plain])
    addresses: tuple[str, ...] = attrs.field(default=(), converter=tuple, validator=_is_web)
    bytes: int = attrs.field(default=0, validator=[attrs.validators.instance_of(int), attrs.validators.ge(0)])
    sha256: str = attrs.field(default="", validator=_checked("64 hexadecimal digits", "[0-9a-f]{64}"))
    md5: str = attrs.field(default="", validator=_checked("32 hexadecimal digits", "[0-9a-f]{32}"))
    hint: str = ""
    optional: bool = False

    @property
    def hash(self) -> tuple[str, str]:
        """The kind of its published hash, and the hash; sha256 and an empty text where it has no hash."""
        return ("md5", self.md5) if self.md5 and not self.sha256 else ("sha256", self.sha256)


@attrs.frozen(kw_only=True)
class Reader:
    """The source that opens a set.

    type: its name.
    file: of the set's files, the one that the source's `path` is; empty for the folder of all.
    options: its other options.
    """

    type: str
    file: str = ""
    options: Mapping[str, Any] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class DataSet:
    """A data set by name.

    images: their number.
    image: the shape of one, `64 x 64 RGB`.
    factors: their names, or other knowledge of each image, in words.
    licence: an SPDX identifier, or a sentence.
    accept: whether one must accept it before a download.
    access: open; by hand, where a browser fetches it; account; or purchase.
    how: the way to a set that is not open.
    checked: the day on which sizes and hashes were last compared with the lists that they are from.
    """

    name: str = attrs.field(validator=_checked("small letters, digits, - and _", NAME.pattern))
    title: str
    images: int = attrs.field(validator=attrs.validators.gt(0))
    image: str
    factors: tuple[str, ...] = attrs.field(converter=tuple)
    files: tuple[DataFile, ...] = attrs.field(converter=tuple)
    licence: str = attrs.field(validator=attrs.validators.min_len(1))
    accept: bool = False
    access: str = attrs.field(default="open", validator=attrs.validators.in_(ACCESS))
    how: str = ""
    citation: str
    homepage: str
    checked: datetime.date = attrs.field(validator=attrs.validators.instance_of(datetime.date))
    notes: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    reader: Reader

    def __attrs_post_init__(self) -> None:
        names = [f.name for f in self.files]
        if not names and not self.how:
            raise ValueError("it has neither files nor `how`, the way to get it")
        if len(set(names)) < len(names):
            raise ValueError("two of its files have one name")
        if self.reader.file and self.reader.file not in names:
            raise ValueError(f"its reader opens {self.reader.file!r}, which is none of its files")
        if self.reader.type in ("named", "datasets.named"):
            raise ValueError("its reader is the source `named`, which asks for a reader in turn")
        if self.access == "open" and (alone := [f.name for f in self.files if not f.addresses]):
            raise ValueError(f"it is open, but {alone[0]} has no address")

    @property
    def bytes(self) -> int:
        """The size of all its files, as far as it is published."""
        return sum(f.bytes for f in self.files)


def read_entries(path: Path) -> list[DataSet]:
    """Read a TOML file with a table for each data set.  Raises EntryError, with the set and the field."""
    def made(name: str, table: dict[str, Any]) -> DataSet:
        files = [_made(DataFile, f, "files") for f in table.pop("files", [])]
        reader = _made(Reader, table.pop("reader", {}), "reader")
        return _made(DataSet, {"name": name, **table, "files": files, "reader": reader}, "it")

    return read_tables(path, made, "data set", EntryError)


def _made(kind: type, fields: Any, where: str) -> Any:
    if not isinstance(fields, dict):
        raise ValueError(f"{where} is {type(fields).__name__}, expected a table")
    known = {a.name: a for a in attrs.fields(kind)}
    if unknown := sorted(fields.keys() - known.keys()):
        raise ValueError(f"{where} has an unknown field {unknown[0]!r}; there is {', '.join(known)}")
    missing = [n for n, a in known.items() if a.default is attrs.NOTHING and n not in fields]
    if missing:
        raise ValueError(f"{where} has no {missing[0]!r}")
    for name, value in fields.items():
        expected = {"str": str, "int": int, "bool": bool}.get(str(known[name].type))
        if expected is not None and type(value) is not expected:
            raise ValueError(f"{where}: {name} is {type(value).__name__}, expected {expected.__name__}")
        if str(known[name].type).startswith("tuple[str") and not (
                isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise ValueError(f"{where}: {name} must be a list of texts")
    return kind(**fields)
