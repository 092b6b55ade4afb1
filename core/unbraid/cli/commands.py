"""The index of commands by section: name, the bundled plugin that contributes it ("" for the core), and summary.

`unbraid --help` reads this index and loads no plugin. A test compares it with the commands of the plugins.
"""

from __future__ import annotations

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Begin": {
        "demo": ("demo", "Train a small model on built-in data and show what it learned."),
        "doctor": ("lookup", "Check the installation: versions, devices, OpenGL, plugins."),
    },
    "Recipes": {
        "list": ("lookup", "List recipes and components, or show everything about one."),
        "show": ("lookup", "Show a recipe as it is resolved, with the origin of every value; or what a pack is."),
        "check": ("", "Check a recipe on its data without training."),
        "draw": ("figure", "Draw a method's figure."),
        "data": ("datasets", "List data sets by name, fetch them, and check those that are here."),
    },
    "Training": {
        "train": ("", "Train a recipe."),
        "train-seeds": ("studies", "Train several seeds of a recipe as one model."),
        "profile": ("profiling", "Say where a training step's time goes, by player and network."),
    },
    "Trained models": {
        "view": ("viewer", "Look at a trained model in the browser."),
        "models": ("models", "List trained models, fetch one, or make it by one command."),
        "pack": ("packs", "Write a trained model as one file to pass on."),
        "push": ("packs", "Put a run or a pack on the Hugging Face hub."),
        "edit": ("editing", "Reconstruct, swap, mix, interpolate or blend images."),
        "call": ("calling", "Call any function that the recipe declares."),
        "translate": ("editing", "Translate images from one domain to another."),
        "sample": ("editing", "Make new images, of factors that are chosen or drawn."),
        "traverse": ("editing", "Move along the dimensions of a code: an image's, or one from the prior."),
        "evaluate": ("evaluation", "Measure what models learned, beside baselines."),
        "probe": ("probing", "Fit classifiers on frozen codes, with few labels and many."),
        "export": ("export", "Write a function as a program, or codes as a table."),
        "graph": ("view_graphs", "Write the view graph of a run."),
        "render": ("viewing", "Draw a mesh, or one that a model made, as a picture, contact sheet or turntable."),
    },
    "Studies": {
        "sweep": ("studies", "Train and evaluate a recipe at many points and over many seeds."),
        "compare": ("studies", "Compare runs over seeds, beside baselines, and rank them without labels."),
        "bench": ("bench", "Compare methods on the same data, by one protocol."),
    },
    "Plugins": {
        "plugins": ("lookup", "List plugins, where they are from and their problems."),
        "completion": ("lookup", "Print a script that completes commands, recipes, components, runs and factors."),
        "new-plugin": ("new_plugin", "Write a plugin package that is ready to install."),
    },
}
INDEX: dict[str, tuple[str, str]] = {name: entry for group in COMMANDS.values() for name, entry in group.items()}
