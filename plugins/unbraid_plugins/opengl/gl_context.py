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

from unbraid import UnbraidError

LOG = logging.getLogger("unbraid.opengl")
SOFTWARE = ("llvmpipe", "softpipe", "swrast")
CLIP_DISTANCES = 0x3000, 0x3001                    # GL_CLIP_DISTANCE0 and 1
KEPT = 4                                           # framebuffers of different sizes


@attrs.define(eq=False)
class Screen:
    """A context with its program, and framebuffers by size.  Belongs to one thread of one process."""

    context: Any
    program: Any
    renderer: str
    process: int
    largest: int
    _buffers: OrderedDict[tuple[int, int], Any] = attrs.field(init=False, factory=OrderedDict)

    def framebuffer(self, width: int, height: int) -> Any:
        """A target of one unsigned number per pixel, with depth."""
        if (width, height) in self._buffers:
            self._buffers.move_to_end((width, height))
            return self._buffers[width, height]
        while len(self._buffers) >= KEPT:
            _, oldest = self._buffers.popitem(last=False)
            for part in (oldest.color_attachments[0], oldest.depth_attachment, oldest):
                part.release()
        numbers = self.context.texture((width, height), 1, dtype="u4")
        made = self.context.framebuffer([numbers], self.context.depth_renderbuffer((width, height)))
        self._buffers[width, height] = made
        return made


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

    from unbraid_plugins.opengl.shaders import FRAGMENT, VERTEX

    try:
        options: dict[str, Any] = {"backend": "egl"} if sys.platform.startswith("linux") else {}
        context = moderngl.create_standalone_context(require=330, **options)
        program = context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
    except Exception as error:                     # moderngl raises plain Exceptions
        raise UnbraidError(f"no OpenGL context without a window: {error}",
                           hint="install EGL (Debian: apt install libegl1 libgl1-mesa-dri), or say  backend: torch  "
                                "in the renderer's options") from error
    for distance in CLIP_DISTANCES:
        context.enable_direct(distance)
    name = str(context.info["GL_RENDERER"])
    software = any(s in name for s in SOFTWARE)
    level = logging.WARNING if software and torch.cuda.is_available() else logging.INFO
    LOG.log(level, "OpenGL draws with %s%s", name, ", on the processor: the driver of the graphics card offers no EGL"
            if level == logging.WARNING else "")
    largest = min(int(context.info["GL_MAX_TEXTURE_SIZE"]), *map(int, context.info["GL_MAX_VIEWPORT_DIMS"]))
    return Screen(context, program, name, os.getpid(), largest)
