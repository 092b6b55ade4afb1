"""Errors of the operating system: each is one error with a remedy and exit code 2, and nobody's fault."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from PIL import Image

from unbraid import DataError
from unbraid.cli.errors import report
from unbraid.cli.session import Session
from unbraid_plugins.shared.sources import Folder
from unbraid_registry.files import is_of_system, remedy

FAMILY = ("ENOSPC", "EROFS", "EDQUOT", "ESTALE", "EMFILE", "ENFILE", "EACCES", "EPERM", "ENAMETOOLONG", "EIO", "ENOMEM",
          "EISDIR", "ENOTDIR", "ENOENT", "EEXIST", "ELOOP", "EBUSY", "EAGAIN", "ETIMEDOUT", "ENOTEMPTY", "EFBIG",
          "EOPNOTSUPP", "EXDEV", "EMLINK", "EILSEQ")


@pytest.mark.parametrize("name", FAMILY)
def test_each_is_one_error_with_a_remedy(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    number = getattr(errno, name)
    error = OSError(number, os.strerror(number), "/data/run.json")
    assert report(error, Session()) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f"Error: /data/run.json: {os.strerror(number)}", f"  {remedy(error)}"]


def test_a_programs_mistake_is_none_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_of_system(OSError(errno.EBADF, "Bad file descriptor"))
    assert not is_of_system(ValueError())
    assert report(OSError(errno.EBADF, "Bad file descriptor"), Session()) == 1
    assert "fault" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ESTALE])
def test_no_picture_is_left_out_because_the_system_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                           number: int) -> None:
    for i in range(3):
        Image.new("RGB", (8, 8), (80 * i, 0, 0)).save(tmp_path / f"{i}.png")
    real = Image.open

    def refused(path: Path, **options: object) -> Image.Image:
        if Path(path).name == "1.png":
            raise OSError(number, os.strerror(number), str(path))
        return real(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(DataError, match=os.strerror(number)) as told:
        Folder(path=str(tmp_path), size=8).open()
    assert told.value.hint
