"""Graphs of views of a trained model: as a picture, and as JSON or GraphML for other programs."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.view_graphs.files import graph_of as graph_of, write_graph as write_graph
    from unbraid_plugins.tools.view_graphs.picture import draw_graph as draw_graph
else:
    __getattr__, __dir__ = door(__name__)
