"""Which face a pixel sees: both backends see the same, and nothing that is drawn breaks them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
import torch
from solids import bumpy, square

from unbraid import UnbraidError
from unbraid_plugins.opengl.raster import gl_context, gl_raster, torch_raster
from unbraid_plugins.opengl.raster.rasterize import chosen, face_ids, rasterize
from unbraid_plugins.opengl.scene.camera import Camera, orbiting, perspective
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.shading.draw import draw


def agreement(clip, faces, size, cull=False):
    gl, torch_ = (rasterize(clip, faces, size, cull=cull, backend=b) for b in ("gl", "torch"))
    assert gl.shape == (len(clip), *size)
    return (gl == torch_).float().mean().item()


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize("cull", [False, True])
@pytest.mark.parametrize("size", [(64, 64), (48, 100), (200, 31)])
def test_both_backends_see_the_same_faces(camera, cull, size):
    vertices, faces = bumpy(3)
    clip = camera.clip(camera.seen(vertices.float()[None].expand(3, -1, -1)))
    assert agreement(clip, faces, size, cull) > 0.999


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize("cull", [False, True])
def test_both_backends_cut_what_passes_the_camera(cull):
    """A thousand loose triangles around the camera: some behind it, some through the near plane."""
    dice = torch.Generator().manual_seed(0)
    middles, shapes = torch.randn(1000, 1, 3, generator=dice), torch.randn(1000, 3, 3, generator=dice)
    vertices = (0.7 * middles + 0.1 * shapes).reshape(1, 3000, 3)
    around = Camera(orbiting(torch.tensor([0.0, 0.5, 2.0]), torch.tensor([0.1, 0.3, -0.4]), 1.5), perspective(1.0))
    clip = around.clip(around.seen(vertices))
    faces = torch.arange(3000).reshape(1000, 3)
    crossing = ((clip[..., 3] < 0.1)[:, faces].sum(-1) % 3 > 0).sum()
    assert crossing > 20
    assert agreement(clip, faces, (64, 64), cull) > 0.999


def test_row_0_is_the_top_and_y_is_up(front, backend):
    vertices, faces = square(0.25, centre=(0.5, 0.5))
    ids = rasterize(front.clip(front.seen(vertices[None])), faces, (16, 16), backend=backend)[0]
    rows, columns = (ids >= 0).nonzero().unbind(1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 5, 10, 13)


def test_the_nearer_face_is_seen(front, backend):
    near, far = square(0.5, 0.5), square(1.0, -0.5)
    clip = front.clip(front.seen(torch.cat([near[0], far[0]])[None]))
    for first, second in ((0, 4), (4, 0)):
        faces = torch.cat([near[1] + first, far[1] + second])
        seen = rasterize(clip, faces, (8, 8), backend=backend)[0] // 2
        inside = 0 if first == 0 else 1
        assert (seen[2:6, 2:6] == inside).all()
        assert (seen == inside).sum() == 16


def test_only_faces_from_outside(front, backend):
    vertices, faces = square(0.5)
    clip = front.clip(front.seen(vertices[None]))
    assert (rasterize(clip, faces, (8, 8), cull=True, backend=backend) >= 0).sum() == 16
    assert (rasterize(clip, faces.flip(1), (8, 8), cull=True, backend=backend) >= 0).sum() == 0
    assert (rasterize(clip, faces.flip(1), (8, 8), backend=backend) >= 0).sum() == 16


def test_images_of_a_batch_keep_to_themselves(front, backend):
    """A square larger than its image does not leak into the next one."""
    small, faces = square(0.2)
    large = square(5.0)[0]
    clip = front.clip(front.seen(torch.stack([small, large, small])))
    covered = (rasterize(clip, faces, (20, 20), backend=backend) >= 0).sum((1, 2))
    assert covered.tolist() == [16, 400, 16]


def test_batches_in_chunks(monkeypatch, camera, backend):
    vertices, faces = bumpy(2)
    clip = camera.clip(camera.seen(vertices.float()[None].expand(3, -1, -1)))
    whole = rasterize(clip, faces, (32, 32), backend=backend)
    monkeypatch.setattr(gl_raster, "CHUNK", 1500)
    monkeypatch.setattr(torch_raster, "CHUNK", 700)
    assert torch.equal(rasterize(clip, faces, (32, 32), backend=backend), whole)
    assert torch.equal(torch.cat([rasterize(c[None], faces, (32, 32), backend=backend) for c in clip]), whole)


@pytest.mark.parametrize(("batch", "vertices", "faces", "size"), [
    (0, 3, 1, (4, 4)), (2, 3, 0, (4, 4)), (2, 0, 0, (4, 4)), (2, 3, 1, (0, 4))])
def test_nothing_to_draw(backend, batch, vertices, faces, size):
    ids = rasterize(torch.ones(batch, vertices, 4), torch.zeros(faces, 3, dtype=torch.long), size, backend=backend)
    assert ids.shape == (batch, *size)
    assert (ids == -1).all()


def test_not_a_number_is_not_drawn(backend):
    clip = torch.tensor([[[-1.0, -1, 0, 1], [1, -1, 0, 1], [0, torch.nan, 0, 1], [torch.inf, 1, 0, 1]]])
    faces = torch.tensor([[0, 1, 2], [0, 0, 1], [0, 1, 0]])
    assert (rasterize(clip, faces, (8, 8), backend=backend) == -1).all()


@pytest.mark.usefixtures("opengl")
def test_a_context_per_thread():
    vertices, faces = square(0.5)
    clip = torch.cat([vertices, torch.ones(4, 1)], 1)[None]
    expected, found, screens = rasterize(clip, faces, (8, 8), backend="gl"), [], [gl_context.screen()]

    def work():
        screens.append(gl_context.screen())
        found.append(rasterize(clip, faces, (8, 8), backend="gl"))

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert all(torch.equal(f, expected) for f in found)
    assert len({id(s) for s in screens}) == 3
    assert torch.equal(rasterize(clip, faces, (8, 8), backend="gl"), expected)


@pytest.mark.usefixtures("opengl")
def test_many_sizes_do_not_pile_up():
    vertices, faces = square(0.5)
    clip = torch.cat([vertices, torch.ones(4, 1)], 1)[None]
    for n in range(4, 20):
        assert (rasterize(clip, faces, (n, n), backend="gl") >= 0).any()
    assert len(gl_context.screen()._buffers) <= gl_context.KEPT


def test_without_opengl_torch_draws(monkeypatch):
    tried = []

    def fails(**options):
        tried.append(options)
        raise Exception("cannot open libEGL.so")

    monkeypatch.setattr("moderngl.create_standalone_context", fails)
    monkeypatch.setattr(gl_context, "_ours", threading.local())
    assert chosen("auto", torch.device("cpu")) == chosen("auto", torch.device("cpu")) == "torch"
    assert len(tried) == 1
    with pytest.raises(UnbraidError, match=r"cannot open libEGL\.so(.|\n)*backend: torch"):
        rasterize(torch.ones(1, 3, 4), torch.tensor([[0, 1, 2]]), (4, 4), backend="gl")


def test_errors_say_what_was_expected():
    with pytest.raises(UnbraidError, match=r"expected \(B, V, 4\)"):
        rasterize(torch.ones(1, 3, 3), torch.tensor([[0, 1, 2]]), (4, 4))
    with pytest.raises(UnbraidError, match="a vertex 7, and there are 3"):
        rasterize(torch.ones(1, 3, 4), torch.tensor([[0, 1, 7]]), (4, 4))


@pytest.mark.parametrize("name", ["opengl", "GL", "cuda", ""])
def test_a_backend_that_there_is_not(camera, name):
    vertices, faces = square(1.0)
    mesh = Mesh.of(vertices.float()[None], faces)
    for drawing in (lambda: rasterize(torch.zeros(1, 4, 4), faces, (4, 4), backend=name),
                    lambda: draw(mesh, camera, (4, 4), backend=name),
                    lambda: draw(mesh, camera, (4, 4), geometry=False, backend=name)):
        with pytest.raises(UnbraidError, match=f"no backend {name!r}\n *there are auto, gl, torch"):
            drawing()


def test_the_operator_keeps_the_contract_of_torch(backend):
    clip, faces = torch.randn(2, 6, 4).abs(), torch.tensor([[0, 1, 2], [3, 4, 5]])
    torch.library.opcheck(face_ids, (clip, faces, 8, 9, False, backend))
    ghost = face_ids(clip.to("meta"), faces.to("meta"), 8, 9, False, backend)
    assert ghost.is_meta
    assert ghost.shape == (2, 8, 9)
    assert ghost.dtype == torch.int64


def test_the_compiler_sees_through_the_operator(camera):
    vertices, faces = bumpy(1)
    clip = camera.clip(camera.seen(vertices.float()[None]))

    def covered(clip):
        return (rasterize(2 * clip, faces, (16, 16)) >= 0).float().mean((1, 2))

    torch.testing.assert_close(torch.compile(covered, fullgraph=True, backend="aot_eager")(clip), covered(clip))


def test_a_machine_without_egl():
    """In a process that finds no driver, torch draws, and asking for OpenGL says what is missing."""
    code = """
