"""What a renderer must do, in small versions; at full size in `tests/benchmarks/renderer_gradients.py`."""

from __future__ import annotations

import pytest
import trials

CRISP = trials.ours(smooth=False)


@pytest.mark.parametrize("size", [16, 32])
def test_the_area_of_a_triangle_moves_with_its_corners(backend, size):
    """Tips between the pixels' centres count: without them the gradient lacks 8 % at 16 pixels, 4 % at 32."""
    error, bias = trials.triangle_error(trials.ours(backend), size)
    assert error < 0.01
    assert abs(bias) < 5e-4


def test_a_surface_before_another_moves(backend):
    assert trials.occlusion_error(trials.ours(backend), 64, fine=512) < 0.05


@pytest.mark.usefixtures("opengl")
def test_silhouettes_move_as_they_should():
    error, bias = trials.silhouette_error(trials.ours(cull=True), 3, 64, fine=1024, fields=3)
    assert error < 0.04
    assert abs(bias) < 5e-4


def test_crisp_pixels_fail():
    """Without gradients of outlines nothing moves at all."""
    assert trials.triangle_error(CRISP, 32)[0] > 0.99
    assert trials.occlusion_error(CRISP, 32, fine=256) > 0.5
    assert trials.pose_recovery(CRISP, trials=2, steps=3) == 0


def test_poses_are_found():
    assert trials.pose_recovery(trials.ours(cull=True), trials=3, steps=50) >= 2 / 3
