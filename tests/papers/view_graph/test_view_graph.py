"""The view graph as its users have it: fitted, resumed, asked, measured, and against the same by hand."""

import json
import math

import numpy as np
import pytest
import torch
from planar import Pixels, fitted, views

from unbraid import UnbraidError, load, load_recipe, make_recipe, train
from unbraid.runs import Run
from unbraid_plugins.papers.view_graph import Graph
from unbraid_plugins.papers.view_graph.planes import homography, rotation
from unbraid_plugins.shared.metrics import azimuth_error, edge_precision, viewpoint_error
from unbraid_plugins.tools.evaluation import evaluate

DEGREES = [float(a) for a in range(-48, 49, 4)]
TURN = {"step": 12.0, "reach": 2, "tilts": (30.0,), "directions": 4, "neighbours": 2, "degree": 3, "chunk": 6,
        "tau": 0.985}


def graph_of(context, x, features, **changes):
    options = Graph(**{**TURN, **changes})
    return options.build(context(*x.shape[1:]), x, features(x), features)


def error_of(graph, truth):
    return azimuth_error(graph.azimuths[graph.members].numpy(), truth)


def precision_of(graph, truth):
    record = {name: getattr(graph, name).numpy() for name in ("members", "ends", "turns", "in_tree")}
    return edge_precision({**record, "step": np.asarray(math.radians(graph.options.step))}, truth)


@pytest.fixture(scope="module")
def sights():
    """Twenty-five views of a plane, 4 degrees apart, in random order, and their azimuths in radians."""
    order = torch.randperm(len(DEGREES), generator=torch.Generator().manual_seed(0)).tolist()
    degrees = [DEGREES[i] for i in order]
    return views(degrees, noise=0.02), np.radians(degrees)


def test_azimuths_are_found(context, sights):
    x, truth = sights
    features = Pixels()
    graph = fitted(graph_of(context, x, features), x, features)
    error = error_of(graph, truth)
    assert error.median < 5
    assert error.within[15] == 1
    assert error.mirrored == error.median                                          # the sense of rotation is right
    assert precision_of(graph, truth).score > 0.8
    told = graph(x, features(x), features)
    assert torch.equal(told, graph.azimuths[graph.members])
    assert viewpoint_error(graph(views([2.0, 30.0], seed=0), features(views([2.0, 30.0])), features).numpy(),
                           np.radians([2.0, 30.0]), reflect=False).mean < 8


def test_the_wrong_way_round_doubles_the_signed_error(context, sights, monkeypatch):
    """H exchanged with its inverse: rotations to the right become rotations to the left, and so do azimuths."""
    x, truth = sights
    features = Pixels()
    right = fitted(graph_of(context, x, features), x, features)
    monkeypatch.setattr("unbraid_plugins.papers.view_graph.rotations.homography",
                        lambda *a: torch.linalg.inv(homography(*a)))
    wrong = fitted(graph_of(context, x, features), x, features)

    def signed(graph):
        """The mean error of the turns along their true direction, in true turns."""
        at = np.asarray([truth[graph.members.numpy() == n].mean() for n in range(len(graph.founders))])
        a, b = graph.ends.numpy().T
        true = at[b] - at[a]
        return ((graph.turns.numpy() - true) * np.sign(true)).sum() / np.abs(true).sum()

    assert abs(signed(right)) < 0.25
    assert signed(wrong) == pytest.approx(-2, abs=0.3)
    assert error_of(wrong, truth).median > 20                                      # a mirror is not forgiven
    assert error_of(wrong, truth).mirrored < 6


def test_without_planes_in_space_it_finds_less(context, sights):
    x, truth = sights
    features = Pixels()
    full, flat = (fitted(graph_of(context, x, features, planes=p, field_of_view=1.0), x, features)
                  for p in ("realistic", "frontal"))
    assert full.affinities.mean() > flat.affinities.mean() + 0.01
    assert precision_of(full, truth).score > precision_of(flat, truth).score
    assert not flat.planes.any()
    drawn = fitted(graph_of(context, x, features, planes="random"), x, features)
    assert len(drawn.planes.unique()) > 2


# -- by hand ----------------------------------------------------------------------------------------------------------


