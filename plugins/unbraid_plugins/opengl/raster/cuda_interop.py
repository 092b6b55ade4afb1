"""Transfer of tensors to OpenGL and of pictures back: in memory that CUDA and OpenGL share, or through main memory.

A buffer of OpenGL is registered with CUDA once and mapped for every copy. OpenGL's work from before the mapping is done
before the stream continues, and the stream's work from before the unmapping before OpenGL continues (CUDA Runtime API,
"Graphics Interoperability"). So no further wait is needed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid import UnbraidError

LOG = logging.getLogger("unbraid.opengl")
DEVICES = 16                                       # EGL's that are tried, and CUDA's that a context may have


class NoSharing(Exception):
    """CUDA and OpenGL share no memory; the message says why."""


@attrs.define(eq=False)
class Shared:
    """A buffer of OpenGL that CUDA sees, too; it grows when more is asked for.  The context has to be current."""

    context: Any
    device: torch.device
    buffer: Any = attrs.field(init=False, default=None)
    _resource: Any = attrs.field(init=False, default=None)

    def reserved(self, size: int) -> Any:
        """Return OpenGL's buffer, of at least this many bytes.  Raises NoSharing, as the others do."""
        if self._resource is None or self.buffer.size < size:
            self.release()
            self.buffer = self.context.buffer(reserve=size, dynamic=True)
            resource = _cuda(self.device, "cudaGraphicsGLRegisterBuffer", self.buffer.glo, 0)
            if not int(resource):
                raise NoSharing("cudaGraphicsGLRegisterBuffer gave nothing, as in cuda-bindings 12.9.3 and 13.0.2")
            self._resource = resource
        return self.buffer

    def write(self, t: Tensor) -> None:
        """Write the numbers of a contiguous tensor to the buffer's start."""
        self.reserved(t.nbytes)
        self._copy(t, lambda pointer: (pointer, t.data_ptr()))

    def read(self, t: Tensor) -> None:
        """Read the buffer's start into a contiguous tensor."""
        self._copy(t, lambda pointer: (t.data_ptr(), pointer))

    def release(self) -> None:
        """Give the memory back."""
        if self._resource is not None:
            with contextlib.suppress(NoSharing):   # a failure here can't be mended
                _cuda(self.device, "cudaGraphicsUnregisterResource", self._resource)
        if self.buffer is not None:
            self.buffer.release()
        self.buffer = self._resource = None

    def _copy(self, t: Tensor, ends: Callable[[int], tuple[int, int]]) -> None:
        """Copy all of a tensor, on its stream.  ends: the address of the buffer -> destination and source."""
        stream = torch.cuda.current_stream(self.device).cuda_stream
        _cuda(self.device, "cudaGraphicsMapResources", 1, self._resource, stream)
        try:
            pointer, _ = _cuda(self.device, "cudaGraphicsResourceGetMappedPointer", self._resource)
            within = _runtime().cudaMemcpyKind.cudaMemcpyDeviceToDevice
            _cuda(self.device, "cudaMemcpyAsync", *ends(int(pointer)), t.nbytes, within, stream)
        finally:
            _cuda(self.device, "cudaGraphicsUnmapResources", 1, self._resource, stream)


