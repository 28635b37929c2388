"""Corrections of ministack where it differs from AWS: one module for each.

A patch module has EXPECTS (the fingerprints of the upstream code it corrects; see
embedded/launcher/upstream.py) and apply(). Patches are applied only if all fingerprints match.
"""

import importlib
from types import ModuleType

from embedded.launcher.upstream import expect

NAMES = (
    "lambda_errors",
    "lambda_workers",
    "lambda_limits",
    "lambda_requests",
    "lambda_credentials",
    "root_secret",
    "object_lists",
    "snapshots",
    "execution_events",
    "task_states",
    "execution_runs",
    "execution_limits",
    "execution_views",
    "redrive",
    "cloudtrail_events",
    "glue_catalog",
    "principal_arn",
    "write_encryption",
    "write_conditions",
    "key_permissions",
    "key_grants",
    "key_deliveries",
    "encryption_properties",
    "secret_refs",
    "secret_versions",
    "mapping_states",
    "metric_points",
    "metric_queries",
    "stream_retries",
    "sequence_numbers",
    "resource_arns",
    "athena_queries",
    "cloudformation_types",
    "alarms",
    "custom_resources",
    "recorded_calls",
    "queue_urls",
    "schedule_expressions",
)


def modules() -> list[ModuleType]:
    return [importlib.import_module(f"{__name__}.{name}") for name in NAMES]


def apply_all() -> None:
    """Check all patches' fingerprints, then apply all patches; raises UpstreamChanged."""
    found = modules()
    for module in found:
        expect(module.__name__.rsplit(".", 1)[-1], module.EXPECTS)
    for module in found:
        module.apply()
