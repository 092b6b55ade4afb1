"""TensorBoard's file of events, written without a queue.

Every logged event survives a kill of the process. A full disk raises an error instead of a hang.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c
from tensorboardX.writer import FileWriter
from torch import Tensor

from unbraid_registry.files import open_to_write


class EventsFile:
    """A file of events, each framed by its length and checksums; it needs no thread.  Raises OSError."""

    def __init__(self, folder: Path, first_step: int) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{first_step:08d}.{os.getpid()}"
        self._held = ExitStack()
        self._file = self._held.enter_context(open_to_write(folder / name, append=True))
        self.add_event(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add_event(self, event: Event) -> None:
        """Append an event."""
        content = event.SerializeToString()
        length = struct.pack("<Q", len(content))
        rest = memoryview(b"".join((length, struct.pack("<I", masked_crc32c(length)),
                                    content, struct.pack("<I", masked_crc32c(content)))))
        while rest:                                # a disk that is nearly full takes only a part
            rest = rest[self._file.write(rest):]

    def get_logdir(self) -> str:
        """Return the folder of the file."""
        return str(self.folder)

    def flush(self) -> None:
        """Do nothing: every event is already written."""

    def close(self) -> None:
        """Close the file."""
        self._held.close()


class _Direct(FileWriter):  # type: ignore[misc]
    """tensorboardX's writer for an `EventsFile`, without the queue and the thread of the original."""

    def __init__(self, file: EventsFile) -> None:
        self.event_writer = file
        self._default_metadata: dict[str, Any] = {}


class Events(SummaryWriter):  # type: ignore[misc]
    """The events of a training from a step on; TensorBoard hides the events that an earlier session logged after it."""

    all_writers: dict[str, FileWriter] | None

    def __init__(self, folder: Path, start: int) -> None:
        self._start = start
        super().__init__(str(folder), purge_step=start + 1, write_to_disk=True)

    def _get_file_writer(self) -> FileWriter:
        if self.all_writers is None:
            direct = _Direct(EventsFile(Path(self.logdir), self._start))
            direct.add_event(Event(session_log={"status": "START"}), self.purge_step)
            self.file_writer, self.all_writers = direct, {self.logdir: direct}
        return self.file_writer

    def log(self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, Any]) -> None:
        """Append numbers and pictures by their names: images (C, H, W), or meshes (vertices, faces, colours)."""
        for name, number in numbers.items():
            self.add_scalar(name, number, step)
        for name, picture in pictures.items():
            if isinstance(picture, tuple):
                self._add_mesh(name, step, *picture)
            else:
                self.add_image(name, picture.detach().cpu().numpy(), step)

    def _add_mesh(self, name: str, step: int, vertices: Tensor, faces: Tensor, colours: Tensor | None) -> None:
        """Append meshes: vertices (B, V, 3), faces (F, 3), and colours in [0, 1] (B, V, 3) or None."""
        shades = None if colours is None else (colours.detach().cpu().clamp(0, 1) * 255).round().int().numpy()
        corners = faces.cpu().int().expand(len(vertices), -1, -1).numpy()
        self.add_mesh(name, vertices.detach().cpu().numpy(), shades, corners, global_step=step)
