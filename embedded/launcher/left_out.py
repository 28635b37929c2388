"""Resource types that the embedded cloud leaves out of a deployment, each with its reason.

A type is deployed, listed here, or stops the deployment: CloudFormation refuses a template with
"Unrecognized resource types: [...]" before anything is created.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LeftOut:
    """Why a type is left out, and what the template is told instead of a real resource.

    Ref answers the property `named_by` when the template gives it, else the logical id; Fn::GetAtt
    answers `attributes`, in which {id} stands for that same value.
    """

    reason: str
    named_by: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


_ARN = "arn:aws:sagemaker:us-east-1:000000000000:{kind}/{{id}}"


def _sagemaker(kind: str, named_by: str, **attributes: str) -> LeftOut:
    arn = _ARN.format(kind=kind)
    return LeftOut(
        "SageMaker is the gateway's: models and endpoints are made by the pipeline through the API",
        named_by,
        {f"{named_by.removesuffix('Name')}Arn": arn, "Arn": arn, named_by: "{id}", **attributes},
    )


LEFT_OUT: dict[str, LeftOut] = {
    "AWS::Budgets::Budget": LeftOut("nothing here costs money"),
    "AWS::XRay::Group": LeftOut("traces are not collected", "GroupName"),
    "AWS::XRay::SamplingRule": LeftOut("traces are not collected", "RuleName"),
    "AWS::CloudWatch::AnomalyDetector": LeftOut("no metric has a history that is long enough"),
    "AWS::Logs::QueryDefinition": LeftOut(
        "Logs Insights is not part of the embedded cloud", "Name", {"QueryDefinitionId": "{id}"}
    ),
    "AWS::Lambda::CodeSigningConfig": LeftOut("code is not signed on the way to this machine"),
    "AWS::SSMIncidents::ResponsePlan": LeftOut("nobody is on call for a laptop", "Name"),
    "AWS::SageMaker::Model": _sagemaker("model", "ModelName"),
    "AWS::SageMaker::EndpointConfig": _sagemaker("endpoint-config", "EndpointConfigName"),
    "AWS::SageMaker::Endpoint": _sagemaker("endpoint", "EndpointName"),
    "AWS::SageMaker::ModelPackageGroup": _sagemaker("model-package-group", "ModelPackageGroupName"),
    "AWS::SageMaker::ModelPackage": _sagemaker("model-package", "ModelPackageName"),
    "AWS::SageMaker::ModelCard": _sagemaker("model-card", "ModelCardName"),
    "AWS::SageMaker::MonitoringSchedule": _sagemaker(
        "monitoring-schedule", "MonitoringScheduleName"
    ),
    "AWS::SageMaker::NotebookInstance": _sagemaker("notebook-instance", "NotebookInstanceName"),
    "AWS::SageMaker::NotebookInstanceLifecycleConfig": _sagemaker(
        "notebook-instance-lifecycle-config", "NotebookInstanceLifecycleConfigName"
    ),
    "AWS::SageMaker::Pipeline": _sagemaker("pipeline", "PipelineName"),
    "AWS::SageMaker::Project": _sagemaker("project", "ProjectName"),
    "AWS::SageMaker::FeatureGroup": _sagemaker("feature-group", "FeatureGroupName"),
    "AWS::SageMaker::Domain": _sagemaker("domain", "DomainName", DomainId="{id}"),
    "Custom::ImageBuild": LeftOut(
        "the local run executes the Dockerfiles' commands as processes, so no image is built",
        attributes={
            "ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/{id}:local",
            "ImageDigest": "sha256:" + "0" * 64,
            "Digest": "sha256:" + "0" * 64,
            "Tag": "local",
            "BuildId": "{id}:local",
        },
    ),
}
