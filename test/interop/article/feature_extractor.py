# The article's section 5.3. db_features is set at first, without which the
# article's function fails where the cache has everything.
from opentelemetry.propagate import extract
from opentelemetry import trace
import time

from fastapi import Request

from feature_store import cache, feature_db
from glue import application, did
from tracing_setup import setup_tracing

tracer = setup_tracing("ml.feature_extractor")
app = application()

async def extract_features(payload: dict, headers: dict) -> dict:
    ctx = extract(headers)

    with tracer.start_as_current_span(
        "ml.feature_extraction", context=ctx
    ) as span:
        db_features = {}
        feature_ids = payload["feature_ids"]
        span.set_attribute("ml.features.requested_count", len(feature_ids))

        t_cache = time.time()
        cached      = await cache.mget(feature_ids)
        cache_hits  = sum(1 for v in cached if v is not None)
        cache_misses = len(feature_ids) - cache_hits

        span.set_attribute("ml.features.cache_hits",    cache_hits)
        span.set_attribute("ml.features.cache_misses",  cache_misses)
        span.set_attribute("ml.features.cache_hit_rate",
            round(cache_hits / len(feature_ids), 3))
        span.set_attribute("ml.features.cache_lookup_ms",
            round((time.time() - t_cache) * 1000, 2))

        if cache_misses > 0:
            t_db = time.time()
            missing_ids = [
                fid for fid, v in zip(feature_ids, cached) if v is None
            ]
            db_features = await feature_db.get_batch(missing_ids)
            span.set_attribute("ml.features.db_lookup_ms",
                round((time.time() - t_db) * 1000, 2))

            still_missing = set(missing_ids) - set(db_features.keys())
            if still_missing:
                span.add_event("ml.features.unavailable", {
                    "count":      len(still_missing),
                    "sample_ids": str(list(still_missing)[:3]),
                })
                span.set_attribute("ml.features.unavailable_count",
                    len(still_missing))

        features = {
            **{k: v for k, v in zip(feature_ids, cached) if v},
            **db_features
        }
        span.set_attribute("ml.features.retrieved_count", len(features))
        return features


@app.post("/features")
async def features(payload: dict, request: Request) -> dict:
    feature_db.take_ms = payload["plan"]["db_ms"]
    start = time.time()
    found = await extract_features(payload, dict(request.headers))
    did("features", request.headers["x-request-id"], start,
        db_ms=feature_db.took_ms(payload["feature_ids"]), unavailable=len(set(payload["feature_ids"]) - set(found)))
    return found
