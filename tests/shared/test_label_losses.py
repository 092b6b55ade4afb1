import pytest
import torch
from torch.nn import functional

from unbraid import Label
from unbraid_plugins.shared.losses import accuracy, binary_cross_entropy, cross_entropy, label_mse


def test_binary_cross_entropy_is_that_of_torchs_bernoulli():
    logits, target = torch.randn(5, 3, dtype=torch.float64), torch.rand(5, 3, dtype=torch.float64)
    p = logits.sigmoid()
    assert torch.allclose(binary_cross_entropy(logits, target), functional.binary_cross_entropy(p, target))
    assert torch.allclose(binary_cross_entropy(logits, 0.95), -(0.95 * p.log() + 0.05 * (1 - p).log()).mean())
    assert torch.allclose(binary_cross_entropy(logits, 1), -p.log().mean())


def test_binary_cross_entropy_towards_one_half_is_least_where_nothing_is_told():
    logits = torch.zeros(4, 1, requires_grad=True)
    loss = binary_cross_entropy(logits, 0.5)
    loss.backward()
    assert loss.item() == pytest.approx(0.6931472)
    assert logits.grad.abs().max() == 0


def test_binary_cross_entropy_refuses_to_broadcast():
    with pytest.raises(ValueError, match=r"\(5, 3\) and \(1, 3\)"):
        binary_cross_entropy(torch.zeros(5, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"\(5, 1\) and \(5,\)"):
        binary_cross_entropy(torch.zeros(5, 1), torch.zeros(5))


def test_cross_entropy_averages_over_the_known_labels():
    logits = torch.randn(4, 3, dtype=torch.float64)
    label = Label(torch.tensor([2, -1, 0, -1]), 3)
    expected = functional.cross_entropy(logits[[0, 2]], torch.tensor([2, 0]))
    assert torch.allclose(cross_entropy(logits, label), expected)
    assert torch.autograd.gradcheck(lambda v: cross_entropy(v, label), logits.requires_grad_())


def test_nothing_known_costs_nothing_and_still_has_a_gradient():
    logits = torch.randn(2, 3, requires_grad=True)
    unknown = Label(torch.tensor([-1, -1]), 3)
    loss = cross_entropy(logits, unknown)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros(2, 3))
    assert accuracy(logits, unknown).item() == 0

    guess = torch.randn(2, 1, requires_grad=True)
    loss = label_mse(guess, torch.full((2, 1), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(guess.grad, torch.zeros(2, 1))


def test_accuracy_counts_the_known_labels():
    logits = torch.eye(4)
    assert accuracy(logits, Label(torch.tensor([0, 1, 0, -1]), 4)).item() == pytest.approx(2 / 3)


def test_labels_of_other_classes_or_batches_are_refused():
    for loss in (cross_entropy, accuracy):
        with pytest.raises(ValueError, match=r"\(4, 5\).*\(4, 3\)"):
            loss(torch.zeros(4, 3), Label(torch.zeros(4, dtype=torch.long), 5))
        with pytest.raises(ValueError, match=r"\(2, 3\).*\(4, 3\)"):
            loss(torch.zeros(4, 3), Label(torch.zeros(2, dtype=torch.long), 3))


def test_label_mse_leaves_out_unknown_numbers():
    guess = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    loss = label_mse(guess, torch.tensor([[0.0, torch.nan], [torch.nan, 1.0]]))
    loss.backward()
    assert loss.item() == (1 + 9) / 2
    assert torch.equal(guess.grad, torch.tensor([[1.0, 0.0], [0.0, 3.0]]))


def test_label_mse_takes_one_number_per_image():
    assert label_mse(torch.tensor([[1.0], [2.0]]), torch.tensor([1.0, 4.0])).item() == 2
    with pytest.raises(ValueError, match=r"\(2, 2\) and \(2, 1\)"):
        label_mse(torch.zeros(2, 2), torch.zeros(2))
