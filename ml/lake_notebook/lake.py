"""Access to a deployed lake, embedded or in an account, for people who train models.

Nothing here bypasses the pipeline: a training is an execution of the state machine, so it is in the
history, and the gate decides which model serves. Objects are read as AnalyticsRole, because the
bucket denies people's own identities.
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
    # The training job's name, which is the model's version; None if the training was skipped.
    version: str | None
    # Each rule of the gate, passed or failed, as a sentence.
    reasons: list[str]


class Lake:
    def __init__(self, environment: str = "local") -> None:
        """Raises RuntimeError if the environment is not deployed in the credentials' account.

        For the embedded cloud, set `AWS_ENDPOINT_URL` and the other variables that npm run up
        prints.
        """
        self.environment = environment
        self.outputs = self._find_outputs()
        self._machine = self.outputs["StateMachineArn"]
        self._states = boto3.client("stepfunctions")
        self._endpoint = boto3.client("sagemaker-runtime")

    def retrain(self, **training: float) -> Run:
        """Trains on the lake's data and lets the gate decide; `training` are hyperparameters.

        Raises RuntimeError with the pipeline's message if the execution fails.
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
        """Version of the model that serves; None if there is none."""
        found = self._read("model-outputs/champion.json")
        return None if found is None else json.loads(found)["modelVersion"]

    def evaluation(self, version: str) -> dict[str, Any]:
        """`evaluation.json` of a model, as workflows/evaluation.ts describes it."""
        return json.loads(self._need(f"model-outputs/{version}/evaluation.json"))

    def report(self, version: str) -> str:
        """The HTML page of a model's evaluation, which loads nothing."""
        return self._need(f"model-outputs/{version}/evaluation.html").decode("utf-8")

    def predict(self, texts: list[str]) -> tuple[str, list[dict[str, Any]]]:
        """Version of the endpoint's model, and a prediction for each text."""
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
                f"Cannot find the stack {stack} with your credentials ({error}). Embedded cloud: "
                "run npm run up and set the variables it prints. Account: run npm run deploy and "
                "set AWS_PROFILE."
            ) from error
        return {one["OutputKey"]: one["OutputValue"] for one in found[0].get("Outputs", [])}

    def _wait(self, arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + MAX_SECONDS
        while time.monotonic() < deadline:
            found = self._states.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            time.sleep(POLL_SECONDS)
        raise RuntimeError(f"{arn} is still running after {MAX_SECONDS} s")

    def _state_after_evaluation(self, arn: str) -> dict[str, Any]:
        """The execution's state after the evaluation; empty if there was no evaluation."""
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
        """An S3 client with AnalyticsRole's credentials, new at each call: they may expire during a
        training."""
        _, partition, _, _, account, *_ = self._machine.split(":")
        role = f"sentiment-lake-{self.environment}-AnalyticsRole"
        credentials = boto3.client("sts").assume_role(
            RoleArn=f"arn:{partition}:iam::{account}:role/{role}", RoleSessionName="notebook"
        )["Credentials"]
        return boto3.client(
            "s3",
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            # The embedded cloud's address has no subdomains; AWS accepts both styles.
            config=Config(s3={"addressing_style": "path"}),
        )
