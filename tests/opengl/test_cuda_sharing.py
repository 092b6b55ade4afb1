"""Memory that CUDA and OpenGL share: what CUDA's runtime is asked, in which order, and what happens when it refuses.

Without a graphics card, tensors in main memory stand for CUDA's, and `Runtime` for its driver: the copies are real, so
what OpenGL draws and reads is, too. With one, the same is tried on it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest
import torch
from cuda_standin import STREAM, Error, Opened, Runtime
from solids import bumpy

from unbraid import UnbraidError
from unbraid.values import map_tensors
from unbraid_plugins.opengl.raster import cuda_interop as cuda_sharing, gl_context, gl_raster
from unbraid_plugins.opengl.raster.cuda_interop import Carrier, NoSharing, Shared, context_for
from unbraid_plugins.opengl.raster.rasterize import chosen, rasterize
from unbraid_plugins.opengl.scene.light import HarmonicLight
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw

CPU = torch.device("cpu")
CARD = pytest.mark.skipif(not torch.cuda.is_available(), reason="no graphics card for CUDA")
TRIANGLE = torch.tensor([[-1.0, -1, 0, 1], [3, -1, 0, 1], [-1, 3, 0, 1]])
VERTEX, FRAGMENT = ("#version 330\n" + s for s in (
    "in vec4 corner; void main() { gl_Position = corner; }",
    "uniform sampler2D table; out vec4 seen; void main() { seen = texelFetch(table, ivec2(gl_FragCoord.xy), 0); }"))


@pytest.fixture
def context(opengl):
    """This thread's, made current."""
    with gl_context.screen().context as context:
        yield context


@pytest.fixture
def runtime(opengl, monkeypatch):
    """CUDA's, for tensors in main memory."""
    made = Runtime(gl_context.screen().context)
    package = ModuleType("cuda.bindings")
    package.runtime = made
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", package)
    monkeypatch.setattr(torch.cuda, "device", contextlib.nullcontext)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: SimpleNamespace(cuda_stream=STREAM))
    reserved = Shared.reserved

    def sized(self, size):
        try:
            return reserved(self, size)
        finally:
            made.sizes[self.buffer.glo] = self.buffer.size

    monkeypatch.setattr(Shared, "reserved", sized)
    return made


def drawn(context, carrier, table, *, corners=TRIANGLE):
    """What a table (H, W, 4) looks like when it is drawn, (H, W, 4); three transfers."""
    height, width, _ = table.shape
    seen = torch.zeros_like(table)
    program = context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
    texture = context.texture((width, height), 4, dtype="f4")
    film = context.framebuffer([context.texture((width, height), 4, dtype="f4")])
    carrier.fill(texture, "table", table.clone())
    texture.use()
    film.use()
    context.enable_only(context.NOTHING)
    context.vertex_array(program, [(carrier.buffer("corner", corners.to(table.device)), "4f", "corner")]
                         ).render(vertices=3)
    carrier.read(film, 0, "f4", seen)
    carrier.done()
    return seen


@pytest.fixture
def table():
    return torch.rand(5, 7, 4, generator=torch.Generator().manual_seed(0))


def test_main_memory_needs_no_cuda(context, table):
    assert torch.equal(drawn(context, Carrier(context), table), table)


def test_a_picture_is_the_same_in_shared_memory(context, runtime, table):
    carrier = Carrier(context, CPU)
    assert torch.equal(drawn(context, carrier, table), table)
    copy = ["map", "pointer", "copy", "unmap"]
    assert runtime.calls == 3 * ["register", *copy]
    runtime.calls.clear()
    assert torch.equal(drawn(context, carrier, table.flip(0)), table.flip(0))
    assert runtime.calls == 3 * copy               # registered once


def test_buffers_grow_and_are_registered_anew(context, runtime, table):
    carrier = Carrier(context, CPU)
    drawn(context, carrier, table[:2])
    runtime.calls.clear()
    assert torch.equal(drawn(context, carrier, table), table)
    assert (runtime.calls.count("unregister"), runtime.calls.count("register")) == (2, 2)
    runtime.calls.clear()
    assert torch.equal(drawn(context, carrier, table[1:4]), table[1:4])
    assert "register" not in runtime.calls


