"""The suites know what the language knows: sets, own records, several inputs, networks as arguments, clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from suite_runs import failures
from torch import Tensor, nn

from unbraid import Code, Field, Images, Set, encoder, loss, network, operation, source, value
from unbraid.testing import EncoderSuite, LossSuite, NetworkSuite, OperationSuite, SourceSuite, numbers
from unbraid_plugins.shared.convnets.dcgan import ConvEncoder


class _Mean(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 3)

    def forward(self, v: Tensor, z: Tensor) -> Set:
        moved = self.layer(v) + z.unsqueeze(1)
        return Set.fold(moved)


@network(sets=True)
@attrs.frozen(kw_only=True)
class Mover:
    """A network that takes a whole set and a vector, and gives a set."""

    def build(self, context: Any, v: Tensor, z: Tensor) -> nn.Module:
        return _Mean(v.shape[-1])


class TestSets(NetworkSuite):
    component = Mover

    def inputs(self) -> tuple[Any, ...]:
        return numbers(4, 5, 6), numbers(4, 3, seed=1)


class _Members(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 2)

    def forward(self, v: Set) -> Tensor:
        return self.layer(v.unfolded()).mean(1)


@network(sets=True)
@attrs.frozen(kw_only=True)
class Members:
    """A network that is called with a Set itself."""

    def build(self, context: Any, v: Set) -> nn.Module:
        return _Members()


class TestASetItself(NetworkSuite):
    component = Members

    def inputs(self) -> tuple[Any, ...]:
        return (Set.fold(numbers(4, 5, 6)),)


@value
@attrs.frozen
class Seen:
    """A code and what a decoder skips to: `@value` over `@attrs.frozen`."""

    code: Code
    skip: Tensor


class _Seer(nn.Module):
    def __init__(self, layout: Any) -> None:
        super().__init__()
        self.layout, self.near, self.far = layout, nn.Conv2d(3, 4, 4, 4), nn.Linear(256, layout.size)

    def forward(self, x: Tensor) -> Seen:
        near = self.near(x)
        return Seen(Code(self.far(near.flatten(1)), self.layout), near)


@encoder
@attrs.frozen(kw_only=True)
class Seer:
    """An encoder with skips."""

    size: int = 0

    def build(self, context: Any, x: Tensor) -> nn.Module:
        if self.size:
            return _Seer(context.code.select(["pose"]))
        return _Seer(context.code)


class TestAnEncoderWithSkips(EncoderSuite):
    component = Seer


def test_a_record_with_a_wrong_code_is_found() -> None:
    class Suite(EncoderSuite):
        component = Seer
        options = {"size": 1}  # noqa: RUF012

    assert "4 numbers; the recipe wants 10" in failures(Suite)["test_gives_what_its_kind_promises"]


def test_records_compare_without_asking_tensors() -> None:
    one = Seen(Code(torch.zeros(2, 3), None), torch.zeros(2))  # type: ignore[arg-type]
    assert one == one
    assert one != attrs.evolve(one)


@loss
def judged(critic: Callable[..., Tensor], image: Tensor) -> Tensor:
    """A loss that takes a network whole."""
    return critic(image).square().mean()


class TestALossOfANetwork(LossSuite):
    component = judged
    constant = (0,)


@operation
def halves(v: Set) -> Set:
    """An operation of whole sets."""
    return Set.fold(v.unfolded() / 2)


class TestAnOperationOfSets(OperationSuite):
    component = halves


@source
@attrs.frozen(kw_only=True)
class Clips:
    """Two clips of three frames."""

    gap: bool = False

    def open(self) -> Images:
        pictures = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)
        frames = np.array([0, 1, 2, 0, 1, 3 if self.gap else 2])
        return Images(pictures, {"clip": Field(np.array([0, 0, 0, 1, 1, 1]), 2), "frame": Field(frames, 4)})


class TestClips(SourceSuite):
    component = Clips


def test_a_missing_frame_is_found(tmp_path: Path) -> None:
    class Suite(SourceSuite):
        component = Clips
        options = {"gap": True}  # noqa: RUF012

    assert "clip 1 has the frames [0, 1, 3]" in failures(Suite, tmp_path)["test_clips_have_their_frames"]


def test_a_wrong_gradient_fits_on_a_screen() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.square().sum()

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> Any:
            return grads[0].expand(4, 3, 4, 4)

    @loss
    def bent(image: Tensor) -> Tensor:
        """A loss with a wrong gradient."""
        return Wrong.apply(image)  # type: ignore[no-any-return]

    class Suite(LossSuite):
        component = bent

    told = failures(Suite)["test_gradient_matches_finite_differences"]
    assert "Jacobian mismatch" in told
    assert len(told) < 500
    with pytest.raises(pytest.fail.Exception) as caught:
        Suite().test_gradient_matches_finite_differences()
    assert caught.value.__suppress_context__                                   # pytest prints no Jacobians above it


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    (tmp_path / "films").mkdir()
    (tmp_path / "mine.yaml").write_text(
        "title: Films\ndata: {source: {type: folder, path: '${NO_SUCH_FILMS}', size: 32}}\ncode: {z: 4}\n"
        "networks: {encoder: {type: mlp_encoder}, generator: {type: mlp_generator}}\n"
        "players: {all: {trains: [encoder, generator], minimizes: {own: 'mse(generator(encoder(x)), x)'}}}\n")
    file = tmp_path / "filmy.py"
    file.write_text("from pathlib import Path\nfrom unbraid import hookimpl\n\n@hookimpl\ndef unbraid_recipes():\n"
                    "    return {'mine': Path(__file__).parent / 'mine.yaml'}\n")
    return file


def test_a_recipe_with_a_variable_is_checked_on_the_suites_data(plugin: Path) -> None:
    from unbraid.testing import PluginSuite

    class Suite(PluginSuite):
        file = plugin
        source = "{type: sprites, size: 8, count: 20}"

    Suite().test_recipes_are_valid()
    text = plugin.with_name("mine.yaml")
    text.write_text(text.read_text().replace("mse(generator(encoder(x)), x)", "mse(encoder(x), x)"))
    with pytest.raises(pytest.fail.Exception, match="mse compares values of one shape"):
        Suite().test_recipes_are_valid()


def test_a_fault_in_the_plugins_own_code_is_told_with_its_line(plugin: Path) -> None:
    from unbraid.testing import PluginSuite

    plugin.write_text(plugin.read_text() + "\nimport attrs\nfrom unbraid import encoder\n\n@encoder\n@attrs.frozen\n"
                      "class Broken:\n    '''An encoder.'''\n    def build(self, context, image):\n"
                      "        return {}[3]\n\n@hookimpl\ndef unbraid_components():\n    return [Broken]\n")
    text = plugin.with_name("mine.yaml")
    text.write_text(text.read_text().replace("mlp_encoder", "filmy.broken"))

    class Suite(PluginSuite):
        file = plugin
        source = "{type: sprites, size: 8, count: 20}"

    with pytest.raises(pytest.fail.Exception, match=r"KeyError: 3; called with \(B, 3, 8, 8\)\n.*filmy.py:16 in build"):
        Suite().test_recipes_are_valid()


class TestBundledSkips(EncoderSuite):
    component = ConvEncoder
    options = {"skips": True, "width": 4}  # noqa: RUF012
    extras = ("skips",)