import torch
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.raster.rasterize import rasterize
clip, faces = torch.tensor([[[-1.0, -1, 0, 1], [1, -1, 0, 1], [0, 1, 0, 1]]]), torch.tensor([[0, 1, 2]])
print(int((rasterize(clip, faces, (8, 8)) >= 0).sum()))
rasterize(clip, faces, (8, 8), backend="gl")
"""
    hidden = {**os.environ, "__EGL_VENDOR_LIBRARY_DIRS": "/nonexistent"}
    ran = subprocess.run([sys.executable, "-c", code], env=hidden, capture_output=True, text=True, check=False)
    assert int(ran.stdout) == 32
    assert "no OpenGL context" in ran.stderr


@pytest.mark.usefixtures("opengl")
def test_a_process_that_was_forked():
    """Of a parent that has drawn by OpenGL: torch draws the same, and OpenGL is an error: it would wait for ever."""
    code = """
import os, signal, torch
from unbraid import UnbraidError
from unbraid_plugins.opengl.raster.rasterize import chosen, rasterize
clip, faces = torch.tensor([[[-1.0, -1, 0, 1], [1, -1, 0, 1], [0, 1, 0, 1]]]), torch.tensor([[0, 1, 2]])
rasterize(clip, faces, (8, 8), backend="gl")
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    signal.alarm(20)
    print(int((rasterize(clip, faces, (8, 8)) >= 0).sum()), chosen("auto", clip.device))
    try:
        rasterize(clip, faces, (8, 8), backend="gl")
    except UnbraidError as error:
        print(error)
