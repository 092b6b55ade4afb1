"""Codes of data: the source `encoded`, for a second stage on a first stage's codes, and the fields that functions read.

`fields_of` reads the fields that a model's function needs beside the images, such as the joints of persons.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.encoding.codes import Encoded as Encoded
    from unbraid_plugins.tools.encoding.fields import fields_of as fields_of, needed_fields as needed_fields
else:
    __getattr__, __dir__ = door(__name__)
