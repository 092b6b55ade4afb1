"""Components that stand in for the plugins': some typed, some that take any option a method uses."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from unbraid_configs import Recipe
from unbraid_registry import Catalog, Component
from unbraid_registry.component import critic, encoder, generator, loss, network, operation, source


class Pool(enum.Enum):
    MEAN = "mean"
    MAX = "max"


@encoder
@attrs.frozen(kw_only=True)
class ConvEncoder:
    """A stand-in for convolutions."""

    width: int = attrs.field(default=32, validator=attrs.validators.ge(1))
    dropout: float = attrs.field(default=0.0, validator=[attrs.validators.ge(0), attrs.validators.lt(1)])
    norm: Literal["none", "batch", "instance"] = "none"
    gaussian: bool | str | tuple[str, ...] = False
    layers: tuple[int, ...] = (32, 64)
    kernel: tuple[int, int] = (4, 4)
    name: str = ""
    pool: Pool = Pool.MEAN
    limit: float | None = None
    scales: dict[str, float] = attrs.Factory(dict)
    skips: bool = False
    confidence: bool = False


@generator
@attrs.frozen(kw_only=True)
class ConvGenerator:
    """A stand-in for transposed convolutions."""

    width: int = 32
    range: Literal["sigmoid", "tanh"] = "sigmoid"
    channels: int | None = None


@critic
@attrs.frozen(kw_only=True)
class ConvCritic:
    """A stand-in for a critic."""

    width: int = 32
    heads: tuple[str, ...] = ()
    fake: str | None = None


@network
@attrs.frozen(kw_only=True)
class Mlp:
    """A stand-in for a perceptron; `out` or the recipe's code says its size."""

    out: int | None = None
    hidden: Sequence[int] = (256,)
    low: float = 0.0
    high: float = 1.0

    def __attrs_post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError("low must be below high")


@network
@attrs.frozen(kw_only=True)
class LabelHead:
    """A stand-in with an option that it needs."""

    of: str


@source
@attrs.frozen(kw_only=True)
class Folder:
    """A stand-in for a folder of images."""

    path: Path = Path("images")
    size: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    rename: dict[str, str] = attrs.Factory(dict)


@source
def sprites(*, colours: int = 3, seed: int = 0) -> Any:
    """A stand-in source that is a function."""


@loss
def mse(a: Any, b: Any, *, of: str = "", note: str = "") -> Any:
    """A stand-in loss."""


# losses and operations by their names, with :options
TYPED = "halves mix sample kl smooth l1 mean binary_cross_entropy gan.tell_apart gan.fool wgan.tell_apart wgan.fool"
METHODS = """
    after_first before_last bernoulli clip_weights:limit composite cross_entropy dip:off:diag drnet.shuffle_half energy
    fuse gan.accuracy hinge_energy:margin join joint_mask last_class masked_mse mixing.random_mask nll normal:size:std
    one other permute_dims pose_maps prior r1 random_label sh_shading total_correlation uniform:size unit_normals
    viewpoints:yaw:pitch white_shading"""


def functions(names: str) -> list[Component]:
    """Stand-ins for losses and operations, which take what they are given."""
    def made(full: str, options: Sequence[str] = ()) -> Component:
        def called(*values: Any, **_: Any) -> Any:
            """A stand-in."""

        values = inspect.Parameter("values", inspect.Parameter.VAR_POSITIONAL)
        called.__signature__ = inspect.Signature([values, *(  # type: ignore[attr-defined]
            inspect.Parameter(o, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any) for o in options)])
        plugin, _, name = full.rpartition(".")
        return component(operation(name=name)(called), plugin or "operations")

    return [made(full, options) for full, *options in (f.split(":") for f in names.split())]


def component(target: Any, plugin: str = "convnets", bundled: bool = True) -> Component:
    mark = target.__unbraid__
    return Component(kind=mark.kind, name=mark.name, target=target, plugin=plugin, bundled=bundled)


def typed_catalog() -> Catalog:
    catalog = Catalog()
    catalog.add(
        *(component(t) for t in (ConvEncoder, ConvGenerator, ConvCritic, Mlp, LabelHead)),
        component(Folder, "sources"),
        component(sprites, "sources"),
        component(mse, "losses"),
        *functions(TYPED),
    )
    return catalog


def _any(kind: Any, name: str, plugin: str, *options: str) -> Component:
    fields = {option: attrs.field(default=None, type=Any) for option in options}
    return component(kind(name=name)(attrs.make_class(name.title(), fields, kw_only=True, frozen=True)), plugin)


def methods_catalog() -> Catalog:
    """Everything that the lecture's thirteen methods name."""
    catalog = typed_catalog()
    catalog.add(*functions(METHODS))
    for full in (
        "mixing.chunk_classifier",
        "unit.front",
        "unit.shared gaussian",
        "unit.back",
        "unit.look",
        "unit.coupled_critic",
        "convnets.energy_autoencoder",
        "viewgraph.hog",
        "viewgraph.graph",
        "shape3d.surfaces",
        "renderers.mesh_renderer",
        "convnets.trunk",
        "convnets.mlp_critic",
        "convnets.posterior",
        "drnet.lstm",
        "people.roi_encoder",
        "people.tiled_unet",
    ):
        name, *options = full.split()
        catalog.add(_any(network, name.split(".")[1], name.split(".")[0], *options))
    for full in (
        "cars",
        "svhn",
        "mnist",
        "intrinsic_faces",
        "dsprites",
        "moving_glyphs",
        "heads",
        "people",
        "encoded run function",
    ):
        name, *options = full.split()
        catalog.add(_any(source, name, "sources", *options))
    return catalog


@attrs.define
class Plugins:
    """A stand-in for the registry."""

    catalog: Catalog = attrs.Factory(typed_catalog)
    recipes: dict[str, Path] = attrs.Factory(dict)


def fields_of(recipe: Recipe) -> dict[str, Any]:
    return {f.name: getattr(recipe, f.name) for f in attrs.fields(Recipe) if f.eq}
