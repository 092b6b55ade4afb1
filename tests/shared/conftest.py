"""A noise that the tests know, and a context to build networks in."""

from dice import _seeded, context, dice, layout  # noqa: F401
