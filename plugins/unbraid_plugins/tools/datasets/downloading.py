"""Downloads that arrive whole: resumed, from several addresses, checked by size and hash while they stream.

The part that has arrived is kept as NAME.part, beside a note of the address and version that it is of. A download
resumes: with `If-Range` at the same address, and at another one where a hash tells whether the parts fit.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs

from unbraid_plugins.tools.datasets.entry import DataFile
from unbraid_plugins.tools.datasets.web import A_PAGE, DownloadError, Gone, Refused, opener
from unbraid_registry.files import FileError, open_file, open_to_write, read_json, reason, remedy, write_whole

ATTEMPTS = 5                                       # in a row without a byte, at one address
PAUSE = 0.5                                        # seconds after the first failed attempt; doubled after each
AT_ONCE = 1 << 18                                  # bytes
SPARE = 16 << 20                                   # bytes of the disk that are left free
MOST_NOTE = 1 << 16
BROKEN = (OSError, http.client.HTTPException)      # urllib's errors are OSErrors

Progress = Callable[[int, int], None]


def quiet(done: int, whole: int) -> None:
    """Tell nothing of the bytes that have arrived."""


def download(file: DataFile, folder: Path, progress: Progress = quiet) -> str:
    """Fetch a file into a folder and return its sha256; one process at a time.

    progress: called with the bytes that have arrived and those of the whole file (0: not known).

    Raises DownloadError where no address gives the file, and FileError where the disk refuses; what has arrived of it
    is kept, unless its hash is wrong.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{file.name}.lock", timeout=0):
            return _Download(file, folder / file.name, progress).fetch()
    except Timeout:
        raise DownloadError(f"another process is fetching {folder / file.name}", hint="wait for it") from None
    except OSError as error:
        raise FileError(f"can't write into {folder}: {reason(error)}",
                        hint=f"{remedy(error)}, or choose another --to") from None


