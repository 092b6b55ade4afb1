"""TensorBoard's file of events: what tensorboardX's own writer would have written, though written at once.

`Events` overrides private parts of tensorboardX; a version that changes them fails here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import torch
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from unbraid_plugins.tools.tensorboard.events import Events

TRIANGLE = torch.eye(3)[None], torch.tensor([[0, 1, 2]]), torch.eye(3).flip(0)[None] / 2
IMAGE = torch.linspace(0, 1, 48).reshape(3, 4, 4)


def events(folder: Path) -> Iterator[Event]:
    """The events of the one file in a folder; their checksums are those that TensorBoard asks for."""
    [file] = folder.iterdir()
    content, at = file.read_bytes(), 0
    while at < len(content):
        length, check = content[at:at + 8], content[at + 8:at + 12]
        assert struct.unpack("<I", check)[0] == masked_crc32c(length)
        body = content[at + 12:at + 12 + struct.unpack("<Q", length)[0]]
        assert struct.unpack("<I", content[at + 12 + len(body):at + 16 + len(body)])[0] == masked_crc32c(body)
        at += 16 + len(body)
        yield Event.FromString(body)


def told(folder: Path) -> list[tuple[int, bytes]]:
    """Step and summary of every event that has one."""
    return [(e.step, e.summary.SerializeToString(deterministic=True)) for e in events(folder) if e.HasField("summary")]


def test_the_events_are_those_of_tensorboardx(tmp_path: Path) -> None:
    ours = Events(tmp_path / "ours", 0)
    ours.log(3, {"a/loss": 0.25}, {"look": IMAGE, "mesh": TRIANGLE})
    before_its_end = told(tmp_path / "ours")
    ours.close()
    theirs = SummaryWriter(str(tmp_path / "theirs"))
    theirs.add_scalar("a/loss", 0.25, 3)
    theirs.add_image("look", IMAGE.numpy(), 3)
    vertices, faces, colours = TRIANGLE
    shades = (colours * 255).round().int().numpy()
    theirs.add_mesh("mesh", vertices.numpy(), shades, faces[None].int().numpy(), global_step=3)
    theirs.close()
    assert len(before_its_end) == len(told(tmp_path / "theirs")) > 2
    assert before_its_end == told(tmp_path / "theirs")


def test_an_earlier_session_is_hidden_from_the_step_on(tmp_path: Path) -> None:
    Events(tmp_path / "log", 7).close()
    assert [e.step for e in events(tmp_path / "log") if e.session_log.status == e.session_log.START] == [8]
