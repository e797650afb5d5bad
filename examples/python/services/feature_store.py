"""The feature store: an LRU cache in memory, and SQLite behind it. The features of 200 clients are in the database."""
import asyncio
import os
import sqlite3
import tempfile
from collections import OrderedDict

NAMES = ["age", "visits", "basket", "recency", "returns", "rating", "region", "device"]


class FeatureCache:
    """Holds so many features, and evicts the one that was not used for longest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, float] = OrderedDict()

    async def mget(self, feature_ids: list[str]) -> list[float | None]:
        for fid in feature_ids:
            if fid in self._values:
                self._values.move_to_end(fid)
        return [self._values.get(fid) for fid in feature_ids]

    async def mset(self, features: dict[str, float]) -> None:
        self._values.update(features)
        while len(self._values) > self._most:
            self._values.popitem(last=False)


class FeatureDB:
    """Reads from a SQLite file, which it fills first."""

    def __init__(self) -> None:
        self._path = os.path.join(tempfile.mkdtemp(prefix="features-"), "features.db")
        rows = [(f"client-{c}:{name}", (c * 7 + n) % 100 / 100) for c in range(200) for n, name in enumerate(NAMES)]
        with self._connect() as db:
            db.execute("CREATE TABLE features (id TEXT PRIMARY KEY, value REAL)")
            db.executemany("INSERT INTO features VALUES (?, ?)", rows)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path)

    async def get_batch(self, feature_ids: list[str]) -> dict[str, float]:
        return await asyncio.to_thread(self._select, feature_ids)

    def _select(self, feature_ids: list[str]) -> dict[str, float]:
        marks = ", ".join("?" * len(feature_ids))
        db = self._connect()
        try:
            return dict(db.execute(f"SELECT id, value FROM features WHERE id IN ({marks})", feature_ids))
        finally:
            db.close()