@pytest.mark.parametrize("call", ["register", "null", "map", "pointer", "copy", "unmap"])
@pytest.mark.parametrize("after", [0, 1])
def test_where_sharing_fails_main_memory_serves(context, runtime, table, caplog, call, after):
    """At once or after a picture, with one line of log, and nothing is left with CUDA."""
    caplog.set_level(logging.INFO, "unbraid.opengl")
    carrier = Carrier(context, CPU)
    for rows in range(after):
        drawn(context, carrier, table[:1 + rows])
    runtime.fails = call
    for _ in range(2):
        assert torch.equal(drawn(context, carrier, table), table)
    assert carrier.shares is None
    assert not runtime.mapped
    registered = runtime.calls.count("register") - (call in ("register", "null"))
    assert runtime.calls.count("unregister") == registered
    [line] = caplog.messages
    assert "main memory: " in line
    assert ("gave nothing" if call == "null" else "cudaErrorUnknown") in line
    runtime.calls.clear()
    assert torch.equal(drawn(context, carrier, table), table)
    assert runtime.calls == []


def test_what_was_shared_stays_until_the_picture_is_drawn(context, runtime, table):
    """Sharing fails after the corners were handed out: they are still there when OpenGL draws them."""
    carrier = Carrier(context, CPU)
    corners = carrier.buffer("corner", TRIANGLE)
    runtime.fails = "map"
    carrier.buffer("index", table)
    assert corners.read(TRIANGLE.nbytes) == TRIANGLE.numpy().tobytes()
    assert "unregister" not in runtime.calls
    carrier.done()
    assert runtime.calls.count("unregister") == runtime.calls.count("register")


def test_tensors_elsewhere_go_through_main_memory(context, runtime, table):
    assert torch.equal(drawn(context, Carrier(context, torch.device("cuda:0")), table), table)
    assert runtime.calls == []


def test_a_context_keeps_to_its_thread(context, table):
    carrier, raised = Carrier(context), []

    def backward():
        try:
            carrier.buffer("corner", table)
        except UnbraidError as error:
            raised.append(str(error))

    thread = threading.Thread(target=backward)
    thread.start()
    thread.join()
    assert "does not own the context" in raised[0]


def test_the_context_is_on_cudas_graphics_card(context, runtime, monkeypatch):
    """The first is a stranger, the second does not open, the third is another card of CUDA's."""
    opened = Opened(context, "Mesa", "", "NVIDIA Corporation", "NVIDIA Corporation", "NVIDIA Corporation")
    asked = iter([[1], [5, 0], [2]])
    monkeypatch.setattr(runtime, "cudaGLGetDevices",
                        lambda most, _: (Error(0), len(now := next(asked)), [*now, *[0] * (most - len(now))]))
    monkeypatch.setattr(cuda_sharing, "_prove", lambda context, device: proven.append(context.number))
    proven = []
    assert context_for(torch.device("cuda:0"), opened).number == 3
    assert (proven, opened.released) == ([3], [0, 2])


def test_numbers_make_it_to_opengl_and_back(context, runtime):
    cuda_sharing._prove(context, CPU)
    assert runtime.calls.count("unregister") == runtime.calls.count("register") == 2


def test_numbers_that_do_not_arrive_are_noticed(context, runtime, monkeypatch):
    monkeypatch.setattr(Runtime, "_buffer", lambda self, name: SimpleNamespace(
        read=lambda: bytes(self.sizes[name]), write=lambda _: None))
    with pytest.raises(NoSharing, match="the same numbers"):
        cuda_sharing._prove(context, CPU)
    assert runtime.calls.count("unregister") == 2


@pytest.mark.parametrize(("vendors", "fails", "said"), [
    ([], "", "no device"), (["Mesa"], "", "device 0 is not of CUDA"), (["NVIDIA"], "devices", "cudaErrorUnknown"),
    (["NVIDIA", "NVIDIA"], "register", "device 0: cudaGraphicsGLRegister.*device 1: cudaGraphicsGLRegister")])
