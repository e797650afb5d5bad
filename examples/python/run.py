"""Starts the article's five services, sends requests through them, and says what the services did.

Every figure is counted from the answers, in which each service says what it did. The collector has to come to the same
figures from the spans alone: the second column names the metric that does."""
import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

HERE = Path(__file__).resolve().parent
# The module, the service's name, and where the gateway finds it.
SERVICES = [
    ("feature_extractor", "ml.feature_extractor", "FEATURES_URL", "/features"),
    ("batch_assembler", "ml.batch_assembler", "BATCHES_URL", "/batches"),
    ("model_inference", "ml.inference", "INFERENCE_URL", "/inference"),
    ("post_processor", "ml.post_processor", "POST_URL", "/outputs"),
    ("api_gateway", "ml.api_gateway", "GATEWAY_URL", "/predict"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=["uvicorn", "gunicorn"], default="uvicorn")
    parser.add_argument("--workers", type=int, default=1, help="processes of each service, with gunicorn")
    parser.add_argument("--preload", action="store_true", help="gunicorn loads the application before it forks")
    parser.add_argument("--instrument", action="store_true", help="under opentelemetry-instrument")
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--concurrency", type=int, default=6)
    parser.add_argument("--port", type=int, default=8100, help="the first of five ports; 0: free ones")
    options = parser.parse_args()

    ports = [options.port + i if options.port else free_port() for i in range(len(SERVICES))]
    urls = {variable: f"http://127.0.0.1:{port}{path}" for port, (_, _, variable, path) in zip(ports, SERVICES)}
    # Each of the services makes its database and its vocabularies anew.
    with tempfile.TemporaryDirectory(prefix="example-python-") as scratch:
        processes = []
        try:
            for port, (module, name, _, _) in zip(ports, SERVICES):
                command, environment = start_command(options, module, name, port)
                processes.append(subprocess.Popen(command, cwd=HERE / "services",
                                                  env=os.environ | urls | environment | {"TMPDIR": scratch}))
            for port, process in zip(ports, processes):
                wait_until_listening(port, process)
            did = asyncio.run(send_all(urls["GATEWAY_URL"], options.requests, options.concurrency))
        finally:
            for process in processes:
                process.terminate()  # the SDK sends what it has when the process ends
            codes = [process.wait() for process in processes]
    if any(code not in (0, -15) for code in codes):
        sys.exit(f"a service ended badly: {codes}")
    show(did)


def start_command(options: argparse.Namespace, module: str, name: str, port: int) -> tuple[list[str], dict[str, str]]:
    bin = Path(sys.executable).parent
    if options.server == "gunicorn":
        command = [bin / "gunicorn", f"{module}:app", "--worker-class", "uvicorn_worker.UvicornWorker", "--log-level", "warning",
                   "--workers", options.workers, "--bind", f"127.0.0.1:{port}", *(["--preload"] if options.preload else [])]
    else:
        command = [bin / "uvicorn", f"{module}:app", "--log-level", "warning", "--host", "127.0.0.1", "--port", port]
    # numpy's own threads would compute for several requests at once, where one device computes for one.
    environment = {"OPENBLAS_NUM_THREADS": "1"}
    if options.instrument:
        command = [bin / "opentelemetry-instrument", *command]
        environment |= {
            "OTEL_SERVICE_NAME": name,
            "OTEL_RESOURCE_ATTRIBUTES": f"ml.pipeline.name={os.getenv('PIPELINE_NAME', 'recommendation')}",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        }
    return [str(part) for part in command], environment


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_listening(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"a service ended with {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on port {port}")


def request(i: int) -> dict:
    """Most are ordinary. Some clients are new, some texts in other languages, some answers cut short."""
    return {
        "payload": f"customers who read number {i} also read",
        "client_id": f"stranger-{i}" if i % 15 == 7 else f"client-{i % 12}",
        "language": "de" if i % 6 == 3 else "fr" if i % 10 == 5 else "en",
        "max_tokens": 4 if i % 30 == 11 else 40 if i % 8 == 4 else 400,
    }


async def send_all(url: str, count: int, concurrency: int) -> Counter:
    did: Counter = Counter()
    limit = asyncio.Semaphore(concurrency)

    async def send(http: httpx.AsyncClient, i: int) -> None:
        async with limit:
            response = await http.post(url, json=request(i))
        if response.status_code == 200:
            note(did, response.json()["did"])
        elif response.status_code == 502 and "Failed after" in response.text:
            did["failed"] += 1
            note(did, response.json()["detail"]["did"])
        else:
            raise RuntimeError(f"request {i}: {response.status_code} {response.text}")

    async with httpx.AsyncClient(timeout=60) as http:
        await asyncio.gather(*(send(http, i) for i in range(count)))
    return did


def note(did: Counter, one: dict) -> None:
    did["requests"] += 1
    did["fallbacks"] += one["fallback"]
    did["features_unavailable"] += one["unavailable"]
    did["waited_longer_than_computed"] += one["queue_wait_ms"] > one["forward_pass_ms"]
    did["revalidated"] += one["validation_attempts"] > 1
    did["loads"] += one["loaded"] and not one["reloaded"]
    did["reloads"] += one["reloaded"]
    did["variant_" + one["variant"]] += 1


METRICS = {
    "requests": "ml_pipeline_requests_total",
    "failed": 'ml_pipeline_requests_total{ml_pipeline_success="false"}',
    "fallbacks": "ml_feature_extraction_db_lookup_ms_count",
    "features_unavailable": "ml_features_unavailable_total",
    "waited_longer_than_computed": 'ml_signals_total{signal="queue_bound"}',
    "revalidated": "ml_post_processing_revalidations_total",
    "loads": 'ml_cold_starts_total{reload="false"}',
    "reloads": 'ml_cold_starts_total{reload="true"}',
    "variant_control": 'ml_pipeline_requests_total{ml_experiment_variant="control"}',
    "variant_candidate": 'ml_pipeline_requests_total{ml_experiment_variant="candidate"}',
}


def show(did: Counter) -> None:
    for what, metric in METRICS.items():
        print(f"{what.replace('_', ' '):28} {did[what]:5}   {metric}")
    print("counted " + json.dumps({metric: did[what] for what, metric in METRICS.items()}), flush=True)


if __name__ == "__main__":
    main()
