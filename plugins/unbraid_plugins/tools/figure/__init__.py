"""The method's figure: networks as boxes in the colour of the player who trains them, values as arrows, losses as tags.

It is drawn from the recipe alone; the same recipe always gives the same figure. `diagram` collects its content,
`layout` computes the positions, `paint` draws it.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.figure.files import (
        FigureError as FigureError,
        draw_figure as draw_figure,
        figure_image as figure_image,
    )
else:
    __getattr__, __dir__ = door(__name__)
