"""What every component of the shared families promises: it is found, described, and runs on the meta device."""

import inspect

import pytest
import torch
from torch.func import functional_call

from unbraid import Code, Gaussian, Label, Layout, Set
from unbraid_configs import Factor
from unbraid_plugins.papers import infogan, mixing, vae
from unbraid_plugins.papers.infogan.recognition import Guess
from unbraid_plugins.shared import convnets, losses, operations
from unbraid_plugins.shared.losses import gan, hinge, lsgan, wgan
from unbraid_registry import NETWORK_KINDS, registry

PLUGINS = {"convnets": convnets, "losses": losses, "gan": gan, "hinge": hinge, "lsgan": lsgan, "wgan": wgan,
           "operations": operations, "vae": vae, "mixing": mixing, "infogan": infogan}
COMPONENTS = {f"{name}.{c.__unbraid__.name}": c
              for name, plugin in PLUGINS.items() for c in plugin.unbraid_components()}
NETWORKS = {name: c for name, c in COMPONENTS.items() if c.__unbraid__.kind in NETWORK_KINDS}
FUNCTIONS = {name: c for name, c in COMPONENTS.items() if c.__unbraid__.kind in ("loss", "operation")}
LAYOUT = Layout.of({"chunk": Factor(name="chunk", count=2, size=3), "pose": Factor(name="pose", size=4)})


def meta(*shape, **options):
    return torch.empty(shape, device="meta", **options)


def image():
    return meta(2, 3, 64, 64)


def scores():
    return meta(2, 1)


def code():
    return Code(meta(2, 10), LAYOUT)


def label():
    return Label(meta(2, dtype=torch.long), 5)


def guess():
    return Guess(meta(2, 10), meta(2, 10), LAYOUT)


def film():
    return Set(meta(6, 3), 3)


def doubled(v):
    return Set(2 * v.folded, v.count)


def judge(x):
    return x.flatten(1).square().sum(1, keepdim=True)


CALLS = {
    "losses.mse": (image(), image()), "losses.l1": (image(), image()), "losses.bernoulli": (image(), image()),
    "losses.gaussian_nll": (image(), image()), "losses.laplace_nll": (image(), image()),
    "losses.masked_mse": (image(), image(), meta(2, 1, 64, 64)),
    "losses.masked_l1": (image(), image(), image()), "losses.smooth": (image(),),
    "losses.binary_cross_entropy": (scores(), 0.5), "losses.cross_entropy": (meta(2, 5), label()),
    "losses.accuracy": (meta(2, 5), label()), "losses.label_mse": (meta(2, 3), meta(2, 3)),
    "losses.kl": (Gaussian(code(), meta(2, 10)),), "losses.mean": (scores(),), "losses.cycle": (image(), image()),
    "losses.cycle_code": (code(), code()), "losses.r1": (judge, image()),
    "losses.gradient_penalty": (judge, image(), image()),
    **{f"{family}.{side}": (scores(),) * (1 if side == "fool" else 2) for family in ("gan", "hinge", "lsgan", "wgan")
       for side in ("tell_apart", "fool")},
    "gan.accuracy": (scores(), scores()),
    "operations.normal": (), "operations.uniform": (), "operations.prior": (), "mixing.random_mask": (),
    "operations.sample": (Gaussian(code(), meta(2, 10)),), "operations.permute_dims": (code(),),
    "operations.mix": (code(), code(), meta(2, 3)), "operations.swap": (code(), code()), "operations.join": (code(),),
    "operations.interpolate": (code(), code()), "operations.one": (film(),), "operations.mean_of": (film(),),
    "operations.last": (film(),), "operations.rollout": (doubled, film()),
    "operations.before_last": (film(),), "operations.after_first": (film(),), "operations.both": (code(), code()),
    "operations.halves": (code(),), "operations.concat": (scores(), scores()), "operations.one_hot": (label(),),
    "operations.random_label": (label(),), "operations.most_likely": (meta(2, 5),),
    "operations.as_factor": (meta(2, 4),), "operations.absolute": (image(),), "operations.sigmoid": (image(),),
    "operations.clip_weights": (torch.nn.Linear(2, 2, device="meta"),),
    "infogan.information": (guess(), code()), "infogan.mode": (guess(),),
    "vae.annealed_kl": (Gaussian(code(), meta(2, 10)),), "vae.kl_per_dimension": (Gaussian(code(), meta(2, 10)),),
    **{f"vae.{part}": (meta(2, 10), Gaussian(code(), meta(2, 10)))
       for part in ("total_correlation", "index_code_information", "dimension_wise_kl")},
    "vae.dip": (Gaussian(code(), meta(2, 10)),),
    "vae.density_ratio": (meta(2, 2),), "vae.tell_shuffled": (meta(2, 2), meta(2, 2)),
}
OPTIONS = {"size": 3, "by": 0.5, "factor": "pose", "limit": 0.01, "capacity": 5.0, "off": 10.0, "diag": 100.0,
           "layout": LAYOUT, "name": "pose"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_losses_and_operations_run_on_the_meta_device(name, dice):
    function = FUNCTIONS[name]
    wanted = {p.name for p in inspect.signature(function).parameters.values()
              if p.kind is p.KEYWORD_ONLY and (p.default is p.empty)}
    options = {k: dice(batch=2, device="meta") if k == "random" else OPTIONS[k] for k in wanted}
    out = function(*CALLS[name], **options)
    if function.__unbraid__.kind == "loss":
        assert out.shape == ()
    for leaf in torch.utils._pytree.tree_leaves(out):
        assert leaf is None or leaf.is_meta


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_run_on_the_meta_device_for_training_and_keep_their_state(name, context):
    spec = NETWORKS[name]()
    kind = spec.__unbraid__.kind
    vector = kind in ("generator", "network") and "trunk" not in name
    inputs = (meta(2, 10),) if vector else (image(),) * (3 if "classifier" in name else 1)
    with torch.device("meta"):
        assert spec.build(context(3, 64, 64), *inputs) is not None      # it can be built there, too
    module = spec.build(context(3, 64, 64), *inputs)
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    before = {n: t.clone() for n, t in state.items()}
    out = functional_call(module, {n: torch.empty_like(t, device="meta") for n, t in state.items()}, inputs)
    assert all(leaf.is_meta for leaf in torch.utils._pytree.tree_leaves(out))
    for n, t in {**dict(module.named_parameters()), **dict(module.named_buffers())}.items():
        assert torch.equal(t, before[n]), n


@pytest.mark.parametrize("option", ["spectral", "batch"])
def test_normalised_critics_run_on_the_meta_device(option, context):
    module = convnets.ResCritic(norm=option, heads=("kind",)).build(context(kind=3), meta(2, 3, 16, 16))
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    out = functional_call(module, {n: torch.empty_like(t, device="meta") for n, t in state.items()}, meta(2, 3, 16, 16))
    assert out.parts["kind"].shape == (2, 3)


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_are_in_the_catalog_with_a_sentence_about_themselves(name):
    component = registry().catalog.find(name)
    assert component.target is COMPONENTS[name]
    assert component.bundled
    assert 10 < len(component.summary) <= 120
    assert any(said in COMPONENTS[name].__doc__ for said in ("Returns", "->", "in place"))
    assert "random" not in {o.name for o in component.options}
    assert "layout" not in {o.name for o in component.options}


def test_no_call_is_forgotten():
    assert set(CALLS) == set(FUNCTIONS)