@attrs.define(eq=False)
class Carrier:
    """A carrier of tensors to a context and of its pictures back.

    It belongs to one thread. The context has to be current.

    shares: the CUDA device whose memory is shared with the context, or None.

    With None numbers go through main memory, which is pinned for CUDA's tensors. When sharing fails, the failure is
    logged, and main memory serves from then on.
    """

    context: Any
    shares: torch.device | None = None
    _shared: dict[str, Shared] = attrs.field(init=False, factory=dict)
    _passing: list[Any] = attrs.field(init=False, factory=list)
    _thread: int = attrs.field(init=False, factory=threading.get_ident)

    def buffer(self, name: str, t: Tensor) -> Any:
        """Return a buffer that begins with the numbers of a contiguous tensor, and is good until `done`."""
        if shared := self._sharing(name, t, lambda own: own.write(t)):
            return shared.buffer
        self._passing.append(self.context.buffer(staged(t).numpy()))
        return self._passing[-1]

    def fill(self, texture: Any, name: str, t: Tensor) -> None:
        """Write all of a texture, or of an array of textures."""
        shared = self._sharing(name, t, lambda own: own.write(t))
        texture.write(shared.buffer if shared else staged(t).numpy())

    def read(self, film: Any, place: int, kind: str, t: Tensor) -> None:
        """Read a target of a framebuffer into a contiguous tensor (..., C).

        place: the target's number; kind: the type of its numbers.
        """
        form: dict[str, Any] = {"components": t.shape[-1], "attachment": place, "dtype": kind, "alignment": 1}

        def taken(own: Shared) -> None:
            film.read_into(own.reserved(t.nbytes), **form)
            own.read(t)

        if self._sharing(f"target {place}", t, taken):
            return
        here = t if t.device.type == "cpu" else _pinned(t)
        film.read_into(here.numpy(), **form)       # which waits for OpenGL
        if here is not t:
            t.copy_(here, non_blocking=True)       # torch keeps pinned memory until its stream has read it

    def done(self) -> None:
        """Release the buffers that `buffer` returned."""
        while self._passing:
            self._passing.pop().release()
        if self.shares is None:
            self.release()

    def release(self) -> None:
        """Give the shared memory back."""
        while self._shared:
            self._shared.popitem()[1].release()

    def _sharing(self, name: str, t: Tensor, work: Callable[[Shared], None]) -> Shared | None:
        """Return the shared memory of a name after some work with it, or None where no memory is shared.

        Raises UnbraidError in a thread that does not own the context.
        """
        if threading.get_ident() != self._thread:
            raise UnbraidError("OpenGL was asked to draw by a thread that does not own the context",
                               hint="every thread has a screen() of its own; the way back is torch's alone")
        if self.shares is None or t.device != self.shares:
            return None
        own = self._shared.setdefault(name, Shared(self.context, self.shares))
        try:
            work(own)
        except NoSharing as error:
            LOG.warning("OpenGL and %s share no memory any more, numbers go through main memory: %s", t.device, error)
            self.shares = None
            return None
        return own


def staged(t: Tensor) -> Tensor:
    """Return a tensor's numbers in main memory, there to be read."""
    return t if t.device.type == "cpu" else _pinned(t).copy_(t)


def context_for(device: torch.device, opened: Callable[[int], Any]) -> Any:
    """Return the context on a CUDA device's graphics card, where both are proven to share memory.  Raises NoSharing.

    opened: makes a context on EGL's device of a number, or raises any exception.
    """
    _runtime()
    reasons = []
    for number in range(DEVICES):
        try:
            context = opened(number)
        except Exception:                          # no access to this device, or no more devices
            continue
        try:
            with context:
                _match(context, device)
                _prove(context, device)
            return context
        except Exception as error:                 # any failure: pictures still go through main memory
            reasons.append(f"EGL's device {number}: {error}")
            context.release()
    raise NoSharing("; ".join(reasons) or "EGL has no device")


def _match(context: Any, device: torch.device) -> None:
    """Raise NoSharing where a context draws on another graphics card, or on none."""
    if "NVIDIA" not in context.info["GL_VENDOR"]:  # CUDA knows only NVIDIA's contexts
        raise NoSharing(f"{context.info['GL_RENDERER']} is not of CUDA")
    count, found = _cuda(device, "cudaGLGetDevices", DEVICES, _runtime().cudaGLDeviceList.cudaGLDeviceListAll)
    if device.index not in found[:count]:
        raise NoSharing(f"it is not {device}")


def _prove(context: Any, device: torch.device) -> None:
    """Send numbers from CUDA to OpenGL, which copies them, and back.  Raises NoSharing where others arrive."""
    sent = torch.arange(1, 1025, dtype=torch.int32, device=device)
    found = torch.zeros_like(sent)
    there, back = Shared(context, device), Shared(context, device)
    try:
        there.write(sent)
        context.copy_buffer(back.reserved(found.nbytes), there.buffer, sent.nbytes)
        back.read(found)
        if not torch.equal(sent, found):
            raise NoSharing("OpenGL and CUDA do not see the same numbers in their memory")
    finally:
        there.release()
        back.release()


def _pinned(t: Tensor) -> Tensor:
    return torch.empty(t.shape, dtype=t.dtype, pin_memory=t.is_cuda)


def _runtime() -> Any:
    try:
        from cuda.bindings import runtime
    except Exception as error:                     # its libraries may be missing, too
        raise NoSharing(f"no cuda-bindings (pip install 'unbraid[cuda]'): {error}") from error
    return runtime


def _cuda(device: torch.device, name: str, *arguments: Any) -> Any:
    """Call a function of CUDA's runtime, and return its result without the error code: one value, or a tuple.

    Raises NoSharing.
    """
    with torch.cuda.device(device):
        try:
            error, *found = getattr(_runtime(), name)(*arguments)
        except Exception as broken:                # a driver without the function
            raise NoSharing(f"{name}: {broken}") from broken
    if int(error):
        raise NoSharing(f"{name}: {error.name}")
    return found[0] if len(found) == 1 else tuple(found)
