"""The bundled metrics keep the promises of a plugin."""

from __future__ import annotations

from unbraid.testing import PluginSuite


class TestMetrics(PluginSuite):
    module = "unbraid_plugins.shared.metrics"
    name = "metrics"
