"""The typed recipe: one experiment, as attrs classes."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from unbraid_configs.expressions import Condition, Expression
from unbraid_configs.mistakes import Place
from unbraid_registry import Component

SHARE = attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.le(1.0))
BELOW_1 = attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.lt(1.0))


@attrs.frozen(kw_only=True)
class Factor:
    """A factor of the code: its name, the number and the size of its parts, and its prior."""

    name: str
    size: int
    count: int | None = None                       # `8 x 64`: eight parts name1 ... name8 of 64 numbers
    prior: Literal["normal", "uniform", "classes", "binary"] = "normal"


@attrs.frozen(kw_only=True)
class Spec:
    """A component chosen by `type:` with its hyper-parameters.

    value: the attrs object of a class component, or the keyword arguments of a function component.
    """

    component: Component
    value: Any
    options: dict[str, Any] = attrs.Factory(dict)   # as given, for the resolved recipe
    place: Place = attrs.field(default=Place("<recipe>"), eq=False)


@attrs.frozen(kw_only=True)
class Network:
    """A network: its component, the factors that it makes, and the origin of its weights."""

    spec: Spec | None = None                       # None: an average, or taken whole from another run
    code: tuple[str, ...] | None = None            # the factors that it makes; None: all
    image: str | None = None                       # the draw whose image it makes, where draws differ
    from_: str | None = None                       # RUN#network
    freeze: bool = False
    average_of: str | None = None                  # {type: average, of: encoder, decay: 0.999}
    decay: float = attrs.field(default=0.999, validator=SHARE)
    place: Place = attrs.field(default=Place("<recipe>"), eq=False)

    @property
    def gives_logits(self) -> bool:
        """Whether it makes logits instead of pixels: by its option `output: logits`, or a class attribute `logits`."""
        return self.spec is not None and (self.spec.options.get("output") == "logits"
                                          or getattr(self.spec.value, "logits", False) is True)


@attrs.frozen(kw_only=True)
class Draw:
    """One named image of a sample, and the factors that it shares with other images."""

    from_: str | None = None
    same: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    as_: str | None = None
    where: dict[str, Any] = attrs.Factory(dict)
    next: int | None = None
    count: int | None = None
    frames: int | None = None
    place: Place = attrs.field(default=Place("<recipe>"), eq=False)


@attrs.frozen(kw_only=True)
class Data:
    """The sources of images, the draws that make one sample, the batch size and the splits."""

    sources: dict[str, Spec]                       # `source:` alone is stored under the name "source"
    draw: dict[str, Draw]
    batch: int = attrs.field(default=64, validator=attrs.validators.ge(1))
    splits: dict[str, float] = attrs.Factory(lambda: {"train": 0.9, "test": 0.1})
    split_by: str | None = None                    # a factor whose values are never shared between splits
    split_at: dict[str, tuple[float, ...]] = attrs.Factory(dict)   # of a run: the places by which its splits were cut
    workers: int = attrs.field(default=2, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class Optimizer:
    """The optimizer of a player.  lr: a number, or a number times schedules."""

    type: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = "adam"
    lr: Expression = Expression("1.0e-3")
    betas: tuple[float, float] = attrs.field(default=(0.9, 0.999), validator=attrs.validators.deep_iterable(BELOW_1))
    eps: float = attrs.field(default=1e-8, validator=attrs.validators.ge(0))
    momentum: float = attrs.field(default=0.0, validator=BELOW_1)
    weight_decay: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class Player:
    """The networks that a player trains, its optimizer and the losses that it minimises."""

    trains: tuple[str, ...]
    minimizes: dict[str, Expression]
    optimizer: Optimizer | None = None             # None: train.optimizer
    turns: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    when: Condition | None = None
    then: Expression | None = None
    from_step: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    until_step: int | None = None
    clip: float | None = None                      # largest norm of the gradient
    place: Place = attrs.field(default=Place("<recipe>"), eq=False)


@attrs.frozen(kw_only=True)
class Function:
    """A named expression for inference, which the flow may call too: `name(a, b): expression`."""

    name: str
    parameters: tuple[str, ...]
    body: Expression
    place: Place = attrs.field(default=Place("<recipe>"), eq=False)


@attrs.frozen(kw_only=True)
class Train:
    """Settings of the training: its length, its seed, its optimizer, logging, checkpoints and the device."""

    steps: int = attrs.field(default=10_000, validator=attrs.validators.ge(0))      # 0 without players
    seed: int = attrs.field(default=0, validator=attrs.validators.ge(0))
    optimizer: Optimizer = Optimizer()
    moves: Literal["in turn", "together"] = "in turn"
    log_every: int = attrs.field(default=50, validator=attrs.validators.ge(1))
    checkpoint_every: int = attrs.field(default=1000, validator=attrs.validators.ge(1))
    picture_every: int = attrs.field(default=1000, validator=attrs.validators.ge(1))
    keep: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    keep_best: str | None = None                   # a logged value, smaller is better: "autoencoder/rebuild"
    max_minutes: float | None = None               # early stop after this much wall-clock time
    device: str = "auto"
    precision: Literal["float32", "bf16"] = "float32"
    compile: bool | None = None                    # None: if it is faster in a short trial, as channels_last
    cuda_graphs: bool = False                      # of the compiled networks
    channels_last: bool | None = None
    accumulate: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    average: float | None = attrs.field(           # decay of the EMA weights that functions use
        default=None, validator=attrs.validators.optional(SHARE))
    tensorboard: bool = True


@attrs.frozen(kw_only=True)
class Recipe:
    """One experiment."""

    title: str = ""
    paper: str = ""
    requires: dict[str, str] = attrs.Factory(dict)
    data: Data
    code: dict[str, Factor] = attrs.Factory(dict)
    weights: dict[str, Expression] = attrs.Factory(dict)
    networks: dict[str, Network] = attrs.Factory(dict)
    flow: dict[tuple[str, ...], Expression] = attrs.Factory(dict)     # by the names that a line defines
    players: dict[str, Player] = attrs.Factory(dict)
    watch: dict[str, Expression] = attrs.Factory(dict)
    functions: dict[str, Function] = attrs.Factory(dict)
    train: Train = Train()
    tree: Any = attrs.field(default=None, eq=False, repr=False)       # the raw resolved tree with origins