def test_no_context_shares(context, runtime, monkeypatch, vendors, fails, said):
    monkeypatch.setattr(torch, "arange", lambda *a, device, arange=torch.arange, **k: arange(*a, **k))
    runtime.fails = fails
    opened = Opened(context, *vendors)
    with pytest.raises(NoSharing, match=said):
        context_for(torch.device("cuda:0"), opened)
    assert opened.released == list(range(len(vendors)))


@pytest.fixture
def scene(camera):
    """A mesh of three images, its camera and a light."""
    return scene_of(camera, 3)


def scene_of(camera, level):
    vertices, faces = bumpy(level)
    shade = torch.Generator().manual_seed(0)
    colours, texture = (torch.rand(1, *shape, generator=shade) for shape in ((len(vertices), 3), (3, 32, 32)))
    mesh = Mesh.of(vertices.float()[None].expand(3, -1, -1), faces, colours=colours, texture=texture,
                   uv=vertices.float()[None, :, :2] / 4 + 0.5)
    return map_tensors(torch.Tensor.float, (mesh, camera, HarmonicLight(5 * torch.rand(1, 3, 9, generator=shade))))


def pictures(scene, device=CPU, backend="gl"):
    """What is seen by rasterizing alone, and what is drawn, with gradients to the vertices."""
    mesh, camera, light = map_tensors(lambda t: t.to(device), scene)
    vertices = mesh.vertices.clone().requires_grad_()
    ids = rasterize(camera.clip(camera.seen(vertices)), mesh.faces, (40, 60), cull=True, backend=backend)
    seen = draw(Mesh(vertices, mesh.topology, mesh.colours, mesh.uv, mesh.texture), camera, (40, 60), light=light,
                geometry=False, cull=True, backend=backend)
    seen.colour.square().sum().backward()
    return [t.detach().cpu() for t in (ids, seen.ids, seen.colour, seen.alpha, vertices.grad)]


@pytest.mark.parametrize("fails", ["", "copy"])
def test_the_renderer_draws_the_same_in_shared_memory(runtime, monkeypatch, camera, fails):
    """Of a large mesh and of a small one, in two parts each, so that buffers are used again."""
    monkeypatch.setattr(gl_raster, "CHUNK", 2 * 40 * 60)
    scenes, screen = [scene_of(camera, 3), scene_of(camera, 1)], gl_context.screen()
    expected = [pictures(scene) for scene in scenes]
    assert screen.carrier._passing == []
    runtime.fails, screen.carrier.shares = fails, CPU
    try:
        for scene, before in zip(scenes, expected, strict=True):
            assert before[2].mean() > 0.05
            assert all(torch.equal(a, b) for a, b in zip(pictures(scene), before, strict=True))
        assert screen.carrier.shares == (None if fails else CPU)
        assert runtime.calls.count("copy") == (1 if fails else 2 * (2 * (2 + 1) + 2 * (5 + 1 + 3)))
    finally:
        screen.carrier.shares = None
        with screen.context:
            screen.carrier.done()
    assert runtime.calls.count("register") == runtime.calls.count("unregister") > 0


@pytest.mark.usefixtures("opengl")
def test_what_auto_means_for_cuda(monkeypatch, caplog):
    """A graphics card draws, whether it shares memory or not; the processor does not draw for CUDA.  Said once."""
    caplog.set_level(logging.INFO, "unbraid.opengl")
    card = torch.device("cuda:0")

    def refuses(device, opened):
        raise NoSharing("no such luck")

    for name, backend in (("llvmpipe (LLVM)", "torch"), ("NVIDIA H100/PCIe/SSE2", "gl")):
        monkeypatch.setattr(gl_context, "_ours", threading.local())
        monkeypatch.setattr(gl_context, "context_for", refuses)
        gl_context.screen().renderer = name
        caplog.clear()
        assert [chosen("auto", card), chosen("auto", card), chosen("auto", CPU)] == [backend, backend, "gl"]
        assert gl_context.screen(card) is gl_context.screen()
        assert [m for m in caplog.messages if "no such luck" in m] == caplog.messages != []
    monkeypatch.setattr(gl_context, "_ours", threading.local())
    monkeypatch.setattr(gl_context, "context_for", lambda device, opened: opened(0))
    assert gl_context.screen(card).carrier.shares == card
    assert gl_context.screen().carrier.shares is None