@attrs.define
class _Download:
    file: DataFile
    to: Path
    progress: Progress
    whole: int = 0                                 # bytes, as the entry or a server says
    sha256: Any = attrs.field(factory=hashlib.sha256)
    md5: Any = attrs.field(factory=lambda: hashlib.md5(usedforsecurity=False))
    have: int = 0

    @property
    def part(self) -> Path:
        return self.to.with_name(f"{self.to.name}.part")

    @property
    def note(self) -> Path:
        return self.to.with_name(f"{self.to.name}.part.json")

    def fetch(self) -> str:
        """Try the addresses in turn until the file is whole."""
        failures = []
        for address in self.file.addresses:
            try:
                return self._from(address)
            except DownloadError as error:
                failures.append(f"{address}: {error.message}")
        raise DownloadError("\n  ".join([f"can't fetch {self.file.name}", *failures]),
                            hint=self.file.hint or "try again later, or fetch it elsewhere and give it with --from")

    def _from(self, address: str) -> str:
        """Fetch the file from one address, in as many attempts as bring bytes."""
        failed, most = 0, -1                       # most: the bytes that were ever here
        while True:
            self._take_up(address)
            before, most = self.have, max(most, self.have)
            try:
                if not (self.file.bytes and self.have == self.file.bytes):
                    self._stream(address)
                return self._finish(resumed=before > 0)
            except Gone:                           # the part is of no use; it is removed
                failed += 1
                problem = "what arrived does not fit together"
            except Refused as error:
                raise DownloadError(str(error)) from None
            except FileError:
                raise
            except BROKEN as error:
                failed = 0 if self.have > most else failed + 1
                problem = str(getattr(error, "reason", error)) or type(error).__name__
            if failed >= ATTEMPTS:
                raise DownloadError(f"{problem}, {failed} times in a row")
            if failed:
                time.sleep(PAUSE * 2 ** (failed - 1))

    # -- the part that is here ---------------------------------------------------------------------------------------

    def _take_up(self, address: str) -> None:
        """Hash the part that is here; begin anew where it can't be of this file."""
        self.sha256, self.md5, self.have = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        self.whole = self.file.bytes
        with suppress(FileNotFoundError):
            size = self.part.lstat().st_size
            same = self._noted().get("address") == address and self._noted().get("version")
            if self.part.is_symlink() or (self.whole and size > self.whole) or not (self.file.hash[1] or same):
                self._drop()
                return
            with open_file(self.part) as part:
                while block := part.read(AT_ONCE):
                    self._hash(block)

    def _noted(self) -> dict[str, Any]:
        try:
            found = read_json(self.note, MOST_NOTE)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _drop(self) -> None:
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        self.sha256, self.md5, self.have = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0

    def _hash(self, block: bytes) -> None:
        self.sha256.update(block)
        self.md5.update(block)
        self.have += len(block)

    # -- what arrives -----------------------------------------------------------------------------------------------

    def _stream(self, address: str) -> None:
        """Ask for the missing bytes, and append them to the part.  Raises Refused, Gone, OSError, HTTPException."""
        headers = {"User-Agent": "unbraid", "Accept-Encoding": "identity"}
        if self.have:
            headers["Range"] = f"bytes={self.have}-"
            noted = self._noted()
            if noted.get("address") == address and isinstance(noted.get("version"), str):
                headers["If-Range"] = noted["version"]
        try:
            response = opener().open(urllib.request.Request(address, headers=headers), timeout=30)
        except urllib.error.HTTPError as error:
            with error:
                self._refuse(error)
            raise ConnectionError(f"it answers {error.code} {error.reason}") from None
        with response:
            if self.have and response.status != 206:          # it sends all of it: no ranges, or another version
                self._drop()
            self._expect(response)
            self._check_room()
            version = response.headers.get("ETag", "")
            version = response.headers.get("Last-Modified", "") if version.startswith("W/") else version
            write_whole(self.note, json.dumps({"address": address, "version": version[:1000]}), what="the note",
                        hint="or choose another --to")
            self._append(response)

    def _refuse(self, error: urllib.error.HTTPError) -> None:
        """Raise what a server's refusal means; return where it may answer later."""
        if error.code == 416:                                 # no such range: the part is longer than the file
            self._drop()
            raise Gone
        if error.code not in (408, 429) and error.code < 500:
            raise Refused(f"it answers {error.code} {error.reason}")

    def _expect(self, response: Any) -> None:
        """Check what the headers promise.  Raises Refused, Gone."""
        if urlsplit(response.url).scheme not in ("http", "https"):
            raise Refused(f"it leads to {response.url[:80]}")
        kind = response.headers.get_content_type()
        if kind in ("text/html", "application/xhtml+xml"):
            raise Refused(A_PAGE)
        length = response.headers.get("Content-Length", "")
        whole = self.have + int(length) if length.isdecimal() else 0
        if response.status == 206:
            unit, _, span = response.headers.get("Content-Range", "").partition(" ")
            first, total = span.partition("-")[0], span.rpartition("/")[2]
            if unit != "bytes" or first != str(self.have):
                self._drop()                                  # it sends another part than it was asked for
                raise Gone
            whole = int(total) if total.isdecimal() else whole
        if self.file.bytes and whole and whole != self.file.bytes:
            if response.status == 206:
                self._drop()
            raise Refused(f"it offers {whole:,} bytes, the file has {self.file.bytes:,}")
        self.whole = self.file.bytes or whole

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.to.parent).free
        if self.whole and self.whole - self.have + SPARE > free:
            raise FileError(f"{self.to.name} needs {self.whole - self.have:,} bytes more, and {self.to.parent} has "
                            f"{free:,} left", hint="free some disk space, or choose another --to")

    def _append(self, response: Any) -> None:
        """Append what arrives to the part.  Raises Refused, ConnectionError, FileError."""
        begins = self.have == 0
        with ExitStack() as held:
            try:
                part = held.enter_context(open_to_write(self.part, append=True))
            except OSError as error:
                raise FileError(f"can't write {self.part}: {reason(error)}", hint=remedy(error)) from None
            while block := response.read(AT_ONCE):
                if begins and (block[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))):
                    raise Refused(A_PAGE)
                begins = False
                if self.whole and self.have + len(block) > self.whole:
                    self._drop()
                    raise Refused(f"it sends more than the {self.whole:,} bytes of the file")
                try:
                    rest = memoryview(block)
                    while rest:
                        rest = rest[part.write(rest):]
                except OSError as error:
                    raise FileError(f"can't write {self.part}: {reason(error)}",
                                    hint=f"{remedy(error)}, or choose another --to; then call it again") from None
                self._hash(block)
                self.progress(self.have, self.whole)
        if self.whole and self.have < self.whole:
            raise ConnectionError(f"the connection ended after {self.have:,} of {self.whole:,} bytes")

    # -- the end ----------------------------------------------------------------------------------------------------

    def _finish(self, resumed: bool) -> str:
        """Check the whole file and give it its name.  Raises Gone where a part may be to blame, else Refused."""
        kind, expected = self.file.hash
        found = self.sha256.hexdigest() if kind == "sha256" else self.md5.hexdigest()
        if expected and found != expected:
            self._drop()
            if resumed:
                raise Gone
            raise Refused(f"what it sends has the {kind} {found}, the file has {expected}")
        try:
            with open_file(self.part) as part:
                os.fsync(part.fileno())
            os.replace(self.part, self.to)
        except OSError as error:
            raise FileError(f"can't write {self.to}: {reason(error)}", hint=remedy(error)) from None
        self.note.unlink(missing_ok=True)
        return str(self.sha256.hexdigest())
