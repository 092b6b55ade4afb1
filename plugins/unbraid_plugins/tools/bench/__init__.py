"""One benchmark across methods: methods x data x seeds by one protocol, as a folder of studies and one page.

`suite` reads a suite's file, `cells` turns it into recipes, `course` decides steps and learning rates and runs the
cells that are not done, `results` and `page` tell the outcome. Training and evaluation are those of `unbraid sweep`.
"""

from typing import TYPE_CHECKING

from unbraid_registry.doors import door

if TYPE_CHECKING:
    from unbraid_plugins.tools.bench.annotation import annotation_of as annotation_of
    from unbraid_plugins.tools.bench.suite import Suite as Suite, SuiteError as SuiteError, read_suite as read_suite
    from unbraid_plugins.tools.bench.suites import all_suites as all_suites, find_suite as find_suite
else:
    __getattr__, __dir__ = door(__name__)
