import pytest
import torch
from torch import nn

from unbraid import Label, Record
from unbraid_plugins.shared.losses import gradient_penalty, r1


class Linear(nn.Module):
    """D(x) = <w, x>: its slope is w everywhere."""

    def __init__(self, size=12):
        super().__init__()
        self.w = nn.Parameter(torch.randn(size, dtype=torch.float64))

    def forward(self, x):
        return (x.flatten(1) @ self.w).unsqueeze(1)


def image(batch=5):
    return torch.rand(batch, 3, 2, 2, dtype=torch.float64)


def test_r1_of_a_linear_critic_is_its_squared_weight():
    critic = Linear()
    loss = r1(critic, image())
    loss.backward()
    assert torch.allclose(loss, critic.w.square().sum())
    assert torch.allclose(critic.w.grad, 2 * critic.w)                  # through the second derivative


def test_r1_of_a_quadratic_critic_depends_on_the_point():
    x = image()
    assert torch.allclose(r1(lambda x: x.flatten(1).square().sum(1, keepdim=True), x),
                          4 * x.square().flatten(1).sum(1).mean())


def test_r1_of_a_pair_adds_the_slopes_of_both():
    a, b = Linear(), Linear()
    loss = r1(lambda x, y: a(x) + b(y), image(), image())
    assert torch.allclose(loss, a.w.square().sum() + b.w.square().sum())
    assert torch.allclose(r1(lambda x, y: a(x), image(), image()), a.w.square().sum())


def test_r1_keeps_labels_constant():
    critic, seen = Linear(), []

    def judge(x, y):
        seen.append(y)
        return critic(x) * y.sum(1, keepdim=True)

    label = Label(torch.tensor([0, 1, 2, 0, 1]), 3)
    assert torch.allclose(r1(judge, image(), label), critic.w.square().sum())
    assert torch.equal(seen[0], label.one_hot())


def test_r1_of_patches_takes_their_mean():
    critic = Linear()
    patches = r1(lambda x: critic(x).expand(-1, 9).unflatten(1, (1, 3, 3)), image())
    assert torch.allclose(patches, critic.w.square().sum())


def test_gradient_penalty_of_a_linear_critic(dice):
    critic = Linear()
    loss = gradient_penalty(critic, image(), image(), random=dice())
    loss.backward()
    norm = critic.w.detach().norm()
    assert torch.allclose(loss, (norm - 1).square())
    assert torch.allclose(critic.w.grad, 2 * (norm - 1) * critic.w / norm)


def test_gradient_penalty_looks_between_real_and_fake(dice):
    seen = []

    def judge(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1, keepdim=True)

    real, fake = torch.ones(100, 1, 2, 2), torch.zeros(100, 1, 2, 2)
    random = dice()
    gradient_penalty(judge, real, fake, random=random)
    assert random.asked == [("uniform", (100,))]
    places = seen[0].flatten(1)
    assert torch.equal(places, places[:, :1].expand(-1, 4))             # one place per sample
    assert 0 <= places.min() < 0.1
    assert 0.9 < places.max() < 1


def test_gradient_penalty_of_a_flat_critic_has_a_finite_gradient(dice):
    critic = Linear()
    nn.init.zeros_(critic.w)
    loss = gradient_penalty(critic, image(), image(), random=dice())
    loss.backward()
    assert loss.item() == 1
    assert torch.isfinite(critic.w.grad).all()


@pytest.mark.parametrize("second_order", [True, False])
def test_arguments_and_grad_mode_stay_as_they_were(dice, second_order):
    critic, real, fake = Linear(), image(), image().requires_grad_()
    with torch.set_grad_enabled(second_order):
        losses = [r1(critic, real), gradient_penalty(critic, real, fake, random=dice())]
        assert torch.is_grad_enabled() is second_order
    assert [loss.requires_grad for loss in losses] == [second_order] * 2
    assert not real.requires_grad
    assert fake.requires_grad
    assert critic.w.requires_grad
    assert real.grad is fake.grad is critic.w.grad is None


def test_a_penalty_trains_the_critic_and_not_what_it_looks_at(dice):
    critic, fake = Linear(), image().requires_grad_()
    loss = gradient_penalty(critic, image(), fake, random=dice())
    assert torch.autograd.grad(loss, fake, allow_unused=True) == (None,)


def test_a_frozen_critic_can_be_penalised_all_the_same():
    critic = Linear().requires_grad_(False)
    assert torch.allclose(r1(critic, image()), critic.w.square().sum())


def test_double_backward_agrees_with_finite_differences(dice):
    critic = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Softplus(), nn.Flatten(), nn.Linear(2, 1)).double()
    x, names = image(3), [n for n, _ in critic.named_parameters()]

    def penalties(*parameters):
        def judge(v):
            return torch.func.functional_call(critic, dict(zip(names, parameters, strict=True)), v)
        return r1(judge, x), gradient_penalty(judge, x, x.flip(0), random=dice())

    assert torch.autograd.gradcheck(penalties, tuple(p.detach().requires_grad_() for p in critic.parameters()))


def test_a_critic_without_scores_is_refused():
    with pytest.raises(ValueError, match="it gives a Record"):
        r1(lambda x: Record({"score": x}), image())


def test_real_and_fake_of_unequal_shape_are_refused(dice):
    with pytest.raises(ValueError, match=r"\(5, 3, 2, 2\) and \(4, 3, 2, 2\)"):
        gradient_penalty(Linear(), image(5), image(4), random=dice())
