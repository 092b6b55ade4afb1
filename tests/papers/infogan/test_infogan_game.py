"""InfoGAN's recipe: whom the information term trains, the game against a hand-written loop, and broken games."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from unbraid.data import open_data
from unbraid.engine import Players, forwards, gradients_reach
from unbraid.model import Model, build_method
from unbraid.values import Noise
from unbraid_configs import load_recipe

BATCH = 16
SMALL = ("data.source={type: sprites, size: 8, count: 200}", f"data.batch={BATCH}", "data.workers=0",
         "code.z=4 uniform", "networks.generator={width: 8, hidden: 32}", "networks.trunk={width: 8, hidden: 32}",
         "networks.posterior.hidden=32")
CUT = tuple(f"players.generator.minimizes.{c}=null" for c in ("c1", "c2", "c3"))
REAL_ONLY = ("flow.q=posterior(trunk(x))",)
WRONG_PRIOR = ("code.c2=1",)


def game(*overrides: str) -> Players:
    recipe = load_recipe("infogan-mnist", [*SMALL, *overrides])
    data = open_data(recipe.data)
    return Players(build_method(recipe, data.facts), data.batch, torch.device("cpu"))


@pytest.fixture
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# -- whom it trains ----------------------------------------------------------------------------------------------------


def check_the_information_trains_both_players(*overrides: str) -> None:
    terms = gradients_reach(game(*overrides).method)
    for c in ("c1", "c2", "c3"):
        assert terms["critic"][c] == ["posterior", "trunk"]
        assert terms["generator"].get(c) == ["generator"]
    assert terms["critic"]["realism"] == ["head", "trunk"]


def test_the_information_trains_both_players() -> None:
    check_the_information_trains_both_players()
    assert forwards(game().method) == {"generator": 1, "trunk": 3, "head": 3, "posterior": 2}


@pytest.mark.parametrize("broken", [CUT, REAL_ONLY], ids=["cut from G", "real images only"])
def test_a_game_in_which_it_does_not_is_seen(broken) -> None:
    with pytest.raises(AssertionError):
        check_the_information_trains_both_players(*broken)


def test_it_moves_what_it_should() -> None:
    """Without the realism terms, everything that moves moves for the information."""
    alone = ("players.critic.minimizes.realism=null", "players.generator.minimizes.realism=null",
             "players.critic.trains=[trunk, posterior]", "networks.head=null")
    players = game(*alone)
    before = copy.deepcopy(players.method.modules)
    players.step(0)
    for name, net in players.method.modules.items():
        pairs = zip(net.parameters(), before[name].parameters(), strict=True)
        assert any(not torch.equal(a, b) for a, b in pairs), name


# -- against a loop ----------------------------------------------------------------------------------------------------


class Loop:
    """The game as the paper's algorithm, with the engine's first weights, batches and noise."""

    def __init__(self, players: Players, *, informs_g: bool = True) -> None:
        self.players, self.nets, self.informs_g = players, copy.deepcopy(players.method.modules), informs_g
        for net in self.nets.values():
            net.requires_grad_(True)
        of_critic = [w for n in ("trunk", "head", "posterior") for w in self.nets[n].parameters()]
        self.critic = torch.optim.Adam(of_critic, lr=2e-4, betas=(0.5, 0.999))
        self.generator = torch.optim.Adam(self.nets["generator"].parameters(), lr=1e-3, betas=(0.5, 0.999))

    def prior(self, step: int) -> Tensor:
        random = Noise(0, torch.device("cpu"), batch=BATCH, step=step, dtype=torch.float64).at("c/operations.prior.1")
        z = 2 * random.uniform(BATCH, 4) - 1
        category = F.one_hot(random.integers(10, BATCH), 10).double()
        return torch.cat([z, category, *(2 * random.uniform(BATCH, 1) - 1 for _ in range(2))], 1)

    def lost(self, seen: Tensor, c: Tensor) -> Tensor:
        """What the players minimise, lambda = 1, but for constants."""
        net = self.nets["posterior"]
        told = net.centre(net.hidden(seen))
        category = F.cross_entropy(told[:, :10], c[:, 4:14].argmax(1))
        return category + 0.5 * (told[:, 10:] - c[:, 14:]).square().sum(1).mean()

    def step(self, step: int) -> None:
        nets = self.nets
        x = self.players.batch(step, 0, frozenset([("x", None)]))["x", None].double()
        c = self.prior(step)
        fake = nets["generator"](c)
        real_score, seen = nets["head"](nets["trunk"](x)), nets["trunk"](fake.detach())
        realism = F.softplus(-real_score).mean() + F.softplus(nets["head"](seen)).mean()
        self.move(self.critic, realism + self.lost(seen, c))
        seen = nets["trunk"](fake)
        realism = F.softplus(-nets["head"](seen)).mean()
        self.move(self.generator, realism + self.lost(seen, c) if self.informs_g else realism)

    def move(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        self.critic.zero_grad()
        self.generator.zero_grad()
        loss.backward()
        optimizer.step()


def compare(*overrides: str, informs_g: bool = True) -> None:
    players = game(*overrides)
    loop = Loop(players, informs_g=informs_g)
    for step in range(10):
        players.step(step)
        loop.step(step)
    for name, net in players.method.modules.items():
        for a, b in zip(net.parameters(), loop.nets[name].parameters(), strict=True):
            assert (a - b).abs().max() <= 1e-9, name        # a bias before batch norm has no gradient but rounding
        for a, b in zip(net.buffers(), loop.nets[name].buffers(), strict=True):
            assert torch.allclose(a, b), name


@pytest.mark.usefixtures("double_precision")
def test_the_game_is_the_papers() -> None:
    compare()


@pytest.mark.usefixtures("double_precision")
def test_the_ablation_without_the_term_in_g_is_the_loop_without_it() -> None:
    compare(*CUT, informs_g=False)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("broken", [CUT, REAL_ONLY, ("weights.discrete=0.9",), ("weights.continuous=0",)])
def test_another_game_is_not(broken) -> None:
    with pytest.raises(AssertionError):
        compare(*broken)


# -- what it learns ----------------------------------------------------------------------------------------------------


def check_a_category_is_learned(*overrides: str) -> None:
    """With rates that suit tiny networks, most categories of new images are told."""
    players = game("train.optimizer.lr=2.0e-3", "players.generator.optimizer.lr=5.0e-3", "code.z=30 uniform",
                   *overrides)
    for step in range(150):
        told = players.step(step).numbers()
    own = Model(players.method, players.method.modules)
    c = own.layout.draw(Noise(1, torch.device("cpu"), batch=500).at("codes"))
    right = (own.infer(own.decode(c)).c1.tensor * c.c1.tensor).sum(1).mean().item()
    assert right > 0.7
    assert told["critic/c1"] > 1.5


def test_a_category_is_learned() -> None:
    check_a_category_is_learned()


@pytest.mark.parametrize("broken", [CUT, REAL_ONLY], ids=["cut from G", "real images only"])
def test_a_broken_game_does_not_learn_it(broken) -> None:
    with pytest.raises(AssertionError):
        check_a_category_is_learned(*broken)


def own_codes(*overrides: str) -> Any:
    players = game("functions.codes()=c", *overrides)
    return Model(players.method, players.method.modules)("codes", n=2000)


def check_the_codes_are_uniform(*overrides: str) -> None:
    for number in own_codes(*overrides).tensor[:, [0, 14, 15]].T:
        assert number.abs().max() <= 1
        assert (number.sort().values - torch.linspace(-1, 1, len(number))).abs().max() < 0.08       # Kolmogorov


def test_the_codes_are_from_their_priors() -> None:
    check_the_codes_are_uniform()
    category = own_codes().c1.tensor
    assert category.sum(1).tolist() == [1] * 2000
    assert category.mean(0).sub(0.1).abs().max() < 0.03


def test_a_wrong_prior_is_seen() -> None:
    with pytest.raises(AssertionError):
        check_the_codes_are_uniform(*WRONG_PRIOR)


# -- what users call ---------------------------------------------------------------------------------------------------


def test_a_code_has_what_q_tells_and_noise() -> None:
    players = game()
    model = Model(players.method, players.method.modules)
    x = torch.rand(5, 4, 8, 8)[:, :players.method.facts.draws["x"].image[0]]
    told, f = model.infer(x), model.code(x)
    assert told.layout.names == ("c1", "c2", "c3")
    assert f.layout == model.layout
    assert torch.equal(f.tensor[:, 4:], told.tensor)
    assert f.z.tensor.unique().numel() == 20
    assert torch.equal(model.code(x).tensor, f.tensor)
    assert model.decoded(f).shape == x.shape
