"""The OpenGL context of a thread, made when it is first needed, without a window."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import OrderedDict
from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid import UnbraidError

LOG = logging.getLogger("unbraid.opengl")
SOFTWARE = ("llvmpipe", "softpipe", "swrast")
CLIP_DISTANCES = 0x3000, 0x3001                    # GL_CLIP_DISTANCE0 and 1
KEPT = 4                                           # framebuffers of different sizes


KINDS = {torch.float32: "f4", torch.int32: "i4"}
Formats = tuple[tuple[int, str], ...]              # of each target: numbers per pixel, and their type


@attrs.define(eq=False)
class Screen:
    """A context with its programs, and framebuffers by size.  Belongs to one thread of one process."""

    context: Any
    renderer: str
    process: int
    largest: int
    _programs: dict[tuple[str, ...], Any] = attrs.field(init=False, factory=dict)
    _buffers: OrderedDict[tuple[int, int, Formats], Any] = attrs.field(init=False, factory=OrderedDict)

    def framebuffer(self, width: int, height: int, formats: Formats) -> Any:
        """Targets of some numbers per pixel, with depth."""
        key = width, height, formats
        if key in self._buffers:
            self._buffers.move_to_end(key)
            return self._buffers[key]
        while len(self._buffers) >= KEPT:
            _, oldest = self._buffers.popitem(last=False)
            for part in (*oldest.color_attachments, oldest.depth_attachment, oldest):
                part.release()
        numbers = [self.context.texture((width, height), components, dtype=kind) for components, kind in formats]
        made = self.context.framebuffer(numbers, self.context.depth_renderbuffer((width, height)))
        self._buffers[key] = made
        return made

    def program(self, vertex: str, fragment: str, *outputs: str) -> Any:
        """A program of two shaders, made once; its outputs in the order of the targets."""
        key = vertex, fragment, *outputs
        if key not in self._programs:
            places = {name: place for place, name in enumerate(outputs)}
            self._programs[key] = self.context.program(vertex, fragment, fragment_outputs=places)
        return self._programs[key]

    def table(self, numbers: Tensor) -> Any:
        """A table (h, w, C) for shaders; float32."""
        height, width, channels = numbers.shape
        return self.context.texture((width, height), channels, numbers.contiguous().numpy(), dtype="f4")

    def paint(self, shaders: tuple[str, str], numbers: dict[str, Any], corners: dict[str, Tensor], order: Tensor,
              targets: dict[str, Tensor], *, cull: bool, leaving: bool, tables: dict[str, Tensor] | None = None) -> None:
        """Draw triangles of an order (N, 3) int32, and read what is seen.

        numbers, corners, targets, tables: by the shaders' names; numbers are uniforms, corners contiguous float32
        (R, C), tables (h, w, C); targets are contiguous tensors (B, H, W, C), float32 or int32, to write: the images
        are below each other. leaving: whether the shaders clip what would reach into another one's image.
        """
        batch, height, width, _ = next(iter(targets.values())).shape
        with self.context as context:
            program = self.program(*shaders, *targets)
            units = {name: unit for unit, name in enumerate(tables or {})}
            for name, number in {**numbers, **units}.items():
                program[name] = number
            film = self.framebuffer(width, batch * height, tuple((t.shape[3], KINDS[t.dtype])
                                                                 for t in targets.values()))
            buffers = {name: context.buffer(t.numpy()) for name, t in corners.items()}
            pictures = {name: self.table(t) for name, t in (tables or {}).items()}
            index = context.buffer(order.numpy())
            array = context.vertex_array(program, [(buffer, f"{corners[name].shape[1]}f", name)
                                                   for name, buffer in buffers.items()], index_buffer=index)
            try:
                film.use()
                film.clear()
                context.enable_only(context.DEPTH_TEST | (context.CULL_FACE if cull else 0))
                context.front_face = "cw"          # y points down
                for distance in CLIP_DISTANCES:
                    (context.enable_direct if leaving else context.disable_direct)(distance)
                for name, picture in pictures.items():
                    picture.use(units[name])
                array.render()
                for place, t in enumerate(targets.values()):
                    film.read_into(t.numpy(), components=t.shape[3], attachment=place, dtype=KINDS[t.dtype],
                                   alignment=1)
            finally:
                for made in (array, index, *buffers.values(), *pictures.values()):
                    made.release()


_ours = threading.local()


def screen() -> Screen:
    """This thread's context.  Raises UnbraidError where OpenGL is not to be had."""
    made: Screen | None = getattr(_ours, "screen", None)
    if made is None or made.process != os.getpid():
        _ours.screen = made = _open()
    return made


def why_not() -> str:
    """Why this thread has no OpenGL; empty where it has.  A failure is remembered."""
    process, reason = getattr(_ours, "failure", (0, ""))
    if process == os.getpid():
        return str(reason)
    try:
        screen()
    except UnbraidError as error:
        _ours.failure = os.getpid(), str(error)
        LOG.info("torch draws instead: %s", error.message)
        return str(error)
    return ""


def renderer_name() -> str:
    """Who draws: a graphics card's name, or llvmpipe."""
    return screen().renderer


def _open() -> Screen:
    import moderngl

    try:
        options: dict[str, Any] = {"backend": "egl"} if sys.platform.startswith("linux") else {}
        context = moderngl.create_standalone_context(require=330, **options)
    except Exception as error:                     # moderngl raises plain Exceptions
        raise UnbraidError(f"no OpenGL context without a window: {error}",
                           hint="install EGL (Debian: apt install libegl1 libgl1-mesa-dri), or say  backend: torch  "
                                "in the renderer's options") from error
    name = str(context.info["GL_RENDERER"])
    software = any(s in name for s in SOFTWARE)
    level = logging.WARNING if software and torch.cuda.is_available() else logging.INFO
    LOG.log(level, "OpenGL draws with %s%s", name, ", on the processor: the driver of the graphics card offers no EGL"
            if level == logging.WARNING else "")
    largest = min(int(context.info["GL_MAX_TEXTURE_SIZE"]), *map(int, context.info["GL_MAX_VIEWPORT_DIMS"]))
    return Screen(context, name, os.getpid(), largest)
