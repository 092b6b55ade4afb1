import pytest
import torch

from unbraid import Code, Gaussian, Label, Layout, Record
from unbraid_plugins.shared.losses import cycle_code
from unbraid_plugins.shared.operations import as_factor, interpolate, join, mix, most_likely, swap


@pytest.fixture
def codes(layout):
    return Code(torch.zeros(2, 10), layout), Code(torch.ones(2, 10), layout)


def test_mix_takes_the_factors_with_a_one_from_the_first(codes):
    mask = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    mixed = mix(*codes, mask)
    assert mixed.tensor.tolist() == [[0] * 3 + [1] * 3 + [0] * 4, [1] * 3 + [0] * 3 + [1] * 4]
    assert torch.equal(mix(*codes, mask[:1]).tensor[1], mixed.tensor[0])
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        mix(*codes, mask[:, :2])


def test_swap_exchanges_a_factor_or_a_group(codes):
    assert swap(*codes, factor="pose").tensor[0].tolist() == [0] * 6 + [1] * 4
    assert swap(*codes, factor="chunk").tensor[0].tolist() == [1] * 6 + [0] * 4
    assert swap(*codes, factor="chunk2").tensor[0].tolist() == [0] * 3 + [1] * 3 + [0] * 4
    with pytest.raises(ValueError, match=r"'colour'; it has chunk, chunk1, chunk2, pose"):
        swap(*codes, factor="colour")


def test_join_undoes_taking_apart(codes):
    f = Code(torch.randn(2, 10), codes[0].layout)
    joined = join(f.chunk, f.pose)
    assert torch.equal(joined.tensor, f.tensor)
    assert joined.layout == f.layout
    with pytest.raises(ValueError, match="'pose'"):
        join(f, f.pose)


def test_join_opens_records_and_gaussians(codes):
    f = Code(torch.randn(2, 10), codes[0].layout)
    record = Record({"chunk": f.chunk, "pose": Gaussian(f.pose, torch.zeros(2, 4))})
    assert torch.equal(join(record).tensor, f.tensor)
    with pytest.raises(ValueError, match="tensor"):
        join(f.chunk, torch.zeros(2, 4))


def test_interpolate_is_the_straight_line(codes):
    assert torch.equal(interpolate(*codes, by=0.25).tensor, torch.full((2, 10), 0.25))


def test_edits_of_different_layouts_are_refused(codes):
    a, b = codes[0], codes[1].chunk
    for edit in (lambda: mix(a, b, torch.ones(2, 3)), lambda: swap(a, b, factor="pose"),
                 lambda: interpolate(a, b, by=0.5), lambda: cycle_code(a, b)):
        with pytest.raises(ValueError, match=r"chunk1, chunk2, pose and chunk1, chunk2"):
            edit()


def test_edits_leave_their_arguments_alone_and_carry_gradients(codes):
    a, b = (Code(c.tensor.clone().requires_grad_(), c.layout) for c in codes)
    out = swap(a, b, factor="pose").tensor.sum() + mix(a, b, torch.ones(1, 3)).tensor.sum()
    out.backward()
    assert torch.equal(a.tensor.detach(), torch.zeros(2, 10))
    assert a.tensor.grad[0].tolist() == [2] * 6 + [1] * 4
    assert b.tensor.grad[0].tolist() == [0] * 6 + [1] * 4


def test_cycle_of_codes(codes):
    assert cycle_code(*codes).item() == 1
    assert cycle_code(codes[0], interpolate(*codes, by=0.5), norm="l2").item() == 0.25


def test_vectors_and_labels_become_factors(codes, layout):
    chunks, pose = codes[0].chunk, as_factor(Label(torch.tensor([2, -1]), 4), name="pose", layout=layout)
    assert pose.tensor.tolist() == [[0, 0, 1, 0], [0, 0, 0, 0]]                      # an unknown label is no class
    whole = join(chunks, pose)
    assert whole.layout == layout
    assert torch.equal(as_factor(torch.ones(2, 3), name="chunk2", layout=layout).tensor, torch.ones(2, 3))
    with pytest.raises(ValueError, match="no factor 'colour'; it has chunk, chunk1, chunk2, pose"):
        as_factor(torch.ones(2, 3), name="colour", layout=layout)
    with pytest.raises(ValueError, match="factor 'pose' 4 numbers: write  pose: 7 classes"):
        as_factor(Label(torch.tensor([2, 1]), 7), name="pose", layout=layout)
    with pytest.raises(ValueError, match=r"the factor 'pose' has 4 numbers; this is \(2, 3\)"):
        as_factor(torch.ones(2, 3), name="pose", layout=layout)


def test_the_most_likely_class_is_a_label():
    found = most_likely(torch.tensor([[0.0, 3, 1], [2, 1, 1]]))
    assert isinstance(found, Label)
    assert (found.index.tolist(), found.classes) == ([1, 0], 3)


def test_empty_layouts_join_to_nothing():
    assert join(Code(torch.zeros(2, 0), Layout(()))).tensor.shape == (2, 0)
