"""Contract suites for the authors of plugins: subclass one, name your component, and pytest runs its tests.

    from unbraid.testing import LossSuite
    from acme_tv import total_variation

    class TestTotalVariation(LossSuite):
        component = total_variation

The docstring of each suite lists what can be set. The same suites test the bundled plugins.
"""

from __future__ import annotations

from unbraid.testing.component import ComponentSuite
from unbraid.testing.functions import LossSuite, OperationSuite
from unbraid.testing.networks import CriticSuite, EncoderSuite, GeneratorSuite, NetworkSuite, RendererSuite
from unbraid.testing.plugin import PluginSuite
from unbraid.testing.samples import noise, numbers, small_context
from unbraid.testing.source import SourceSuite

__all__ = ["ComponentSuite", "CriticSuite", "EncoderSuite", "GeneratorSuite", "LossSuite", "NetworkSuite",
           "OperationSuite", "PluginSuite", "RendererSuite", "SourceSuite", "noise", "numbers", "small_context"]
