"""The description and the addresses of a distribution: README.md as an index page shows it.

An index page shows neither pictures nor links that are relative to the repository. Here they become absolute, at the
address that the repository itself knows: UNBRAID_REPOSITORY, else what the unpacked source distribution says, else the
remote `origin` of git if it is on the web. Where nothing tells an address, pictures are left out, and links are texts.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<to>(?!https?:)[^)\s]+)\)")
PICTURE_LINE = re.compile(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n", re.MULTILINE)
PAGES = {"Documentation": "/tree/main/docs", "Changelog": "/blob/main/CHANGELOG.md", "Issues": "/issues"}


class CustomMetadataHook(MetadataHookInterface):
    """Add the description and the addresses to the metadata of a distribution."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme` and `urls`."""
        root = Path(self.root)
        address = repository(root)
        metadata["readme"] = {"content-type": "text/markdown",
                              "text": described((root / "README.md").read_text(encoding="utf-8"), address)}
        metadata["urls"] = {"Repository": address, **{n: address + p for n, p in PAGES.items()}} if address else {}


def repository(root: Path) -> str:
    """Return the address of the repository on the web, without a slash at its end; empty where nothing tells it."""
    told = os.environ.get("UNBRAID_REPOSITORY", "")
    if not told and (root / "PKG-INFO").is_file():
        found = re.search(r"^Project-URL: Repository, (\S+)$", (root / "PKG-INFO").read_text(encoding="utf-8"),
                          re.MULTILINE)
        told = found[1] if found else ""
    elif not told and (root / ".git/config").is_file():
        found = re.search(r'^\[remote "origin"\]\n(?:\s+.*\n)*?\s+url = (\S+)$',
                          (root / ".git/config").read_text(encoding="utf-8"), re.MULTILINE)
        told = found[1] if found else ""
    told = re.sub(r"^(?:ssh://)?git@([\w.-]+)[:/]", r"https://\1/", told)
    told = re.sub(r"^https://[^/@]*@", "https://", told)           # a user or a token is nobody's business
    return told.removesuffix("/").removesuffix(".git") if told.startswith("https://") else ""


def described(readme: str, address: str) -> str:
    """Return a README as an index page shows it.  address: of the repository; empty: links become their texts."""
    if not address:
        readme = PICTURE_LINE.sub("", readme)
    return LINK.sub(lambda link: _absolute(link, address), readme)


def _absolute(link: re.Match[str], address: str) -> str:
    if not address:
        return link["text"]
    if link["to"].startswith("#"):
        return link[0]
    return f"{link['picture']}[{link['text']}]({address}/{'raw' if link['picture'] else 'blob'}/main/{link['to']})"
