"""Values of the flow: codes, distributions, labels, sets, records; and random numbers with an address."""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid.values import code as code
    from unbraid.values.choices import RANGES as RANGES, ChoiceError as ChoiceError, choose as choose
    from unbraid.values.code import (
        Code as Code,
        Layout as Layout,
        Part as Part,
        interpolate as interpolate,
        join as join,
        mix as mix,
        swap as swap,
    )
    from unbraid.values.random import (
        Noise as Noise,
        Random as Random,
        seed_at as seed_at,
        seeded as seeded,
        stream as stream,
    )
    from unbraid.values.records import (
        Gaussian as Gaussian,
        Label as Label,
        Record as Record,
        Set as Set,
        Value as Value,
        access as access,
        map_tensors as map_tensors,
        plain as plain,
        static as static,
        tensors as tensors,
        value as value,
    )
else:
    __getattr__, __dir__ = door(__name__)
