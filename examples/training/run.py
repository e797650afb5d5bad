"""Runs the pipeline: six stages as jobs, and the context with them. Says in the end what the stages did.

Every figure is what a stage said of itself. The collector has to come to the same from the spans alone."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import tracing

HERE = Path(__file__).resolve().parent


def start(stage: str, folder: str, environment: dict[str, str]) -> subprocess.Popen:
    """As a scheduler starts a job: Kubernetes, Slurm and Airflow's KubernetesPodOperator all take an environment."""
    without = {key: value for key, value in os.environ.items() if key not in ("TRACEPARENT", "TRACESTATE", "BAGGAGE")}
    return subprocess.Popen([sys.executable, HERE / "stages.py", stage, folder], env=without | environment,
                            stdout=subprocess.PIPE, text=True)


def finish(job: subprocess.Popen) -> dict:
    out, _ = job.communicate()
    if job.returncode != 0:
        sys.exit(f"{job.args[2]} ended with {job.returncode}")
    return json.loads(out)


def main() -> None:
    tracer = tracing.setup("churn.scheduler")
    did: dict = {"transformation_errors": 0}
    with tempfile.TemporaryDirectory(prefix="example-training-") as folder:
        # The workers were there before the run and get no environment from it: what they know comes with each message.
        workers = [start("feature-engineering", folder, {}) for _ in range(2)]
        try:
            with tracer.start_as_current_span("pipeline-run") as span:
                span.set_attribute("data.path", "clients.jsonl")
                did |= finish(start("data-ingestion", folder, tracing.job_environment()))
                for worker in workers:
                    did["transformation_errors"] += finish(worker)["transformation_errors"]
                for stage in ("model-training", "model-evaluation", "model-registration", "model-deployment"):
                    did |= finish(start(stage, folder, tracing.job_environment()))
                trace_id = f"{span.get_span_context().trace_id:032x}"
        finally:
            for worker in workers:
                if worker.poll() is None:
                    worker.kill()
    counted = {
        'ml_data_records_total{outcome="read"}':                 did["read"],
        'ml_data_records_total{outcome="parsing_error"}':        did["parsing_errors"],
        'ml_data_records_total{outcome="transformation_error"}': did["transformation_errors"],
        'ml_data_rows{suite="churn_clients"}':                   did["rows"],
        'ml_data_null_share{suite="churn_clients"}':             did["null_share"],
        'ml_data_checks_total{suite="churn_clients"}':           did["checks"],
        'ml_data_checks_failed_total{suite="churn_clients"}':    did["checks_failed"],
        'ml_data_check_failures_total{suite="churn_clients"}':   did["checks_failed"],
        'ml_data_check_failures_total{check="not_nullable", column="age"}': 1,
        'ml_stage_calls_total{ml_stage="feature_engineering"}':  4,
        'ml_training_value{metric="epochs"}':                    did["epochs"],
        'ml_training_value{metric="loss"}':                      did["loss"],
        'ml_evaluation_score{metric="accuracy"}':                did["accuracy"],
        'ml_evaluation_score{metric="f1"}':                      did["f1"],
        'ml_evaluation_score{metric="auc"}':                     did["auc"],
        'ml_evaluation_score{metric="baseline_accuracy"}':       did["baseline_accuracy"],
        'ml_registration_artifact_size':                         did["artifact_size"],
        'ml_deployments_total{strategy="canary", healthy="true"}': 1,
        'ml_deployment_canary_percent':                          10,
    }
    for metric, value in counted.items():
        print(f"{value:12.6g}   {metric}")
    print("trace " + trace_id)
    print("counted " + json.dumps(counted), flush=True)


if __name__ == "__main__":
    main()
