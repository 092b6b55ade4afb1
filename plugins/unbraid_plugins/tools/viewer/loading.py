"""A model that is loaded while the page is open already: what happens now, and the views when they are there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from unbraid_plugins.tools.viewer.session import Viewing

Making = Callable[[Callable[[str], None]], "Viewing"]


@attrs.define(eq=False)
class Loading:
    """Views that a thread makes.

    doing: what the thread does now, in words for the page.
    viewing: the views, when they are there.
    error: the exception that ended the thread without them.
    """

    doing: str = ""
    viewing: Viewing | None = None
    error: BaseException | None = None

    def begin(self, make: Making, failed: Callable[[], None]) -> None:
        """Start the thread.

        make: makes the views; it is given a function that tells the page what it does.
        failed: called when it raises.
        """
        threading.Thread(target=self._work, args=(make, failed), name="loading", daemon=True).start()

    def _work(self, make: Making, failed: Callable[[], None]) -> None:
        try:
            self.viewing = make(self._tell)
        except BaseException as error:             # the command raises it, once the server has ended
            self.error = error
            failed()

    def _tell(self, doing: str) -> None:
        self.doing = doing
