import pytest
import torch
from torch.nn import functional

from unbraid_plugins.shared.losses import gan, hinge, lsgan, wgan

FAMILIES = [gan, hinge, lsgan, wgan]


def scores():
    return 3 * torch.randn(6, 2, dtype=torch.float64), 3 * torch.randn(6, 2, dtype=torch.float64)


def test_gan_is_the_cross_entropy_of_a_real_fake_classifier():
    real, fake = scores()
    bce = functional.binary_cross_entropy_with_logits
    expected = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    assert torch.allclose(gan.tell_apart(real, fake), expected)
    assert torch.allclose(gan.fool(fake), bce(fake, torch.ones_like(fake)))


def test_hinge_by_hand():
    real, fake = torch.tensor([[2.0], [0.5]]), torch.tensor([[-3.0], [1.0]])
    assert hinge.tell_apart(real, fake).item() == (0 + 0.5) / 2 + (0 + 2) / 2
    assert hinge.fool(fake).item() == 1


def test_lsgan_by_hand():
    real, fake = torch.tensor([[2.0], [0.0]]), torch.tensor([[-3.0], [1.0]])
    assert lsgan.tell_apart(real, fake).item() == 0.5 * (1 + 1) / 2 + 0.5 * (9 + 1) / 2
    assert lsgan.fool(fake).item() == 0.5 * (16 + 0) / 2


def test_wgan_by_hand():
    real, fake = torch.tensor([[2.0], [0.0]]), torch.tensor([[-3.0], [1.0]])
    assert wgan.tell_apart(real, fake).item() == -1 - 1
    assert wgan.fool(fake).item() == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_the_two_sides_pull_in_opposite_directions(family):
    real, fake = (torch.zeros(4, 1, requires_grad=True) for _ in range(2))
    up, down = torch.autograd.grad(family.tell_apart(real, fake + 0.5), (real, fake))
    assert (up < 0).all()                                               # minimising it raises the scores of real images
    assert (down > 0).all()
    fooling, = torch.autograd.grad(family.fool(fake), fake)
    assert (fooling < 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_of_unequal_shape_are_refused(family):
    with pytest.raises(ValueError, match=r"tell_apart.*\(4, 1\) and \(4, 2\)"):
        family.tell_apart(torch.zeros(4, 1), torch.zeros(4, 2))


@pytest.mark.parametrize("family", [gan, lsgan, wgan])
def test_gradients_agree_with_finite_differences(family):
    real, fake = (s.requires_grad_() for s in scores())
    assert torch.autograd.gradcheck(family.tell_apart, (real, fake))
    assert torch.autograd.gradcheck(family.fool, fake)


def test_gan_is_finite_for_certain_scores():
    far = torch.full((2, 1), 1e4)
    assert gan.tell_apart(-far, far).item() == 2e4
    assert gan.tell_apart(far, -far).item() == 0


def test_gan_accuracy_counts_both_sides():
    real, fake = torch.tensor([[1.0], [-1.0]]), torch.tensor([[-1.0], [-2.0]])
    assert gan.accuracy(real, fake).item() == 0.75
    assert gan.accuracy(torch.zeros(2, 1), torch.zeros(2, 1)).item() == 0