def looked_up(image, h):
    """Bilinear interpolation at H^-1 of every pixel, one by one, with border padding."""
    height, width = image.shape[1:]
    back, out = np.linalg.inv(h), np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            x, y, w = back @ [(2 * column + 1 - width) / height, (height - 2 * row - 1) / height, 1]
            across = np.clip((x / w * height + width - 1) / 2, 0, width - 1)
            down = np.clip((height - 1 - y / w * height) / 2, 0, height - 1)
            x0, y0 = int(across), int(down)
            x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
            fx, fy = across - x0, down - y0
            out[:, row, column] = ((1 - fy) * ((1 - fx) * image[:, y0, x0] + fx * image[:, y0, x1])
                                   + fy * ((1 - fx) * image[:, y1, x0] + fx * image[:, y1, x1]))
    return out


def test_the_fit_is_that_of_a_loop_by_hand(context):
    """Images, planes and rotations one by one, in numpy; the tree by Kruskal; least absolute errors by weighting."""
    x = views([-25.0, -22, -11, -8, 2, 4, 13, 15, 26, 29], size=12, noise=0.02)
    x = (x * 255).round() / 255                                                    # as the graph keeps them
    features = Pixels()
    module = fitted(graph_of(context, x, features, tau=0.97), x, features)
    phi = [v / np.linalg.norm(v) for v in features(x).double().numpy()]
    count, angles = len(x), [math.radians(d) for d in (-24, -12, 12, 24)]

    def look(i, h, r):
        warp = looked_up(x[i].double().numpy(), homography(rotation(r), module.rotations.normals[h],
                                                           math.radians(40)).numpy()).reshape(-1)
        return (warp - warp.mean()) / np.linalg.norm(warp - warp.mean())

    looks = {(i, h, r): look(i, h, r) for i in range(count) for h in range(len(module.rotations.normals))
             for r in angles}

    def real(i, h):
        return np.mean([np.mean(sorted(looks[i, h, r] @ phi[j] for j in range(count) if j != i)[-2:]) for r in angles])

    hypotheses = range(len(module.rotations.normals))
    bias = [np.mean([looks[i, h, r] @ phi[j] for i in range(count) for j in range(count) for r in angles])
            for h in hypotheses]
    chosen = [max(hypotheses, key=lambda h, i=i: real(i, h) - bias[h]) for i in range(count)]
    assert module.planes.tolist() == chosen
    np.testing.assert_allclose(module.scores.numpy(), bias, atol=1e-4)

    near = [np.mean(sorted(phi[i] @ phi[j] for j in range(count) if j != i)[-2:]) for i in range(count)]
    node, nodes = dict[int, int](), list[list[int]]()
    for i in sorted(range(count), key=lambda i: -near[i]):
        if i not in node:
            own = [j for j in range(count) if j not in node and (j == i or phi[i] @ phi[j] > 0.97)]
            node |= dict.fromkeys(own, len(nodes))
            nodes.append(own)
    assert module.members.tolist() == [node[i] for i in range(count)]
    assert 3 < len(nodes) < count

    def forth(a, b, r):
        return np.mean([looks[i, chosen[i], r] @ phi[j] for i in nodes[a] for j in nodes[b]])

    best = {(a, b): max((0.5 * (forth(a, b, r) + forth(b, a, -r)), r) for r in angles)
            for b in range(len(nodes)) for a in range(b)}
    group, tree = list(range(len(nodes))), set()
    for (a, b), _ in sorted(best.items(), key=lambda e: -e[1][0]):
        if group[a] != group[b]:
            tree.add((a, b))
            group = [group[a] if g == group[b] else g for g in group]
    chosen_edges = {tuple(sorted((a, b))) for a in range(len(nodes)) for b in sorted(
        (b for b in range(len(nodes)) if b != a), key=lambda b, a=a: -best[min(a, b), max(a, b)][0])[:3]}
    found = {tuple(e): (t, f, inside) for e, t, f, inside in zip(
        module.ends.tolist(), module.turns.tolist(), module.affinities.tolist(), module.in_tree.tolist(), strict=True)}
    assert found.keys() == tree | chosen_edges
    assert {e for e, (_, _, inside) in found.items() if inside} == tree
    for e, (turn, affinity, _) in found.items():
        assert (turn, affinity) == pytest.approx(best[e][::-1], abs=1e-4)

    azimuths = module.azimuths.double().numpy()
    for n in range(1, len(nodes)):                                                 # no node gains by a small move
        def cost(shift, n=n):
            theta = azimuths + shift * (np.arange(len(nodes)) == n)
            off = [theta[b] - theta[a] - t for (a, b), (t, *_) in found.items()]
            return np.abs((np.asarray(off) + np.pi) % (2 * np.pi) - np.pi).sum()

        assert cost(0.0) <= min(cost(0.05), cost(-0.05)) + 1e-3


