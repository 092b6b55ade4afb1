"""Trained models: the functions of a recipe on images, and the edits that every method with named factors has."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor, nn

from unbraid.data import DataFacts, read_image
from unbraid.flow import FunctionGraph
from unbraid.model.ambient import pinned
from unbraid.model.arrays import ModelError, code_numbers, in_range, numbers
from unbraid.model.compute import Environment, EvaluationError, evaluate
from unbraid.model.method import Method, build_method
from unbraid.runs import Run, load_weights
from unbraid.values import (
    Code,
    Gaussian,
    Label,
    Layout,
    Noise,
    Record,
    Set,
    Value,
    choose,
    code,
    map_tensors,
    plain,
    tensors,
)

Picture: TypeAlias = "Tensor | np.ndarray | Image | str | Path | Sequence[Tensor | np.ndarray | Image | str | Path]"


@attrs.define(eq=False)
class Model:
    """A method with weights.  Call its functions by name: `model.encode(images)`, `model("translate", x)`.

    Images are tensors or arrays (B, C, H, W) or (C, H, W), also with the channels last, floats in [0, 1] or whole
    numbers 0 ... 255; or PIL's, paths of image files, lists of these. Clips are (B, T, C, H, W) or (T, C, H, W). Codes
    are `Code` values or tensors of their size. Results are values on the model's device.
    """

    method: Method
    modules: dict[str, nn.Module]
    device: torch.device = torch.device("cpu")
    run: Run | None = None
    step: int = 0

    def __attrs_post_init__(self) -> None:
        for module in self.modules.values():
            module.to(self.device).eval().requires_grad_(False)
        for name in self.method.wants_sets & self.modules.keys():
            self.modules[name].wants_sets = True  # type: ignore[assignment]

    @property
    def layout(self) -> Layout:
        """The layout of the recipe's code."""
        return self.method.layout

    @property
    def functions(self) -> dict[str, tuple[str, ...]]:
        """The functions that the recipe offers, with their parameters."""
        return {name: f.parameters for name, f in self.method.recipe.functions.items()
                if name not in self.method.lacking}

    def __getattr__(self, name: str) -> Callable[..., Value]:
        if name.startswith("_") or name not in self.method.recipe.functions:
            raise AttributeError(f"the model has no function {name!r}; it has {', '.join(self.functions)}")
        return lambda *arguments, **options: self(name, *arguments, **options)

    @torch.inference_mode()
    def __call__(self, function: str, *arguments: Any, n: int = 1, seed: int = 0,
                 fields: Mapping[str, Any] | None = None) -> Value:
        """Call a function of the recipe.  Raises ModelError.

        n: the batch size where no argument has one.
        seed: the seed of its random operations.
        fields: fields of images, where the function reads some, as {"x.joints": ...}.
        """
        self._body(function)
        names = self.functions[function]
        if len(arguments) != len(names):
            raise ModelError(f"{function}({', '.join(names)}) is called with {len(arguments)} arguments")
        known = self.method.parameters[function]
        given = dict(zip(names, arguments, strict=True)) | dict(fields or {})
        missing = [name for name in known if name not in given]
        if missing:
            raise ModelError(f"{function}({', '.join(names)}) also needs {', '.join(missing)}",
                             hint=f"{function}({', '.join(names)}, fields={{{missing[0]!r}: ...}})")
        given = {name: self._argument(v, known.get(name)) for name, v in given.items()}
        sizes = [t.shape[0] for v in given.values() for t in tensors(v) if t.ndim]
        noise = Noise(seed, self.device, batch=sizes[0] if sizes else n, dtype=torch.get_default_dtype())
        return self.evaluated(function, given, noise)

    def evaluated(self, function: str, given: Mapping[str, Value], noise: Noise) -> Value:
        """Compute a function from the values of its parameters, and of `parameter.field`; torch can trace it.

        noise: the noise of its random operations.  Raises ModelError.
        """
        body, names = self._body(function), self.functions[function]
        environment = Environment(self.modules, self.method.layouts, self.layout, noise, parameters=given,
                                  step=self.step)
        try:
            value, = evaluate(environment, body.result)
        except EvaluationError as error:
            other = [tuple(v.shape[1:]) for v in given.values() if isinstance(v, Tensor) and v.ndim == 4]
            sizes = f"; images of {self.image_shape} are expected" * any(shape != self.image_shape for shape in other)
            raise ModelError(f"{function}({', '.join(names)}): {error.message}{sizes}",
                             hint=error.hint) from error.__cause__
        return value

    def _body(self, name: str) -> FunctionGraph:
        if name in self.method.lacking:
            raise self.method.lacking[name]
        if name not in self.method.function_graphs:
            raise ModelError(f"the model has no function {name!r}; it has {', '.join(self.functions) or 'none'}",
                             hint=f"the recipe declares functions: {name}({'f' if name == 'decode' else 'x'}): ...")
        return self.method.function_graphs[name]

    def _argument(self, v: Any, known: Value | None) -> Value:
        """Convert a user's argument to the kind of value with which the function was checked."""
        if isinstance(known, Code) and not isinstance(v, Code | Gaussian | Record | str | Path):
            return Code(code_numbers(v, known.tensor.shape[1], known.tensor.ndim).to(self.device), known.layout)
        if isinstance(known, Label) and isinstance(v, Tensor | np.ndarray):
            return Label(torch.as_tensor(v, device=self.device).long(), known.classes)
        if isinstance(known, Set) and not isinstance(v, Set):
            return self.clips(v)
        sizes = {d.image for d in self.method.facts.draws.values()}
        is_picture = isinstance(known, Tensor) and known.shape[1:] in sizes
        first = v[0] if isinstance(v, list | tuple) and v else v
        if (is_picture and not isinstance(v, Set)) or isinstance(first, str | Path):
            return self.images(v)
        if isinstance(v, np.ndarray):
            v = torch.as_tensor(v)
        return map_tensors(lambda t: t.to(self.device), v)

    def images(self, pictures: Picture) -> Tensor:
        """Convert pictures to floats (B, C, H, W) in [0, 1]; files and PIL's are resized.

        Raises ModelError, PictureError.
        """
        channels, height, width = self.image_shape
        if isinstance(pictures, list | tuple):
            found = [self.images(picture) for picture in pictures]
            if len({image.shape[1:] for image in found}) != 1:
                raise ModelError("expected a list of images of one size, got " + (
                    ", ".join(sorted({str(tuple(image.shape[1:])) for image in found})) or "an empty one"))
            pictures = torch.cat(found)
        elif isinstance(pictures, str | Path | Image):
            file = pictures if isinstance(pictures, Image) else Path(pictures)
            pictures = read_image(file, (height, width), channels)
        if not isinstance(pictures, Tensor | np.ndarray):
            raise ModelError(f"expected images, got {type(pictures).__name__}")
        images = numbers(pictures).to(self.device)
        if images.ndim == 3:
            images = images.unsqueeze(0)
        if images.ndim == 4 and images.shape[1] != channels and images.shape[-1] == channels:
            images = images.movedim(-1, 1)
        if images.ndim != 4 or images.shape[1] not in {d.image[0] for d in self.method.facts.draws.values()}:
            raise ModelError(f"expected images (B, {channels}, {height}, {width}), got {tuple(images.shape)}")
        return in_range(images)

    def clips(self, frames: Picture) -> Set:
        """Convert clips (B, T, C, H, W) or (T, C, H, W), or the files of one clip's frames, to a set of images.

        Raises ModelError, PictureError.
        """
        found = numbers(frames) if isinstance(frames, Tensor | np.ndarray) else self.images(frames)
        found = found.unsqueeze(0) if found.ndim == 4 else found
        if found.ndim != 5:
            raise ModelError(f"expected clips (B, T, C, H, W), got {tuple(found.shape)}")
        return Set(self.images(found.flatten(0, 1)), found.shape[1])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of the training images; that of the first draw, if they differ."""
        return next(iter(self.method.facts.draws.values())).image

    # -- what every method with `encode` and `decode` can do, with images or their codes ------------------------------

    def code(self, pictures: Picture | Code, fields: Mapping[str, Any] | None = None) -> Code:
        """Return the codes of images: the output of `encode`, or its mean if it is a distribution; a code as it is."""
        return pictures if isinstance(pictures, Code) else code_of(self("encode", pictures, fields=fields), self.layout)

    def decoded(self, f: Code) -> Tensor:
        """Return the images of codes, clipped to [0, 1].  A generator of logits needs `decode(z): sigmoid(y)`."""
        return plain(self("decode", f)).clamp(0, 1)

    def reconstruct(self, pictures: Picture | Code) -> Tensor:
        """Return decode(encode(x))."""
        return self.decoded(self.code(pictures))

    @property
    def translations(self) -> dict[tuple[str, str], str]:
        """The functions between domains by source and target: `a_to_b(x)` has the key ("a", "b")."""
        ends = {name: name.partition("_to_") for name, taken in self.functions.items() if len(taken) == 1}
        return {(a, b): name for name, (a, to, b) in ends.items() if a and to and b}

    def translate(self, pictures: Picture, source: str, target: str) -> Tensor:
        """Translate images between domains by the recipe's function `source_to_target`.  Raises ModelError."""
        if (source, target) not in self.translations:
            known = ", ".join(f"{a} to {b}" for a, b in self.translations)
            raise ModelError(f"the model does not translate from {source!r} to {target!r}",
                             hint=f"it translates {known}" if known else
                             "it has no function between domains, such as  a_to_b(x): ...")
        return plain(self(self.translations[source, target], pictures)).clamp(0, 1)

    def swap(self, a: Picture | Code, b: Picture | Code, *factors: str) -> Tensor:
        """Return the images a with these factors of the images b.  Raises ModelError for an unknown factor."""
        self._known(factors)
        fa, fb = self.code(a), self.code(b)
        if len(fa.tensor) != len(fb.tensor) != 1:
            raise ModelError(f"{len(fa.tensor)} images can't have factors of {len(fb.tensor)}: give as many, or one")
        return self.decoded(code.swap(fa, fb, *factors))

    def interpolate(self, a: Picture | Code, b: Picture | Code, steps: int = 8, factor: str | None = None) -> Tensor:
        """Interpolate the code, or one factor, from a to b in `steps` images: (steps, C, H, W) for single images."""
        if not isinstance(steps, int | np.integer) or steps < 1:
            raise ModelError(f"an interpolation has a whole number of steps from 1, not {steps!r}")
        fa, fb = self.code(a), self.code(b)
        target = fb if factor is None else code.swap(fa, fb, factor)
        return torch.cat([self.decoded(code.interpolate(fa, target, by=float(t))) for t in np.linspace(0, 1, steps)])

    def traverse(self, picture: Picture | Code, number: int, values: Sequence[float]) -> Tensor:
        """Set one dimension of an image's code to each of these values and decode it: (len(values), C, H, W)."""
        f = self.code(picture)
        if number not in range(self.layout.size):
            raise ModelError(f"the code has the numbers 0 ... {self.layout.size - 1}, not {number!r}")
        tensor = f.tensor[:1].repeat(len(values), *[1] * (f.tensor.ndim - 1))
        tensor[:, number] = torch.as_tensor(values, device=tensor.device, dtype=tensor.dtype).reshape(
            -1, *[1] * (tensor.ndim - 2))
        return self.decoded(Code(tensor, f.layout))

    def sample(self, n: int = 16, seed: int = 0, codes: Mapping[str, Any] | None = None,
               like: Picture | None = None) -> Tensor:
        """Sample images from the recipe's `generate()`; without it, or with `codes`, from a variational code's prior.

        codes: factors to fix, as {"c1": 3, "c2": -0.5}; the others are drawn.  `values.choose` describes their values.
        like: images whose codes give the parts over which the method learns no distribution.
        Raises ModelError where the method has no prior, and ChoiceError.
        """
        if "generate" in self.functions and not codes and like is None:
            return plain(self("generate", n=n, seed=seed)).clamp(0, 1)
        return self.decoded(choose(self.prior(n, seed, like), codes or {}))

    def prior(self, n: int = 1, seed: int = 0, like: Picture | None = None) -> Code:
        """Sample codes (n, D) from the prior that the recipe's `code:` declares.

        Raises ModelError where the method has no prior, or can't make an image from a code alone.
        """
        if not self.method.variational and "generate" not in self.functions:
            raise ModelError("this method learns no distribution over codes to sample from",
                             hint="mix the factors of images instead: unbraid edit RUN swap A.png B.png --factor ...")
        if len(self.functions.get("decode", ())) != 1 or not self.layout.size:
            raise ModelError("the recipe has no `decode(f)`: what its code says is not asked for when images are made",
                             hint="sample without choosing codes")
        drawn = self.layout.draw(Noise(seed, self.device, batch=n, dtype=torch.get_default_dtype()).at("sample"))
        rest = [name for name in self.layout.names if name not in self.method.priors]
        if like is not None:
            f = self.code(like)
            each = Code(f.tensor.repeat_interleave(-(-n // len(f.tensor)), 0)[:n], f.layout)
            return code.swap(each, drawn, *self.method.priors)
        if rest and "generate" not in self.functions:
            raise ModelError(f"this method learns no distribution over {', '.join(rest)}; only over "
                             f"{', '.join(n for n in self.layout.names if n not in rest)}",
                             hint="take the rest from an image: unbraid sample RUN --like A.png, or sample(like=...)")
        return drawn

    def retrieve(self, query: Picture | Code, bank: Picture | Code, factor: str | None = None, k: int = 5) -> Tensor:
        """Return the indices (B, k) of the k bank images nearest to each query, by a factor or the whole code."""
        q, b = self.code(query), self.code(bank)
        if factor is not None:
            self._known([factor])
            q, b = q.part(factor), b.part(factor)
        if k not in range(1, len(b.tensor) + 1):
            raise ModelError(f"the bank has {len(b.tensor)} images, so that k is 1 ... {len(b.tensor)}, not {k!r}")
        return torch.cdist(q.tensor.flatten(1), b.tensor.flatten(1)).topk(k, largest=False).indices

    def _known(self, factors: Sequence[str]) -> None:
        for name in factors:
            if name not in self.layout:
                raise ModelError(f"the code has no factor {name!r}; it has {', '.join(self.layout.all_names)}")


def code_of(v: Value, layout: Layout) -> Code:
    """Return an encoder's output as one code: a distribution's mean, a record's codes joined.  Raises ModelError."""
    if isinstance(v, Gaussian):
        v = v.mean
    if isinstance(v, Record):
        parts = [p.mean if isinstance(p, Gaussian) else p for p in v.parts.values()]
        codes = [p for p in parts if isinstance(p, Code)]
        v = code.join(*codes) if codes else v
    if isinstance(v, Tensor) and v.ndim >= 2 and v.shape[1] == layout.size:
        v = Code(v, layout)
    if not isinstance(v, Code):
        raise ModelError(f"`encode` gives a {type(v).__name__.lower()}, not a code")
    return v


def load(run: str | Path, *, device: str = "cpu", averaged: bool = True, step: int | None = None,
         overrides: Sequence[str] = ()) -> Model:
    """Load the model of a run's last checkpoint, or of the given step; read only the recipe and tensors, run no code.

    averaged: use EMA weights where the training kept them.
    overrides: `a.b.c=value`, changes of the run's recipe where it no longer fits the installed plugins.

    Warns of plugins that are another version than the run was made with. A plugin that is gone matters only where a
    function needs it.  Raises RunError, CheckpointError, RecipeError, ModelError, MissingPlugin.

    >>> import torch, unbraid
    >>> model = unbraid.load("runs/first")
    >>> model.encode(torch.rand(4, 3, 32, 32)).tensor.shape
    torch.Size([4, 64])
    """
    try:
        place = torch.device(device)
    except RuntimeError:
        raise ModelError(f"there is no device {device!r}", hint="cpu, cuda or cuda:N") from None
    found = Run.at(run)
    record, recipe, former = found.record(), found.recipe(overrides), found.plugins()
    reached, weights = found.weights(step, averaged=averaged)
    with pinned():
        method = build_method(recipe, facts_of(record, found), catalog=former)
    if method.lacking and len(method.lacking) == len(recipe.functions):
        raise next(iter(method.lacking.values()))
    for change in former.changes:
        if change.now:
            warnings.warn(f"{change}  ({change.remedy} for the former)", stacklevel=2)
    modules = {name: m for name, m in method.modules.items()
               if found.whole or name in weights or not m.state_dict()}        # a renderer has no weights
    for name, module in modules.items():
        load_weights(module, weights.get(name, {}), f"{found.folder}#{name}")
    return Model(method, modules, place, found, reached)


def facts_of(record: dict[str, Any], run: Run) -> DataFacts:
    """Return the facts about its data that a run recorded.  Raises ModelError."""
    try:
        return DataFacts.from_json(record["data"])
    except Exception as error:
        raise ModelError(f"{run.record_file} does not tell what its data was: {type(error).__name__}",
                         hint="the file is damaged") from None
