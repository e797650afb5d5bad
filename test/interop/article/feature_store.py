# A Redis that holds the features c:..., and a database that holds d:... and
# takes the time that it is told. Whoever asks for x:... finds nothing.
import asyncio
import time

import fakeredis
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import StaticPool

from glue import instrument_database


class FeatureDB:
    def __init__(self) -> None:
        self.take_ms = 0
        self._took = {}
        self._engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        instrument_database(self._engine)

        @event.listens_for(self._engine, "connect")
        def _(connection, _record):
            # The database's own time: SQL that sleeps where the rows are read.
            raw = getattr(connection, "__wrapped__", connection)
            raw.create_function("pause", 1, lambda ms: time.sleep(ms / 1000))

        with self._engine.begin() as connection:
            connection.execute(text("CREATE TABLE features (id TEXT PRIMARY KEY, value REAL)"))
            connection.execute(text("INSERT INTO features VALUES " + ", ".join(f"('d:{i}', {i})" for i in range(100))))

    async def get_batch(self, feature_ids: list[str]) -> dict:
        start = time.time()
        found = await asyncio.to_thread(self._select, feature_ids)
        self._took[tuple(feature_ids)] = (time.time() - start) * 1000
        return found

    def _select(self, feature_ids: list[str]) -> dict:
        names = [f"id{i}" for i in range(len(feature_ids))]
        with self._engine.connect() as connection:
            rows = connection.execute(
                text(f"SELECT id, value FROM features, (SELECT pause(:ms)) WHERE id IN ({', '.join(':' + n for n in names)})"),
                {"ms": self.take_ms, **dict(zip(names, feature_ids))},
            )
            return {row.id: row.value for row in rows}

    def took_ms(self, feature_ids: list[str]) -> float:
        """The time of the lookup for these, 0 where the cache had them all."""
        return self._took.pop(tuple(fid for fid in feature_ids if not fid.startswith("c:")), 0.0)


_redis = fakeredis.FakeServer()
fakeredis.FakeRedis(server=_redis).mset({f"c:{i}": 1.0 for i in range(100)})
cache = fakeredis.FakeAsyncRedis(server=_redis)
feature_db = FeatureDB()
