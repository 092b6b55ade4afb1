"""Display for tools: rows of images as PNG files, the style of plots, text and tables in the terminal."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.display.grids import grid as grid, scale_for as scale_for
    from unbraid_plugins.tools.display.image_rows import (
        KEY as KEY,
        Row as Row,
        RowsError as RowsError,
        read_rows as read_rows,
        write_rows as write_rows,
    )
    from unbraid_plugins.tools.display.plots import (
        COLOURS as COLOURS,
        FAINT as FAINT,
        INK as INK,
        STYLE as STYLE,
        FancyArrowPatch as FancyArrowPatch,
        FancyBboxPatch as FancyBboxPatch,
        Figure as Figure,
        FigureCanvasAgg as FigureCanvasAgg,
        FontProperties as FontProperties,
        Outline as Outline,
        Polygon as Polygon,
        Rectangle as Rectangle,
        save_figure as save_figure,
        style as style,
        text_to_path as text_to_path,
    )
    from unbraid_plugins.tools.display.step_marks import mark_step as mark_step, step_of as step_of
    from unbraid_plugins.tools.display.terminal import Page as Page
else:
    __getattr__, __dir__ = door(__name__)
