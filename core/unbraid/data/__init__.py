"""Data: sources of images, what is known about them, and the draws that make a sample.

A source yields `Images`; `open_data` opens those of a recipe, splits them, and gives `Data`: its batches are pure
functions of (seed, step, round, rank), so that a run goes on exactly where it stopped.
"""

from unbraid.data.batches import Data, Memory, Need, open_data, open_source
from unbraid.data.describe import describe
from unbraid.data.errors import DataError
from unbraid.data.facts import DataFacts, DrawFacts, FieldFacts, SourceFacts
from unbraid.data.images import Field, Images, LazyImages
from unbraid.data.picture_file import BadPicture, picture_size, read_picture

__all__ = ["BadPicture", "Data", "DataError", "DataFacts", "DrawFacts", "Field", "FieldFacts", "Images", "LazyImages",
           "Memory", "Need", "SourceFacts", "describe", "open_data", "open_source", "picture_size", "read_picture"]
