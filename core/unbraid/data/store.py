"""Storage of a source's pixels: kept on the training device, or fetched from memory or disk when needed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unbraid.data.errors import DataError
from unbraid.data.images import Images


class Store:
    """The images of one source, by row.

    Small sources (at most `resident` bytes) are one uint8 tensor on the device; lazy ones among them fill it as they
    are first read. Large ones are indexed or read on demand, with prefetch by the workers of `pool`.
    """

    def __init__(self, images: Images, device: torch.device, resident: int, pool: ThreadPoolExecutor | None) -> None:
        self.images, self.device, self.pool = images, device, pool
        n, (c, h, w) = len(images), images.shape
        self.bytes = n * c * h * w
        self.kept: Tensor | None = None
        self.missing: np.ndarray | None = None
        if self.bytes <= resident:
            if isinstance(images.images, np.ndarray):
                self.kept = as_tensor(images.images).to(device)
            else:
                self.kept = torch.empty((n, c, h, w), dtype=torch.uint8, device=device)
                self.missing = np.ones(n, bool)
        self._coming: OrderedDict[Hashable, tuple[np.ndarray, Future[np.ndarray]]] = OrderedDict()

    @property
    def streams(self) -> bool:
        """Whether prefetch helps: some images are still to be read or copied."""
        return self.pool is not None and (self.kept is None or self.missing is not None)

    def expect(self, key: Hashable, rows: np.ndarray) -> None:
        """Prefetch these rows, which `take` will fetch under this key (or never)."""
        if not self.streams or self.pool is None or key in self._coming:
            return
        wanted = self._unread(rows)
        if len(wanted):
            self._coming[key] = wanted, self.pool.submit(self._read, wanted)
        while len(self._coming) > 64:
            self._coming.popitem(last=False)[1][1].cancel()

    def expects(self, key: Hashable) -> bool:
        """Whether rows are already being prefetched under this key."""
        return key in self._coming

    def take(self, rows: np.ndarray, key: Hashable = None) -> Tensor:
        """Return the images of these rows, uint8 (len(rows), C, H, W) on the device."""
        ready, coming = self._coming.pop(key, (None, None)) if key is not None else (None, None)
        if self.kept is None:
            fresh = coming.result() if coming is not None and ready is not None and np.array_equal(
                ready, rows) else self._read(rows)
            return self._move(fresh)
        if coming is not None and ready is not None:
            self._keep(ready, coming.result())
        wanted = self._unread(rows)
        if len(wanted):
            self._keep(wanted, self._read(wanted))
        return self.kept.index_select(0, torch.from_numpy(rows).to(self.device))

    def drop(self) -> None:
        """Cancel and forget all prefetches."""
        for _, future in self._coming.values():
            future.cancel()
        self._coming.clear()

    def _unread(self, rows: np.ndarray) -> np.ndarray:
        if self.kept is None:
            return rows
        return rows[:0] if self.missing is None else np.unique(rows[self.missing[rows]])

    def _keep(self, rows: np.ndarray, fresh: np.ndarray) -> None:
        if self.kept is not None and self.missing is not None:
            self.kept[torch.from_numpy(rows).to(self.device)] = self._move(fresh)
            self.missing[rows] = False

    def _move(self, fresh: np.ndarray) -> Tensor:
        tensor = as_tensor(fresh)
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        fresh: Any = self.images.read(rows)
        expected = (len(rows), *self.images.shape)
        if not isinstance(fresh, np.ndarray) or fresh.dtype != np.uint8 or fresh.shape != expected:
            raise DataError(f"a source gave {getattr(fresh, 'dtype', type(fresh).__name__)} of shape "
                            f"{getattr(fresh, 'shape', '?')}; expected uint8 of shape {expected}")
        return fresh


def as_tensor(array: np.ndarray) -> Tensor:
    """Return a tensor of the array's numbers; it shares the array's memory where that is writeable."""
    array = np.ascontiguousarray(array)
    return torch.from_numpy(array if array.flags.writeable else array.copy())