@pytest.mark.usefixtures("opengl")
def test_without_cuda_bindings_nothing_is_opened(monkeypatch):
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(NoSharing, match=r"pip install 'unbraid\[cuda\]'"):
        context_for(torch.device("cuda:0"), lambda number: pytest.fail("opened"))


def test_the_functions_are_cudas():
    """Where cuda-bindings is installed: it has what is asked of it, and takes such arguments, without a driver, too."""
    runtime = pytest.importorskip("cuda.bindings.runtime")
    resource = runtime.cudaGraphicsGLRegisterBuffer(1, 0)
    assert len(resource) == 2
    handle = runtime.cudaGraphicsResource_t(0)
    assert int(handle) == 0
    if not torch.cuda.is_available():
        found = [runtime.cudaGLGetDevices(16, runtime.cudaGLDeviceList.cudaGLDeviceListAll),
                 runtime.cudaGraphicsMapResources(1, handle, STREAM),
                 runtime.cudaGraphicsResourceGetMappedPointer(handle),
                 runtime.cudaMemcpyAsync(8, 16, 4, runtime.cudaMemcpyKind.cudaMemcpyDeviceToDevice, STREAM),
                 runtime.cudaGraphicsUnmapResources(1, handle, STREAM),
                 runtime.cudaGraphicsUnregisterResource(handle)]
        assert [len(f) for f in found] == [3, 1, 3, 1, 1, 1]
        assert all(int(f[0]) and f[0].name.startswith("cudaError") for f in found)


def card_context():
    import moderngl

    device = torch.device("cuda", torch.cuda.current_device())
    try:
        return device, context_for(device, lambda number: moderngl.create_standalone_context(
            require=330, backend="egl", device_index=number))
    except NoSharing as error:
        pytest.skip(f"no sharing here: {error}")


@CARD
def test_a_card_shares_its_memory(table):
    device, context = card_context()
    with context:
        carrier = Carrier(context, device)
        for size in (5, 300, 40):
            wide = torch.rand(size, 2 * size, 4, device=device)
            assert torch.equal(drawn(context, carrier, wide), wide)
            assert torch.equal(drawn(context, Carrier(context), wide), wide)       # pinned
        assert carrier.shares == device
    context.release()


@CARD
def test_a_card_waits_for_its_streams():
    """A tensor that is still being computed when it is handed over, and one that is used at once, on another stream."""
    device, context = card_context()
    with context, torch.cuda.stream(torch.cuda.Stream(device)):
        for carrier in (Carrier(context, device), Carrier(context)):
            for turn in range(10):
                busy = torch.rand(2048, 2048, device=device)
                for _ in range(20):
                    busy = (busy @ busy).clamp(0, 1)
                late = busy[:256, :256, None].repeat(1, 1, 4) * 0 + turn
                assert torch.equal(drawn(context, carrier, late), late)
    context.release()


@CARD
def test_a_card_draws_what_the_processor_does(scene, monkeypatch):
    """In shared memory exactly what it draws through pinned memory, and on all but borders what the others draw."""
    device = torch.device("cuda", torch.cuda.current_device())
    if gl_context.why_not(device) or gl_context.screen(device).software:
        pytest.skip("no graphics card for OpenGL")
    carrier = gl_context.screen(device).carrier
    shared, shares = pictures(scene, device), carrier.shares
    monkeypatch.setattr(carrier, "shares", None)
    pinned = pictures(scene, device)
    if shares:
        assert all(torch.equal(a, b) for a, b in zip(shared[:2], pinned[:2], strict=True))
        for a, b in zip(shared[2:], pinned[2:], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)        # CUDA adds gradients in any order
    for other in (pictures(scene, device, "torch"), pictures(scene)):
        assert all((a == b).float().mean() > 0.999 for a, b in zip(pinned[:2], other[:2], strict=True))
        assert all((a - b).abs().mean() < 1e-3 for a, b in zip(pinned[2:4], other[2:4], strict=True))
        assert (pinned[4] - other[4]).norm() < 0.02 * other[4].norm()
