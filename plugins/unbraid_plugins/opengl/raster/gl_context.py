"""The OpenGL context of a thread, made when it is first needed, without a window."""

from __future__ import annotations

import contextlib
import importlib
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
from unbraid_plugins.opengl.raster.cuda_interop import Carrier, NoSharing, context_for

LOG = logging.getLogger("unbraid.opengl")
SOFTWARE = ("llvmpipe", "softpipe", "swrast")
CLIP_DISTANCES = 0x3000, 0x3001                    # GL_CLIP_DISTANCE0 and 1
KEPT = 4                                           # framebuffers of different sizes
CPU = torch.device("cpu")


KINDS = {torch.float32: "f4", torch.int32: "i4"}
Formats = tuple[tuple[int, str], ...]              # of each target: numbers per pixel, and their type


@attrs.define(eq=False)
class Screen:
    """A context with its programs, and framebuffers by size.  It belongs to one thread of one process."""

    context: Any
    renderer: str
    largest: int
    carrier: Carrier
    _programs: dict[tuple[str, ...], Any] = attrs.field(init=False, factory=dict)
    _buffers: OrderedDict[tuple[int, int, Formats], Any] = attrs.field(init=False, factory=OrderedDict)

    @property
    def software(self) -> bool:
        """Whether the processor draws."""
        return any(name in self.renderer for name in SOFTWARE)

    def framebuffer(self, width: int, height: int, formats: Formats) -> Any:
        """Return a framebuffer with depth and with targets of these formats."""
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
        """Return a program of two shaders, made once.  outputs: in the order of the targets."""
        key = vertex, fragment, *outputs
        if key not in self._programs:
            places = {name: place for place, name in enumerate(outputs)}
            self._programs[key] = self.context.program(vertex, fragment, fragment_outputs=places)
        return self._programs[key]

    def release(self) -> None:
        """Give the context back with all that it holds."""
        with self.context:
            for film in self._buffers.values():
                for part in (*film.color_attachments, film.depth_attachment, film):
                    part.release()
            for program in self._programs.values():
                program.release()
            self.carrier.release()
        self._buffers.clear()
        self._programs.clear()
        self.context.release()

    def table(self, name: str, numbers: Tensor) -> Any:
        """Return a table (h, w, C) for shaders, in float32."""
        height, width, channels = numbers.shape
        made = self.context.texture((width, height), channels, dtype="f4")
        self.carrier.fill(made, name, numbers.contiguous())
        return made

    def paint(self, shaders: tuple[str, str], numbers: dict[str, Any], corners: dict[str, Tensor], order: Tensor,
              targets: dict[str, Tensor], *, cull: bool, leaving: bool, tables: dict[str, Tensor] | None = None,
              ) -> None:
        """Draw triangles, and read the pictures into the targets.

        numbers: uniforms.
        corners: contiguous float32 (R, C).
        order: (N, 3) int32, the rows of the triangles' corners.
        targets: contiguous tensors (B, H, W, C), float32 or int32, to write; the images are below each other.
        tables: (h, w, C).
        leaving: whether the shaders clip faces that would reach into another image.

        Numbers, corners, targets and tables are given by the shaders' names. All are on one device.
        """
        batch, height, width, _ = next(iter(targets.values())).shape
        carrier = self.carrier
        with self.context as context:
            program = self.program(*shaders, *targets)
            units = {name: unit for unit, name in enumerate(tables or {})}
            for name, number in {**numbers, **units}.items():
                program[name] = number
            film = self.framebuffer(width, batch * height, tuple((t.shape[3], KINDS[t.dtype])
                                                                 for t in targets.values()))
            buffers = {name: carrier.buffer(name, t) for name, t in corners.items()}
            pictures = {name: self.table(name, t) for name, t in (tables or {}).items()}
            index = carrier.buffer("order", order)
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
                array.render(vertices=order.numel())
                for place, t in enumerate(targets.values()):
                    carrier.read(film, place, KINDS[t.dtype], t)
            finally:
                for made in (array, *pictures.values()):
                    made.release()
                carrier.done()


