"""Data: sources of images, the labels and numbers of each image, and the draws that make a sample.

A source yields `Images`. `open_data` opens the sources of a recipe, splits them, and returns `Data`. Its batches are
pure functions of (seed, step, round, rank), so that a run resumes exactly where it stopped.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.data.batches import (
        Data as Data,
        Memory as Memory,
        Need as Need,
        open_data as open_data,
        open_source as open_source,
    )
    from unbraid.data.draws import DrawPlan as DrawPlan
    from unbraid.data.errors import DataError as DataError, unknown_name as unknown_name
    from unbraid.data.facts import (
        DataFacts as DataFacts,
        DrawFacts as DrawFacts,
        FieldFacts as FieldFacts,
        SourceFacts as SourceFacts,
    )
    from unbraid.data.image_files import (
        BadPicture as BadPicture,
        PictureError as PictureError,
        open_picture as open_picture,
        picture_size as picture_size,
        read_image as read_image,
        read_picture as read_picture,
    )
    from unbraid.data.images import Field as Field, Images as Images, LazyImages as LazyImages
else:
    __getattr__, __dir__ = door(__name__)
