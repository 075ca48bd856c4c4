"""Variables of an open result as lazy arrays of xarray, which read only the requested part."""

from __future__ import annotations

from typing import Any

from xarray.backends import BackendArray
from xarray.core import indexing

from jaxtransport.store.resultfile import ResultFile


class StoredArray(BackendArray):
    """One variable of an open result file."""

    def __init__(self, file: ResultFile, name: str) -> None:
        self.file, self.name = file, name
        self.shape, self.dtype = file.shape_of(name), file.dtype_of(name)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        of_h5py = indexing.IndexingSupport.OUTER_1VECTOR
        return indexing.explicit_indexing_adapter(key, self.shape, of_h5py, self._read)

    def _read(self, key: tuple) -> Any:
        return self.file.read(self.name, key)
