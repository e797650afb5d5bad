"""The six stages of the lesson, each a process of its own: `python stages.py data-ingestion FOLDER`."""
import json
import random
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from opentelemetry import trace

import data_quality
import tracing
from message_queue import Queue

SHARDS, EPOCHS, LEARNING_RATE = 4, 60, 0.5
FEATURES = ["age", "visits", "basket", "basket_per_visit"]


def data_ingestion(tracer: trace.Tracer, folder: Path) -> dict:
    """Reads a file, checks the table, and sends a message for each shard of it."""
    source = folder / "clients.jsonl"
    write_clients(source)
    queue = Queue(folder / "queue.db")
    with tracer.start_as_current_span("data-ingestion", context=tracing.of_job()) as span:
        rows, broken = [], 0
        with open(source) as file:
            for line in file:
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError:
                    broken += 1
        span.set_attribute("data.source", "clients.jsonl")
        span.set_attribute("data.records_read", len(rows) + broken)
        span.set_attribute("data.file_size_bytes", source.stat().st_size)
        span.set_attribute("data.parsing_errors", broken)
        with tracer.start_as_current_span("data-validation") as checks:
            table = data_quality.check(checks, pd.DataFrame(rows))
        for shard in range(SHARDS):
            path = folder / f"shard-{shard}.json"
            table.iloc[shard::SHARDS].to_json(path, orient="records")
            with tracer.start_as_current_span("shards publish", kind=trace.SpanKind.PRODUCER):
                queue.send("shards", tracing.message_headers(), {"path": str(path)})
        return {"read": len(rows) + broken, "parsing_errors": broken, "rows": len(rows),
                **{key: checks.attributes[f"ml.data.{key}"] for key in ("null_share", "checks", "checks_failed")}}


