"""What stands for CUDA's runtime and for EGL's devices where there is no graphics card."""

from __future__ import annotations

import ctypes
from enum import IntEnum
from types import ModuleType, SimpleNamespace

STREAM = 77
Error = IntEnum("Error", {"cudaSuccess": 0, "cudaErrorUnknown": 999})


class Runtime(ModuleType):
    """As CUDA's documentation describes it, with OpenGL's buffers copied to main memory while they are mapped."""

    cudaMemcpyKind = SimpleNamespace(cudaMemcpyDeviceToDevice="device to device")
    cudaGLDeviceList = SimpleNamespace(cudaGLDeviceListAll="all")

    def __init__(self, context):
        super().__init__("cuda.bindings.runtime")
        self.context, self.calls, self.fails, self.mapped, self.cards = context, [], "", {}, [0]
        self.sizes = {}

    def _noted(self, name, *results):
        self.calls.append(name)
        return (Error(999), *(None for _ in results)) if self.fails == name else (Error(0), *results)

    def cudaGLGetDevices(self, most, which):
        assert which == "all"
        return self._noted("devices", len(self.cards), [*self.cards, *[0] * (most - len(self.cards))])

    def cudaGraphicsGLRegisterBuffer(self, buffer, flags):
        assert flags == 0
        return self._noted("register", 0 if self.fails == "null" else buffer)

    def cudaGraphicsUnregisterResource(self, resource):
        assert resource not in self.mapped
        return self._noted("unregister")

    def cudaGraphicsMapResources(self, count, resource, stream):
        assert (count, stream) == (1, STREAM)
        assert resource not in self.mapped
        if self.fails != "map":
            numbers = self._buffer(resource).read()
            self.mapped[resource] = ctypes.create_string_buffer(numbers, len(numbers))
        return self._noted("map")

    def cudaGraphicsResourceGetMappedPointer(self, resource):
        memory = self.mapped[resource]
        return self._noted("pointer", ctypes.addressof(memory), len(memory))

    def cudaMemcpyAsync(self, to, source, size, kind, stream):
        assert (kind, stream) == ("device to device", STREAM)
        assert size <= len(next(iter(self.mapped.values())))
        if self.fails != "copy":
            ctypes.memmove(to, source, size)
        return self._noted("copy")

    def cudaGraphicsUnmapResources(self, count, resource, stream):
        assert (count, stream) == (1, STREAM)
        self._buffer(resource).write(self.mapped.pop(resource).raw)
        return self._noted("unmap")

    def _buffer(self, name):
        return self.context.external_buffer(name, self.sizes[name])


class Opened:
    """EGL's devices as far as their makers go: with a real context behind those that are the right one."""

    def __init__(self, real, *vendors):
        self.real, self.vendors, self.released = real, vendors, []

    def __call__(self, number):
        if number >= len(self.vendors):
            raise Exception(f"requested device index {number}")
        if not self.vendors[number]:
            raise Exception("eglInitialize failed")
        return Device(self, number)


class Device:
    def __init__(self, opened, number):
        self.opened, self.number = opened, number
        self.info = {"GL_VENDOR": opened.vendors[number], "GL_RENDERER": f"device {number}"}
        self.buffer, self.copy_buffer = opened.real.buffer, opened.real.copy_buffer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.number not in self.opened.released

    def release(self):
        self.opened.released.append(self.number)