print(chosen("auto", clip.device))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    drawn, error, hint, of_child, of_parent = ran.stdout.splitlines()
    assert (drawn, of_child, of_parent) == ("32 torch", "torch", "gl")
    assert "forked after OpenGL was used" in error
    assert "spawn" in hint


def test_a_first_picture_does_not_import_the_compiler_of_torch():
    """It would take a second of every `unbraid render`."""
    code = ("import sys, torch; from unbraid_plugins.opengl.raster.rasterize import rasterize; "
            "rasterize(torch.eye(4)[None], torch.arange(3)[None], (4, 4), backend='torch'); "
            "sys.exit('torch._dynamo' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("backend", ["gl", "torch"])
def test_functions_of_torch_func_may_draw(backend):
    """As seeds as one model do."""
    clip, faces = torch.tensor([[[-1.0, -1, 0, 1], [1, -1, 0, 1], [0, 1, 0, 1]]]), torch.arange(3)[None]

    def drawn(clip):
        return rasterize(clip, faces, (4, 4), backend=backend)

    covered = drawn(clip)
    assert covered.any()
    several = torch.vmap(drawn)(clip.expand(2, 1, -1, -1))
    assert torch.equal(several, covered.expand(2, 1, 4, 4))
    slope = torch.func.grad(lambda clip: clip.sum() * drawn(clip).sum())(clip)
    assert torch.equal(slope, torch.full_like(clip, covered.sum().item()))
