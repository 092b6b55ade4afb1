"""The bundled recipes with networks and batches that are narrow, on small data."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from people import people
from PIL import Image
from tiny_face_model import write_face_model

from unbraid.engine import train
from unbraid_configs import Recipe, load_recipe

SMALL = ("data.batch=2", "data.workers=2", "train.log_every=1", "train.picture_every=1000", "train.tensorboard=false",
         "train.keep=1", "train.channels_last=false", "train.compile=false")        # no trial
STAGES = ("players.critic.until_step=1", "players.generator.until_step=1", "players.encoder.from_step=1")
SHAPES = (*(f"networks.{name}.width=4" for name in ("generator", "critic", "encoder")), "networks.generator.points=9",
          "networks.render.backend=torch", *STAGES)      # OpenGL rounds otherwise than torch, which is everywhere
INFOGAN = (*(f"networks.{name}.{option}=8" for name in ("generator", "trunk") for option in ("width", "hidden")),
           "networks.posterior.hidden=8")
DRGAN = ("data.source.size=16", *(f"networks.{name}={{width: 2, layers: 1}}" for name in ("encoder", "generator",
                                                                                        "critic")))
TURNED = ("data.source.identities=12", "data.source.yaws=[-40, -30, -20, 0, 20, 30, 40]", "data.source.count=60",
          "data.source.backend=torch")
PENG = ("networks.features.width=2", "networks.features.features=8", "networks.rebuild.features=8",
        *(f"weights.{term}=ramp(0, 1, over=1, begin=1)" for term in ("self", "cross")))
DRAWN = tuple(f"data.sources.faces.{option}" for option in
              ("identities=4", "size=16", "expressions={open: {jawOpen: 1}}", "backend=torch"))
FRONTS = tuple(f"networks.{piece}_{side}.width=4" for piece in ("front", "look") for side in "ab")
INTRINSIC = tuple(f"networks.{name}.width=8" for name in ("encoder", "paint", "relief", "behind", "cutout", "critic"))
FACES = ("data.source.identities=3", "data.source.size=16", "data.source.count=40", "data.source.backend=torch",
         "data.split_by=null")
MA_CODE = {"foreground": 56, "background": 16, "pose": 8}
MAPPINGS = ("code.foreground=7 x 8", "code.background=16", "code.pose=8",
            *(f"networks.map_{factor}.width=8" for factor in MA_CODE))
PERSONS = ("code.foreground=7 x 8", "code.background=16", "code.pose=8", "networks.part_encoder.crop=8",
           *(f"networks.{name}.width=2" for name in ("stem", "part_encoder", "background_encoder", "generator",
                                                     "critic")),
           *(f"networks.{name}.width=8" for name in ("pose_encoder", "pose_decoder")))
DRNET = (*(f"networks.{name}.width=4" for name in ("content", "pose", "generator")), "networks.predictor.hidden=8",
         "data.draw.film.frames=3", "data.source.size=16", "players.critic.until_step=2",
         "players.autoencoder.until_step=2", "players.predictor.from_step=2")
MOVING = ("data.source.contents=3", "data.source.paths=3", "data.source.frames=4", *DRNET)
NARROWER = {                                       # by the beginning of a name, the first that fits
    "unit-adaptation": ("code.content=32", *FRONTS),
    "unit-mixing": ("code.chunk=4 x 4", "networks.classifier.width=4", *FRONTS),
    "unit": ("code.content=16", *FRONTS), "source-only": ("networks.look.width=4",),
    "challenges": tuple(f"networks.{name}.width=6" for name in ("encoder", "generator", "critic")),
    "mixing": tuple(f"networks.{name}.width=4" for name in ("encoder", "generator", "critic", "classifier")),
    "mathieu": tuple(f"networks.{name}.width=3" for name in ("encoder", "generator", "critic")),
    "drgan-classifier-small": ("data.source.size=16", "networks.encoder.width=2", *TURNED),
    **{f"drgan{kind}": (*DRGAN, *TURNED) for kind in ("-sets-small", "-cycle-small", "-faces-small", "-faces")},
    **{f"drgan{kind}": DRGAN for kind in ("-fake-class", "-sets", "")},
    "peng-mixing": tuple(f"networks.{name}.width=4" for name in ("encoder", "generator", "critic", "classifier")),
    "peng-faces": PENG, **{f"peng{size}": (*PENG, *DRAWN) for size in ("-small", "-photos", "-turned", "")},
    "infogan-mnist": INFOGAN, "infogan": (*INFOGAN, "networks.generator.hidden=0", "networks.trunk.hidden=0"),
    "intrinsic-faces-npz": ("data.source.path=${UNBRAID_FITTED}", *INTRINSIC),
    "intrinsic-faces-surface": (*FACES, *INTRINSIC, "networks.relief.points=9", "networks.look.backend=torch"),
    "intrinsic-faces-folder": ("data.source.size=16", *INTRINSIC), "intrinsic-faces-small": (*FACES, *INTRINSIC),
    "intrinsic-faces": (*FACES, *INTRINSIC),
    "factor-vae": ("networks.critic.width=40",), "beta-vae-dsprites-fc": ("data.source.size=16",),
    "ma-sampling-small": MAPPINGS, "ma-sampling": (*MAPPINGS, *(
        f"flow.{name}=map_{name}(normal(size={size}, std=0.2))" for name, size in MA_CODE.items())),
    "ma-persons-small": PERSONS, "ma-persons": (*PERSONS, "data.source.size=[32, 16]"),
    "ma": (*PERSONS, "data.source.path=${UNBRAID_PERSONS}", "data.source.size=[32, 16]"),
    "drnet-pairs": ("networks.critic.width=6", *MOVING), "drnet-sprites": MOVING, "drnet-variational": MOVING,
    **{name: DRNET for name in ("drnet-lpc-small", "drnet-lpc", "drnet-skips", "drnet")},
    **{f"shape3d{data}{size}": SHAPES for data in ("-objects", "-faces", "") for size in ("-small", "")}}


@pytest.fixture(scope="module", autouse=True)
def own_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Small data in place of what the recipes' environment variables stand for."""
    folder, random_ = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    beside = tmp_path_factory.mktemp("beside")     # more pictures, which are none of the folder's
    colour = random_.integers(0, 255, (24, 64, 64, 3), dtype=np.uint8)
    labels = np.arange(24) % 4
    for i, label in enumerate(labels):
        kind = folder / f"kind {label}"
        kind.mkdir(exist_ok=True)
        Image.fromarray(random_.integers(0, 255, (70, 80, 3), dtype=np.uint8)).save(kind / f"{i}.png")
    np.savez(folder / "lpc.npz", images=colour, factors=np.stack([labels, labels % 2, *[labels // 2] * 5], 1),
             factor_names=np.array(["skin", "direction", "gender", "hair_style", "hair_colour", "torso", "legs"]),
             values__direction=np.array(["down", "up"]), values__torso=np.array(["leather", "plate"]))
    np.savez(folder / "clips.npz", images=colour.reshape(4, 6, 64, 64, 3), factors=np.arange(4)[:, None] % 2,
             factor_names=np.array(["skin"]))
    for i, frame in enumerate(colour):
        (beside / f"clips/{i // 6}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame).save(beside / f"clips/{i // 6}/{i}.png")
    np.savez(folder / "objects.npz", images=colour, mesh=labels, category=labels)
    np.savez(folder / "people.npz", images=colour, identity=labels, yaw=np.arange(24) % 9)
    np.savez(folder / "faces.npz", images=colour, mesh=labels, category=labels, identity=labels, yaw=np.arange(24) % 7)
    np.savez(folder / "omniglot.npz", images=colour[:, :35, :35, 0], character=labels)
    np.savez(folder / "digits.npz", images=colour[:, :28, :28, 0], labels=labels)
    np.savez(folder / "dsprites.npz", images=(colour[..., 0] > 128).astype(np.uint8),
             latents_classes=labels[:, None], latents_names=np.array(["shape"]))
    np.savez(folder / "fitted.npz", images=colour, mask=colour[:, None, :, :, 0] // 128 * 255,
             rough_normals=colour.transpose(0, 3, 1, 2), rough_harmonics=random_.normal(size=(24, 3, 9)))
    write_face_model(folder / "face_model.npz")
    files = {"UNBRAID_FACE_MODEL": "face_model.npz", "UNBRAID_FITTED": "fitted.npz", "UNBRAID_LPC": "lpc.npz",
             "UNBRAID_MNIST": "digits.npz", "UNBRAID_USPS": "digits.npz",
             "UNBRAID_DSPRITES": "dsprites.npz", "UNBRAID_OBJECTS": "objects.npz", "UNBRAID_FACES": "faces.npz",
             "UNBRAID_PEOPLE": "people.npz",
             "UNBRAID_OMNIGLOT": "omniglot.npz", "UNBRAID_DATA": "", "UNBRAID_DATA_A": "kind 0",
             "UNBRAID_DATA_B": "kind 1", "UNBRAID_PERSONS": people(folder).name, "UNBRAID_RUN": beside / "persons",
             "UNBRAID_CLIPS": beside / "clips", "UNBRAID_LPC_CLIPS": "clips.npz"}
    os.environ |= {variable: str(folder / name) for variable, name in files.items()}
    with pytest.MonkeyPatch.context() as patch:    # stage one of Ma et al., for stage two
        undrawn(patch)
        # its first weights, which are the same on every machine
        train(narrow("ma-persons-small", "train.steps=1", "train.optimizer.lr=1.0e-30"), beside / "persons")


def undrawn(patch: pytest.MonkeyPatch) -> None:
    """Begin trainings without the method's figure, which costs more than they do; one training of each recipe draws."""
    patch.setattr("unbraid_plugins.tools.figure.files.draw_figure", lambda recipe, path: path)
    patch.setattr("unbraid_plugins.tools.figure.files.figure_image", lambda recipe: torch.zeros(3, 4, 4))


def narrow(name: str, *changes: str) -> Recipe:
    """A bundled recipe that takes milliseconds a step."""
    narrower = next((own for family, own in NARROWER.items() if name.startswith(family)), ())
    return load_recipe(name, [*SMALL, *narrower, *changes])