# -- in a recipe ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def source(tmp_path_factory, sights):
    path = tmp_path_factory.mktemp("views") / "views.npz"
    x, truth = sights
    pixels = (x.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
    np.savez(path, images=pixels, azimuth=truth.astype(np.float32))
    return path


def changes(source):
    graph = [f"networks.graph.{name}={list(v) if isinstance(v, tuple) else v}" for name, v in TURN.items()
             if name != "tau"]
    return ['data.source={type: npz, path: "' + str(source) + '"}', "data.splits={train: 1.0}",
            "networks.features.cell=4", "train.tensorboard=false", *graph]


@pytest.fixture(scope="module")
def run(tmp_path_factory, source):
    return train(load_recipe("view-graph", changes(source)), tmp_path_factory.mktemp("runs") / "graph")


def test_a_run_is_fitted_saved_and_loaded(run, sights, source):
    assert run.last_checkpoint().name == "step-00000000"
    assert run.record()["sessions"][-1]["exit"] == "finished"
    model = load(run.folder)
    x, truth = sights
    told = model.viewpoint(x)
    assert told.shape == (len(x),)
    assert viewpoint_error(told.numpy(), truth, reflect=False).score < 10
    again = train(load_recipe("view-graph", changes(source)), run.folder.parent / "again")
    for name, buffer in load(again.folder).modules["graph"].named_buffers():
        assert torch.equal(buffer, model.modules["graph"].get_buffer(name)), name


def test_a_resumed_run_is_not_fitted_again(run, source, monkeypatch):
    fit = "unbraid_plugins.papers.view_graph.graph.FittedGraph.fit"
    monkeypatch.setattr(fit, lambda *a: pytest.fail("fitted again"))
    before = (run.last_checkpoint() / "networks.safetensors").read_bytes()
    train(load_recipe("view-graph", changes(source)), run.folder, resume=True)
    assert run.record()["sessions"][-1]["exit"] == "nothing left to do"
    assert (run.last_checkpoint() / "networks.safetensors").read_bytes() == before


def test_a_fit_that_was_stopped_begins_anew(tmp_path, source, monkeypatch):
    recipe = load_recipe("view-graph", changes(source))
    with monkeypatch.context() as patch:
        patch.setattr("unbraid_plugins.papers.view_graph.graph.affinities", lambda *a: (_ for _ in ()).throw(
            KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path / "run")
    assert Run.at(tmp_path / "run").last_checkpoint() is None
    assert train(recipe, tmp_path / "run", resume=True).last_checkpoint().name == "step-00000000"


@pytest.mark.parametrize(("name", "change"), [
    ("members", lambda t: t + 1), ("founders", lambda t: -t - 1), ("ends", lambda t: t + 90),
    ("looks", lambda t: t[1:])])
def test_a_damaged_graph_is_refused(run, name, change):
    from unbraid.runs import load_weights

    module = load(run.folder).modules["graph"]
    tensors = {key: t.clone() for key, t in module.state_dict().items()}
    load_weights(module, dict(tensors), "whole")
    with pytest.raises(UnbraidError, match="contradicts itself"):
        load_weights(module, {**tensors, name: change(tensors[name])}, "damaged")


def test_a_turned_image_looks_like_the_view_from_there(run):
    model, at = load(run.folder), views([0.0])
    turned = model.turn(at, math.radians(16))
    there, other = views([16.0]), views([-16.0])
    middle = (..., slice(8, 24), slice(8, 24))
    assert (turned - there)[middle].abs().mean() < 0.6 * (turned - other)[middle].abs().mean()
    assert (turned - there)[middle].abs().mean() < (at - there)[middle].abs().mean()
    assert torch.allclose(model.turn(at, 0.0), at, atol=1e-5)
    assert model.turn(views([0.0, 8.0]), torch.tensor([0.1, -0.1])).shape == (2, 3, 32, 32)
    with pytest.raises(UnbraidError, match="60 degrees at most"):
        model.turn(at, 16.0)
    with pytest.raises(UnbraidError, match="3 angles for 1"):
        model.turn(at, torch.tensor([0.1, 0.2, 0.3]))


def test_the_nearest_view_is_one_of_the_source(run, sights):
    model, truth = load(run.folder), sights[1]
    graph = model.modules["graph"]
    found = model.nearest_view(views([-20.0]), math.radians(40))
    row = int((graph.images.float() / 255 - found).flatten(1).abs().sum(1).argmin())
    assert (graph.images[row].float() / 255 - found).abs().max() < 1e-6
    assert math.degrees(truth[row]) == pytest.approx(20, abs=10)


def test_the_graph_is_exported_and_drawn(run, tmp_path, unbraid):
    networkx = pytest.importorskip("networkx")
    for name in ("graph.json", "graph.graphml", "graph.png", "graph.svg"):
        assert unbraid("graph", run.folder, "--to", tmp_path / name).code == 0
    tree = json.loads((tmp_path / "graph.json").read_text())
    model = load(run.folder)
    record = model.edges()
    assert sorted(i for n in tree["nodes"] for i in n["images"]) == list(range(25))
    assert [[e["from"], e["to"]] for e in tree["edges"]] == record.ends.tolist()
    theirs = networkx.read_graphml(tmp_path / "graph.graphml")
    assert (theirs.number_of_nodes(), theirs.number_of_edges()) == (len(tree["nodes"]), len(tree["edges"]))
    for e in tree["edges"]:
        assert theirs.edges[f"n{e['from']}", f"n{e['to']}"] == {k: e[k] for k in ("turn", "affinity", "in_tree")}
    assert theirs.nodes["n1"]["azimuth"] == tree["nodes"][1]["azimuth"]
    failed = unbraid("graph", run.folder, "--to", tmp_path / "graph.dot")
    assert failed.code == 2
    assert ".graphml" in failed.err


def test_its_picture_is_in_the_run(run):
    assert list((run.folder / "pictures").glob("view_graph*.png"))


def test_an_evaluation_compares_it_with_a_supervised_probe(run):
    result = evaluate(run, metrics=["azimuth_error", "edge_precision"])
    arms = result["arms"]
    assert arms["model"]["azimuth_error"]["score"] < 10
    assert arms["untrained"]["azimuth_error"]["score"] > arms["model"]["azimuth_error"]["score"] + 10
    assert arms["supervised"]["azimuth_error"]["score"] < 10
    assert arms["model"]["edge_precision"]["score"] > 0.6


@pytest.mark.parametrize(("change", "said"), [
    (["networks.graph.step=40", "networks.graph.reach=3"], "are no small rotation"),
    (["networks.graph.tau=-1"], "merged to one node"),
    (["flow.azimuth=graph(x, looks)"], "and the network that describes them"),
    (["networks.features.cell=32"], "no two cells of 32 pixels"),
    (["networks.graph.planes=oracle"], "realistic"),
])
def test_errors_name_the_remedy(tmp_path, source, change, said):
    with pytest.raises(UnbraidError, match=said) as raised:
        train(load_recipe("view-graph", [*changes(source), *change]), tmp_path / "run")
    assert raised.value.hint or raised.value.mistakes


def test_two_images_are_too_few(context):
    features, x = Pixels(), views([0.0, 5.0])
    with pytest.raises(UnbraidError, match="three images at least"):
        fitted(graph_of(context, x, features), x, features)


def test_the_encoder_of_another_run_describes(tmp_path, source):
    recipe = {"data": {"source": {"type": "npz", "path": str(source)}, "draw": {"x": {}}, "batch": 4},
              "code": {"look": 6}, "networks": {"encoder": {"type": "conv_encoder", "width": 2},
                                                "generator": {"type": "conv_generator", "width": 2}},
              "flow": {"f": "encoder(x)", "y": "generator(f)"},
              "players": {"auto": {"trains": ["encoder", "generator"], "minimizes": {"rebuild": "mse(y, x)"}}},
              "functions": {"encode(x)": "f"}, "train": {"steps": 2, "tensorboard": False}}
    first = train(make_recipe(recipe), tmp_path / "first")
    file = tmp_path / "encoded.yaml"
    file.write_text(f"""
base: view-graph
code: {{look: 6}}
networks:
  features: null
  encoder: {{from: '{first.folder}#encoder', freeze: true}}
flow:
  looks: encoder(x)
  azimuth: graph(x, looks, encoder)
functions:
  turn(x, angle): view_graph.turn(graph, x, encoder, angle)
""")
    graph = train(load_recipe(file, [c for c in changes(source) if "features" not in c]), tmp_path / "graph")
    model, x = load(graph.folder), views([0.0, 9.0])
    assert model.modules["graph"].looks.shape == (25, 6)
    assert torch.isfinite(model.viewpoint(x)).all()
    assert model.turn(x, 0.1).shape == x.shape