class Screens(dict[torch.device, Screen]):
    """The screens of a thread by device, which are given back when the thread ends."""

    def __init__(self) -> None:
        super().__init__()
        self.process = os.getpid()

    def __del__(self) -> None:
        if self.process != os.getpid() or sys.is_finalizing():
            return                                 # a forked process must not touch them, an ending one need not
        for made in {id(made): made for made in self.values()}.values():
            with contextlib.suppress(Exception):   # nothing can be mended here
                made.release()


_ours = threading.local()
_users: set[int] = set()                           # processes that opened OpenGL; a forked one finds its parent here


def screen(device: torch.device = CPU) -> Screen:
    """Return this thread's context for tensors of a device.  Raises UnbraidError where OpenGL is not available.

    For a CUDA device it is on the same graphics card and shares its memory, where that is possible.
    """
    screens, _ = _remembered()
    place = device if device.type == "cuda" else CPU
    if _users - {os.getpid()}:                     # the driver would wait for its threads, which a fork does not have
        raise UnbraidError("a process that was forked after OpenGL was used can't draw by it",
                           hint="start processes by spawn, or say  backend: torch")
    if place not in screens:
        screens[place] = _open() if place is CPU else _sharing(place) or screen()
    return screens[place]


def why_not(device: torch.device = CPU) -> str:
    """Return why this thread has no OpenGL for tensors of a device, or an empty text where it has.

    The answer is remembered.
    """
    _, failures = _remembered()
    if device not in failures:
        try:
            screen(device)
            failures[device] = ""
        except UnbraidError as error:
            failures[device] = str(error)
            LOG.info("torch draws instead: %s", error.message)
    return failures[device]


def renderer_name(device: torch.device = CPU) -> str:
    """Return the name of the renderer: a graphics card, or llvmpipe."""
    return screen(device).renderer


def _remembered() -> tuple[dict[torch.device, Screen], dict[torch.device, str]]:
    """Return the screens of this thread and its failures.  A process that was forked has none of its parent's."""
    if getattr(_ours, "process", 0) != os.getpid():
        _ours.process, _ours.screens, _ours.failures = os.getpid(), Screens(), {}
    return _ours.screens, _ours.failures


def _open() -> Screen:
    try:
        made = _screen(new_context())
    except Exception as error:                     # moderngl raises plain Exceptions
        raise UnbraidError(f"no OpenGL context without a window: {error}",
                           hint="install EGL (Debian: apt install libegl1 libgl1-mesa-dri), or say  backend: torch  "
                                "in the renderer's options") from error
    level = logging.WARNING if made.software and torch.cuda.is_available() else logging.INFO
    LOG.log(level, "OpenGL draws with %s%s", made.renderer,
            ", on the processor: the driver of the graphics card offers no EGL" if level == logging.WARNING else "")
    return made


def _sharing(device: torch.device) -> Screen | None:
    try:
        made = _screen(context_for(device, lambda number: new_context(device_index=number)), device)
    except NoSharing as error:
        LOG.info("OpenGL shares no memory with %s, pictures go through main memory: %s", device, error)
        return None
    LOG.info("OpenGL draws with %s and shares the memory of %s", made.renderer, device)
    return made


def new_context(**options: Any) -> Any:
    """Open a context without a window, at least OpenGL 3.3.  Raises what moderngl raises.

    Triton comes first. Since 3.7 its library exports the LLVM that it is built with, and imported after a software
    driver has loaded another LLVM it ends the process; torch imports it late, for the first optimizer or operator.
    """
    import moderngl

    with contextlib.suppress(Exception):                      # it is not there, or does not work here
        importlib.import_module("triton")
    egl: dict[str, Any] = {"backend": "egl"} if sys.platform.startswith("linux") else {}
    made = moderngl.create_standalone_context(require=330, **egl, **options)
    _users.add(os.getpid())
    return made


def _screen(context: Any, shares: torch.device | None = None) -> Screen:
    with context:
        info = context.info
    largest = min(int(info["GL_MAX_TEXTURE_SIZE"]), *map(int, info["GL_MAX_VIEWPORT_DIMS"]))
    return Screen(context, str(info["GL_RENDERER"]), largest, Carrier(context, shares))
