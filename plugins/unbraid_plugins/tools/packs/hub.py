"""Models on a hub: `hub:OWNER/NAME@REVISION`, by the client of the Hugging Face hub (extra `hub`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unbraid_plugins.tools.packs.pack import Pack, PackError
from unbraid_registry.terminal import echo

HUB = "hub:"
FILE = "model.safetensors"
NAME = re.compile(r"([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@([\w./-]{1,128}))?", re.ASCII)


def fetch(name: str, *, here: bool = False) -> Path:
    """Return the file of a pack on the hub, from the cache where its commit is there; tell the commit.

    name: OWNER/NAME or OWNER/NAME@REVISION.
    here: ask nobody, and take what was fetched before: a file that names a model reaches no other machine.

    Raises PackError.
    """
    found = NAME.fullmatch(name)
    if found is None:
        raise PackError(f"{HUB}{name} names no model", hint="hub:OWNER/NAME, or hub:OWNER/NAME@REVISION")
    client = _client()
    if here:
        path = _cached(client, found)
    else:
        path = Path(_asked(lambda: client.hf_hub_download(found[1], FILE, revision=found[2]), found[1]))
    echo(f"{HUB}{found[1]} at commit {path.parent.name}", err=True)
    return path


def push(pack: Pack, name: str, card: str, *, private: bool = False) -> str:
    """Commit a pack with its card to a repository of the hub, made where it is not there; return its commit's address.

    Raises PackError.
    """
    if NAME.fullmatch(name) is None or "@" in name:
        raise PackError(f"{name!r} names no repository", hint="OWNER/NAME")
    client = _client()
    api = client.HfApi()
    files: dict[str, Any] = {FILE: str(pack.folder), "README.md": card.encode(),
                             "config.json": json.dumps(dict(pack.about), indent=1, ensure_ascii=False).encode()}
    if pack.picture:
        files["picture.png"] = pack.picture

    def commit() -> Any:
        api.create_repo(name, private=private, exist_ok=True)
        operations = [client.CommitOperationAdd(path, content) for path, content in files.items()]
        return api.create_commit(name, operations, commit_message=f"{pack.about['title'] or name}: a pack of Unbraid")

    return str(_asked(commit, name).commit_url)


def _cached(client: Any, found: re.Match[str]) -> Path:
    """Return the file of a pack that was fetched before.  Raises PackError."""
    path = client.try_to_load_from_cache(found[1], FILE, revision=found[2])
    if not isinstance(path, str):
        raise PackError(f"{HUB}{found[0]} was never fetched here, and a file that names it does not fetch it",
                        hint=f"if you trust it: unbraid show {HUB}{found[0]}")
    return Path(path)


def _client() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise PackError("models on a hub need huggingface_hub", hint="pip install 'unbraid[hub]'") from None
    return huggingface_hub


def _asked(act: Callable[[], Any], name: str) -> Any:
    """Do something on the hub, and turn what goes wrong there into one line."""
    try:
        return act()
    except Exception as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        unknown = re.search("401|403|token|authenticat", str(error), re.IGNORECASE)
        hint = ("log in with `hf auth login`, or set HF_TOKEN" if unknown else
                "look at the name, the network, and HF_HUB_OFFLINE")
        raise PackError(f"the hub refused {name}: {text}", hint=hint) from None