def feature_engineering(tracer: trace.Tracer, folder: Path) -> dict:
    """A worker, which knows of no trace until it has a message. It takes half of the shards."""
    queue = Queue(folder / "queue.db")
    errors = 0
    for _ in range(SHARDS // 2):
        message = queue.receive("shards")
        with tracer.start_as_current_span("feature-engineering", context=tracing.of_message(message.headers),
                                          kind=trace.SpanKind.CONSUMER) as span:
            table = pd.read_json(message.body["path"])
            without_visits = table["visits"] == 0  # nothing to divide by
            table = table[~without_visits]
            table["basket_per_visit"] = table["basket"] / table["visits"]
            path = message.body["path"].replace("shard", "features")
            table.to_json(path, orient="records")
            span.set_attribute("features.count", len(FEATURES))
            span.set_attribute("features.transformation_errors", int(without_visits.sum()))
            errors += int(without_visits.sum())
            queue.send("features", tracing.message_headers(), {"path": path})
    return {"transformation_errors": errors}


def model_training(tracer: trace.Tracer, folder: Path) -> dict:
    """A logistic regression over all shards. Its span is a child of the run and linked to the spans that made its input."""
    queue = Queue(folder / "queue.db")
    messages = [queue.receive("features") for _ in range(SHARDS)]
    with tracer.start_as_current_span("model-training", context=tracing.of_job(),
                                      links=[tracing.link(m.headers) for m in messages]) as span:
        table = pd.concat([pd.read_json(m.body["path"]) for m in messages]).sort_values("client")
        train, test = table[table["client"] % 5 > 0], table[table["client"] % 5 == 0]
        mean, spread = train[FEATURES].mean(), train[FEATURES].std()
        x, y = matrix(train, mean, spread), train["churned"].to_numpy()
        weights = np.zeros(x.shape[1])
        for _ in range(EPOCHS):
            weights -= LEARNING_RATE * x.T @ (probability(x, weights) - y) / len(y)
        p = probability(x, weights)
        loss = float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
        span.set_attribute("training.epochs", EPOCHS)
        span.set_attribute("training.loss", loss)
        span.set_attribute("training.learning_rate", LEARNING_RATE)
        test.to_json(folder / "test.json", orient="records")
        (folder / "model.json").write_text(json.dumps(
            {"weights": weights.tolist(), "mean": mean.tolist(), "spread": spread.tolist()}))
        return {"epochs": EPOCHS, "loss": loss}


def model_evaluation(tracer: trace.Tracer, folder: Path) -> dict:
    with tracer.start_as_current_span("model-evaluation", context=tracing.of_job()) as span:
        y, p = predict(folder)
        said = p > 0.5
        hits = int((said & (y == 1)).sum())
        scores = {
            "accuracy": float((said == y).mean()),
            "f1": 2 * hits / int(said.sum() + y.sum()),
            "auc": float(np.mean([(a > b) + (a == b) / 2 for a in p[y == 1] for b in p[y == 0]])),
            "baseline_accuracy": float(max(y.mean(), 1 - y.mean())),  # always the more frequent answer
        }
        for name in ("accuracy", "f1", "auc"):
            span.set_attribute(f"model.{name}", scores[name])
        span.set_attribute("baseline.accuracy", scores["baseline_accuracy"])
        return scores


def model_registration(tracer: trace.Tracer, folder: Path) -> dict:
    """Puts the model into a registry: a table of versions, in SQLite."""
    artifact = (folder / "model.json").read_bytes()
    with tracer.start_as_current_span("model-registration", context=tracing.of_job()) as span:
        started = time.monotonic()
        with sqlite3.connect(folder / "registry.db") as db:
            db.execute("CREATE TABLE IF NOT EXISTS models (version INTEGER PRIMARY KEY, name TEXT, artifact BLOB)")
            version = db.execute("INSERT INTO models (name, artifact) VALUES ('churn', ?) RETURNING version", (artifact,)).fetchone()[0]
        span.set_attribute("registry.upload_time_ms", (time.monotonic() - started) * 1000)
        span.set_attribute("model.name", "churn")
        span.set_attribute("model.version", str(version))
        span.set_attribute("model.artifact_size_bytes", len(artifact))
        return {"artifact_size": len(artifact)}


def model_deployment(tracer: trace.Tracer, folder: Path) -> dict:
    """A health check of the registered model, and a rollout to a tenth of the traffic."""
    with tracer.start_as_current_span("model-deployment", context=tracing.of_job()) as span:
        _, p = predict(folder)
        span.set_attribute("model.name", "churn")
        span.set_attribute("rollout.strategy", "canary")
        span.set_attribute("canary.percentage", 10)
        span.set_attribute("health_check.passed", bool(np.isfinite(p).all()))
        return {}


def predict(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    model = json.loads((folder / "model.json").read_text())
    test = pd.read_json(folder / "test.json")
    return test["churned"].to_numpy(), probability(matrix(test, model["mean"], model["spread"]), np.array(model["weights"]))


def matrix(table: pd.DataFrame, mean, spread) -> np.ndarray:
    return np.column_stack([(table[FEATURES] - mean) / spread, np.ones(len(table))])


def probability(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ weights)))


def write_clients(path: Path) -> None:
    """Clients of whom some are broken: a line that is no JSON, an age that is missing or impossible, the same client twice."""
    rng = random.Random(11)
    with open(path, "w") as file:
        for client in range(2000):
            visits, basket = rng.randrange(40), rng.uniform(5, 200)
            row = {"client": client, "age": float(rng.randrange(18, 90)), "visits": visits, "basket": round(basket, 2),
                   "churned": int(rng.random() < 1 / (1 + 2.7 ** (visits / 4 - basket / 60)))}
            if client % 97 == 5:
                row["age"] = None
            if client % 211 == 7:
                row["age"] = 404.0
            if client % 500 == 9:
                row["client"] = client - 1
            line = json.dumps(row)
            file.write((line[:-9] if client % 333 == 3 else line) + "\n")


STAGES = {
    "data-ingestion": data_ingestion,
    "feature-engineering": feature_engineering,
    "model-training": model_training,
    "model-evaluation": model_evaluation,
    "model-registration": model_registration,
    "model-deployment": model_deployment,
}

if __name__ == "__main__":
    stage, folder = sys.argv[1], Path(sys.argv[2])
    tracer = tracing.setup(f"churn.{stage}")
    print(json.dumps(STAGES[stage](tracer, folder)))
