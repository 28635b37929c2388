"""A deployed lake, embedded or in an account, for a person who trains models.

Nothing here bypasses the pipeline: a training is an execution of the state machine, so it has a
history, and the gate decides what is served. Files of the lake are read as AnalyticsRole, because
the bucket denies people under their own names.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

POLL_SECONDS = 3
# The state machine stops a run after six hours (infra/config.ts).
MAX_SECONDS = 6 * 3600
EVALUATE = "Evaluate the candidate"


@dataclass(frozen=True)
class Run:
    """A successful execution and its decision."""

    name: str
    outcome: str
    summary: str
    # The training job, which is the model's version; None when nothing new was to be learnt.
    version: str | None
    # Every rule of the gate, kept or broken, as a sentence.
    reasons: list[str]


class Lake:
    def __init__(self, environment: str = "local") -> None:
        """Raises RuntimeError when the environment is not deployed where the credentials lead.

        `AWS_ENDPOINT_URL` and its like lead to the embedded cloud (npm run up prints them).
        """
        self.environment = environment
        self.outputs = self._find_outputs()
        self._machine = self.outputs["StateMachineArn"]
        self._states = boto3.client("stepfunctions")
        self._endpoint = boto3.client("sagemaker-runtime")

    def retrain(self, **training: float) -> Run:
        """Train on what the lake holds, and let the gate decide; `training` are hyperparameters.

        Raises RuntimeError with the pipeline's own words when the execution fails.
        """
        name = f"notebook-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
        request = json.dumps({"mode": "retrain", "training": training})
        started = self._states.start_execution(
            stateMachineArn=self._machine, name=name, input=request
        )
        ended = self._wait(started["executionArn"])
        if ended["status"] != "SUCCEEDED":
            raise RuntimeError(
                f"{name} ended as {ended['status']}: {ended.get('error', '')} "
                f"{ended.get('cause', '')}"
            )
        report = json.loads(ended["output"])
        state = self._state_after_evaluation(started["executionArn"])
        return Run(
            name=name,
            outcome=report["outcome"],
            summary=report["summary"],
            version=state.get("train", {}).get("jobName"),
            reasons=state.get("evaluation", {}).get("reasons", []),
        )

    def champion(self) -> str | None:
        """Version of the model in service."""
        found = self._read("model-outputs/champion.json")
        return None if found is None else json.loads(found)["modelVersion"]

    def evaluation(self, version: str) -> dict[str, Any]:
        """`evaluation.json` of a model, as workflows/evaluation.ts describes it."""
        return json.loads(self._need(f"model-outputs/{version}/evaluation.json"))

    def report(self, version: str) -> str:
        """The page that shows a model's evaluation: HTML that loads nothing."""
        return self._need(f"model-outputs/{version}/evaluation.html").decode("utf-8")

    def predict(self, texts: list[str]) -> tuple[str, list[dict[str, Any]]]:
        """Version of the model behind the endpoint, and a prediction for each text."""
        answer = self._endpoint.invoke_endpoint(
            EndpointName=self.outputs["EndpointName"],
            ContentType="application/json",
            Accept="application/json",
            Body=json.dumps({"texts": texts}),
        )
        body = json.loads(answer["Body"].read())
        return body["model_version"], body["predictions"]

    def _find_outputs(self) -> dict[str, str]:
        stack = f"SentimentLake-{self.environment}-Pipeline"
        try:
            found = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except Exception as error:
            raise RuntimeError(
                f"There is no {stack} where your credentials lead ({error}). Embedded: npm run up, "
                "and its exports; in an account: npm run deploy, and AWS_PROFILE."
            ) from error
        return {one["OutputKey"]: one["OutputValue"] for one in found[0].get("Outputs", [])}

    def _wait(self, arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + MAX_SECONDS
        while time.monotonic() < deadline:
            found = self._states.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"{arn} still runs after {MAX_SECONDS} s")

    def _state_after_evaluation(self, arn: str) -> dict[str, Any]:
        """The execution's state after the evaluation; empty when it did not get there."""
        pages = self._states.get_paginator("get_execution_history").paginate(
            executionArn=arn, reverseOrder=True
        )
        for page in pages:
            for event in page["events"]:
                left = event.get("stateExitedEventDetails", {})
                if left.get("name") == EVALUATE:
                    return json.loads(left["output"])
        return {}

    def _need(self, key: str) -> bytes:
        found = self._read(key)
        if found is None:
            raise RuntimeError(f"There is no {key} in {self.outputs['BucketName']}.")
        return found

    def _read(self, key: str) -> bytes | None:
        s3 = self._analyst()
        try:
            return s3.get_object(Bucket=self.outputs["BucketName"], Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None

    def _analyst(self) -> Any:
        """S3 as AnalyticsRole. Taken on anew each time: a training may outlast the credentials."""
        _, partition, _, _, account, *_ = self._machine.split(":")
        role = f"sentiment-lake-{self.environment}-AnalyticsRole"
        given = boto3.client("sts").assume_role(
            RoleArn=f"arn:{partition}:iam::{account}:role/{role}", RoleSessionName="notebook"
        )["Credentials"]
        return boto3.client(
            "s3",
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            # The embedded cloud's address has no subdomains; AWS accepts both styles.
            config=Config(s3={"addressing_style": "path"}),
        )
