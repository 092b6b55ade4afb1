"""Downloads arrive whole or not at all, whatever a server does, and resume."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from lying_server import Site, serving

from unbraid_plugins.tools.datasets import DataFile, DownloadError, download
from unbraid_registry.files import FileError

DATA = random.Random(0).randbytes(3_000_000)
OTHER = random.Random(1).randbytes(3_000_000)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["unbraid_plugins.tools.datasets.downloading"], "PAUSE", 0.001)


def fetch(folder: Path, *addresses: str, content: bytes = DATA, **fields: Any) -> Path:
    file = DataFile(name="file.bin", addresses=addresses,
                    **{"bytes": len(content), "sha256": sha(content), **fields})
    assert download(file, folder) == sha((folder / "file.bin").read_bytes())
    assert not (folder / "file.bin.part").exists()
    assert not (folder / "file.bin.part.json").exists()
    return folder / "file.bin"


def refused(folder: Path, *addresses: str, **fields: Any) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch(folder, *addresses, **fields)
    assert not (folder / "file.bin").exists()
    return str(caught.value)


def test_a_file_arrives(tmp_path: Path) -> None:
    with serving(Site(DATA)) as address:
        assert fetch(tmp_path, address).read_bytes() == DATA


def test_it_goes_on_where_the_connection_was_cut(tmp_path: Path) -> None:
    site = Site(DATA, cuts=[1_000_000, 700_000])
    with serving(site) as address:
        assert fetch(tmp_path, address).read_bytes() == DATA
    assert site.asked == [("", ""), ("bytes=1000000-", '"first"'), ("bytes=1700000-", '"first"')]


def test_a_later_call_goes_on_too(tmp_path: Path) -> None:
    with serving(Site(DATA, cuts=[1_000_000, *[0] * 9])) as address:
        assert "the connection ended after 1,000,000 of 3,000,000 bytes, 5 times" in refused(tmp_path, address)
        assert (tmp_path / "file.bin.part").stat().st_size == 1_000_000
    site = Site(DATA)
    with serving(site) as address:                 # another address: the hash tells whether the parts fit
        assert fetch(tmp_path, address).read_bytes() == DATA
    assert site.asked == [("bytes=1000000-", "")]


def test_a_server_without_ranges_sends_all_again(tmp_path: Path) -> None:
    site = Site(DATA, cuts=[1_000_000], ranges=False)
    with serving(site) as address:
        assert fetch(tmp_path, address).read_bytes() == DATA
    assert len(site.asked) == 2


@pytest.mark.parametrize("known", [{}, {"sha256": "", "bytes": 0}])
def test_a_file_that_changes_meanwhile_is_never_mixed(tmp_path: Path, known: dict[str, Any]) -> None:
    with serving(Site(DATA, cuts=[1_000_000], changes_to=OTHER)) as address:
        assert fetch(tmp_path, address, content=OTHER, **known).read_bytes() == OTHER


def test_parts_of_different_files_are_found_by_the_hash(tmp_path: Path) -> None:
    with serving(Site(OTHER, cuts=[1_000_000, *[0] * 9])) as wrong, serving(Site(DATA)) as right:
        assert fetch(tmp_path, wrong, right).read_bytes() == DATA


def test_a_wrong_hash_leaves_nothing(tmp_path: Path) -> None:
    with serving(Site(OTHER)) as address:
        assert f"has the sha256 {sha(OTHER)}, the file has {sha(DATA)}" in refused(tmp_path, address)
        assert not list(tmp_path.glob("file*"))
        assert "has the md5" in refused(tmp_path, address, sha256="", md5="0" * 32)


def test_another_size_is_refused_before_a_byte_is_kept(tmp_path: Path) -> None:
    with serving(Site(DATA + b"more")) as address:
        assert "offers 3,000,004 bytes, the file has 3,000,000" in refused(tmp_path, address)
    with serving(Site(DATA[:-4])) as address:
        assert "offers 2,999,996 bytes" in refused(tmp_path, address)
    assert not list(tmp_path.glob("file*"))


def test_a_lie_about_the_size_is_found(tmp_path: Path) -> None:
    with serving(Site(DATA[:1000], length=len(DATA))) as address:        # it ends early, whatever it promised
        assert "in a row" in refused(tmp_path, address)
    with serving(Site(DATA, wrong_range=True)) as address:               # it sends another part than asked for
        assert fetch(tmp_path, address).read_bytes() == DATA


@pytest.mark.parametrize("site", [
    Site(b"<!DOCTYPE html><title>Quota exceeded</title>" + b" " * 100, kind="text/html; charset=utf-8"),
    Site(b"\n <html><body>log in</body></html>" + b" " * 100)])
def test_a_page_instead_of_a_file_is_known(tmp_path: Path, site: Site) -> None:
    with serving(site) as address:
        assert "a web page instead of the file" in refused(tmp_path, address, bytes=0, sha256="")
    assert not list(tmp_path.glob("file.bin*")) or (tmp_path / "file.bin.part").stat().st_size == 0


@pytest.mark.parametrize(("site", "told"), [
    (Site(DATA, to="SELF"), "redirects in a circle"),
    (Site(DATA, to="file:///etc/hostname"), "leads to file:///etc/hostname"),
    (Site(DATA, to="ftp://127.0.0.1/file.bin"), "leads to ftp://"),
    (Site(DATA, code=403), "answers 403"), (Site(DATA, code=404), "answers 404"),
    (Site(DATA, code=503), "503"), (Site(DATA, code=416), "in a row")])
def test_refusals_are_told_and_the_next_address_is_tried(tmp_path: Path, site: Site, told: str) -> None:
    with serving(site) as address, serving(Site(DATA)) as mirror:
        assert told in refused(tmp_path, address)
        assert fetch(tmp_path, address, mirror).read_bytes() == DATA


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with serving(Site(DATA)) as address:
        pass
    assert "Connection refused" in refused(tmp_path, address)


def test_redirects_are_followed(tmp_path: Path) -> None:
    with serving(Site(DATA)) as address, serving(Site(b"", to=address)) as before:
        assert fetch(tmp_path, before).read_bytes() == DATA


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/file", "data:text/plain,x", "//host/file",
                                     "https://", "https://name:secret@host/file"])
def test_only_addresses_of_the_web(address: str) -> None:
    with pytest.raises(ValueError, match="must begin with https"):
        DataFile(name="x", addresses=(address,))


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "", "..", ".hidden", "a\\b", "a\0"])
def test_only_plain_names(name: str) -> None:
    with pytest.raises(ValueError, match="the plain name of a file"):
        DataFile(name=name)


def test_the_disk_is_asked_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["unbraid_plugins.tools.datasets.downloading"]
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: SimpleNamespace(free=2_000_000))
    with serving(Site(DATA)) as address, pytest.raises(FileError, match="needs 3,000,000 bytes more"):
        fetch(tmp_path, address)
    assert not list(tmp_path.glob("file*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_keeps_what_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["unbraid_plugins.tools.datasets.downloading"]
    with serving(Site(DATA, cuts=[1_000_000, *[0] * 9])) as address:
        refused(tmp_path, address)
    with monkeypatch.context() as patch, serving(Site(DATA)) as address:
        patch.setattr(module, "open_to_write", lambda path, append: open("/dev/full", "ab", buffering=0))  # noqa: SIM115
        with pytest.raises(FileError, match="No space left on device"):
            fetch(tmp_path, address)
    assert (tmp_path / "file.bin.part").stat().st_size == 1_000_000
    with serving(Site(DATA)) as address:
        assert fetch(tmp_path, address).read_bytes() == DATA


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".file.bin.lock"), serving(Site(DATA)) as address:
        assert "another process is fetching" in refused(tmp_path, address)


def test_no_planted_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"precious")
    (tmp_path / "file.bin.part").symlink_to(tmp_path / "mine")
    with serving(Site(DATA)) as address:
        assert not fetch(tmp_path, address).is_symlink()
    assert (tmp_path / "mine").read_bytes() == b"precious"


CHILD = """
import sys
from pathlib import Path
from unbraid_plugins.tools.datasets import DataFile, download
address, folder, sha256 = sys.argv[1:]
download(DataFile(name="file.bin", addresses=(address,), bytes=3_000_000, sha256=sha256), Path(folder),
         lambda done, whole: done > 1_000_000 and sys.stdin.read())
"""


def test_a_killed_download_goes_on(tmp_path: Path) -> None:
    site = Site(DATA)
    with serving(site) as address:
        child = subprocess.Popen([sys.executable, "-c", CHILD, address, str(tmp_path), sha(DATA)],
                                 stdin=subprocess.PIPE)
        part = tmp_path / "file.bin.part"
        until = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size > 1_000_000) and time.monotonic() < until:
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert not (tmp_path / "file.bin").exists()
        assert fetch(tmp_path, address).read_bytes() == DATA
    assert site.asked[1][0].startswith("bytes=1")
    assert site.asked[1][1] == '"first"'
