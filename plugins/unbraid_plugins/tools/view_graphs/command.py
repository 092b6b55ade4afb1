"""`unbraid graph`: write the view graph of a run as a picture or as a file for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from unbraid.cli import DEVICE, RUN, model_of
from unbraid_registry.terminal import echo


@click.command("graph")
@RUN
@click.option("--to", "path", type=click.Path(path_type=Path, dir_okay=False), default=Path("graph.png"),
              show_default=True, metavar="FILE", help="The file to write: .png, .svg, .json or .graphml.")
@DEVICE
def command(run: Path, path: Path, device: str) -> None:
    """Write the view graph of a run.

    \b
    .png, .svg   images on a circle, where their cameras stood, and the edges between them
    .json        nodes with their azimuths and images, edges with their turns and affinities, in degrees
    .graphml     the same, for networkx, Gephi, Cytoscape and others

    Images are counted from 0 in the order of the training split.
    """
    from unbraid_plugins.tools.view_graphs.files import GraphError, graph_of, write_graph

    graph = graph_of(model_of(run, device))
    if graph is None:
        raise GraphError(f"the model of {run} has no view graph", hint="a recipe offers one by a function:  edges(): "
                         "view_graph.edges(graph)   (unbraid train view-graph --data FOLDER)")
    echo(f"wrote {write_graph(graph, path)}: {len(graph.azimuths):,} nodes of {len(graph.members):,} images, "
               f"{len(graph.ends):,} edges")
