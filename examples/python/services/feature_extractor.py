"""The feature extractor: a cache, and a database for what the cache does not have."""
import time
from typing import Any

from fastapi import FastAPI, Request

from feature_store import NAMES, FeatureCache, FeatureDB
from tracing_setup import lifespan, parent, setup_tracing

tracer = setup_tracing("ml.feature_extractor")
app = FastAPI(lifespan=lifespan)
cache = FeatureCache(most=200)
feature_db = FeatureDB()


async def extract_features(client_id: str, headers) -> tuple[dict[str, float], dict[str, Any]]:
    with tracer.start_as_current_span("ml.feature_extraction", context=parent(headers)) as span:
        feature_ids = [f"{client_id}:{name}" for name in NAMES]
        db_features: dict[str, float] = {}
        span.set_attribute("ml.features.requested_count", len(feature_ids))

        t_cache = time.time()
        cached = await cache.mget(feature_ids)
        missing_ids = [fid for fid, v in zip(feature_ids, cached) if v is None]
        span.set_attribute("ml.features.cache_hits",      len(feature_ids) - len(missing_ids))
        span.set_attribute("ml.features.cache_misses",    len(missing_ids))
        span.set_attribute("ml.features.cache_hit_rate",  round(1 - len(missing_ids) / len(feature_ids), 3))
        span.set_attribute("ml.features.cache_lookup_ms", round((time.time() - t_cache) * 1000, 2))

        unavailable: set[str] = set()
        if missing_ids:
            t_db = time.time()
            db_features = await feature_db.get_batch(missing_ids)
            span.set_attribute("ml.features.db_lookup_ms", round((time.time() - t_db) * 1000, 2))
            await cache.mset(db_features)

            unavailable = set(missing_ids) - set(db_features)
            if unavailable:
                span.add_event("ml.features.unavailable", {
                    "count":      len(unavailable),
                    "sample_ids": str(sorted(unavailable)[:3]),
                })
                span.set_attribute("ml.features.unavailable_count", len(unavailable))

        features = {**{fid: v for fid, v in zip(feature_ids, cached) if v is not None}, **db_features}
        span.set_attribute("ml.features.retrieved_count", len(features))
        return features, {"fallback": bool(missing_ids), "unavailable": len(unavailable)}


@app.post("/features")
async def features(body: dict[str, Any], request: Request) -> dict[str, Any]:
    found, did = await extract_features(body["client_id"], request.headers)
    return {"features": found, "did": did}
