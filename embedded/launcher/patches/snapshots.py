"""Upstream: the state is saved only at a clean shutdown, file by file.

After a kill only the buckets' objects are left, and a kill during a save can leave services from
two different times. Here a snapshot of all services is taken half a second after each change
(embedded/launcher/snapshots.py), and the previous one replaces a damaged one.
"""

import copy
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation, lambda_svc, stepfunctions

from embedded.launcher import executions
from embedded.launcher.snapshots import REMEDY, Saver, Snapshots, project_version
from embedded.launcher.state_parts import StateParts

EXPECTS = {
    "core.persistence:save_all": "ea253a04fd05",
    "core.persistence:load_state": "1796603c91a1",
    "core.persistence:_json_default": "495d9abe01cb",
    "core.persistence:_json_object_hook": "645fe9676147",
    "app:_build_persistence_save_dict": "9a6393cc953d",
    "app:_load_persisted_state": "03de3b870e8f",
    "services.stepfunctions:get_state": "7d1a3261edd6",
    "services.stepfunctions:_restore_state": "b94c49c3dd97",
    "services.lambda_svc:_prune_orphan_code_blobs": "9663ac4e986d",
    "services.lambda_svc:_restore_state": "29d435d6b656",
    "services.kinesis:get_state": "2158987106fa",
    "services.kinesis:_restore_state": "046e9d7c59ce",
    "services.athena:get_state": "dbbb5e5cf1c7",
    "services.athena:_restore_state": "b93fa734fc5a",
    "services.glue:get_state": "3063cf3889a9",
    "services.glue:_restore_state": "6f972e2adb42",
    "services.cloudwatch_logs:_append_log_events": "e47cae7a15a4",
}

STATES = "stepfunctions"
# The last three change by requests that name them, and by deployments.
HEAVY = frozenset({"kinesis", "cloudwatch_logs", "cloudwatch", "athena", "cloudformation", "glue"})

_saver: list[Saver] = []


def changed(service: str = "") -> None:
    """Request a snapshot soon; `service` is the state key of the changed service, if known."""
    for saver in _saver:
        saver.changed(service)


def saved() -> bool:
    """Whether all changes are saved, so that a kill would lose nothing."""
    return all(saver.saved for saver in _saver)


def stop() -> None:
    """Take this process's last snapshot."""
    while _saver:
        _saver.pop().stop()


def _keep_last_generation(prune: Callable[[set[str]], None]) -> Callable[[set[str]], None]:
    """Keep the Lambda code, stored in blobs beside the snapshots, of the previous set, too."""
    generations: list[set[str]] = []

    def pruned(referenced: set[str]) -> None:
        generations.append(set(referenced))
        if len(generations) > 2:
            generations.pop(0)
        # The first save after a start does not know the blobs of the previous snapshot.
        if len(generations) == 2:
            prune(generations[0] | generations[1])

    return pruned


def deploying() -> bool:
    """Whether a stack is being changed; a change set that was not executed does not count."""
    return any(
        stack.get("StackStatus", "").endswith("_IN_PROGRESS")
        and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        for stack in cloudformation._stacks.all_values()
    )


def _without_executions() -> dict[str, Any]:
    """stepfunctions.get_state() without the executions, which are stored in parts."""
    stores = {
        "state_machines": stepfunctions._state_machines,
        "tags": stepfunctions._tags,
        "activities": stepfunctions._activities,
        "state_machine_versions": stepfunctions._state_machine_versions,
        "state_machine_aliases": stepfunctions._state_machine_aliases,
        "map_runs": stepfunctions._map_runs,
    }
    return {name: copy.deepcopy(store) for name, store in stores.items()}


def _put_together(payloads: dict[str, Any], parts: executions.ExecutionParts) -> None:
    """Restore Step Functions' state with its executions, as get_state() returns it."""
    found = parts.restore(payloads)
    if found:
        store = type(stepfunctions._executions)()
        store._data.update(found)
        payloads[STATES] = {**payloads.get(STATES, {}), "executions": store}


def _restore(payloads: dict[str, Any]) -> None:
    """Restore each service from its payload. Upstream ignores a payload that a service cannot read,
    and the next save would delete it. Here the launcher ends before anything is saved."""
    for state_key, module_name in app._state_map.items():
        payload = payloads.get(state_key)
        if not payload:
            continue
        try:
            app._get_module(module_name).load_persisted_state(payload)
        except Exception as failed:
            # Upstream catches exceptions here, and would leave the server half started.
            print(
                f"launcher: The state of {state_key} cannot be read by sentiment-lake "
                f"{project_version()} ({type(failed).__name__}: {failed}). {REMEDY}",
                file=sys.stderr,
                flush=True,
            )
            os._exit(2)


def apply() -> None:
    snapshots = Snapshots(
        Path(os.environ["STATE_DIR"]), persistence._json_object_hook, persistence._json_default
    )
    # Loaded here and not at the first request, so that a refused state ends the start.
    payloads = snapshots.load()
    snapshots.begin()

    parts, others = executions.ExecutionParts(), StateParts()
    kept = stepfunctions._executions._data

    def sources(skipped: Collection[str]) -> dict[str, Callable[[], Any]]:
        saved = app._build_persistence_save_dict()
        found = {name: read for name, read in saved.items() if name not in skipped}
        others.divide(found, snapshots.written)
        if STATES in found:
            executions.drop_old(kept)
            found[STATES] = _without_executions
            found.update(parts.due(kept, snapshots.written))
        return found

    def load_all() -> None:
        _put_together(payloads, parts)
        others.put_together(payloads)
        _restore(payloads)
        payloads.clear()
        saver = Saver(
            snapshots,
            sources,
            HEAVY,
            deploying,
            gone=lambda: parts.gone(snapshots.written) | others.gone(snapshots.written),
            on_failure=parts.forget_pending,
        )
        _saver.append(saver)
        saver.start()

    app._load_persisted_state = load_all
    # Each service requests its payload by name.
    app.load_state = payloads.get
    # Upstream's save at the shutdown runs after the workers have ended; ours has been done by then.
    app.save_all = lambda _sources: None
    lambda_svc._prune_orphan_code_blobs = _keep_last_generation(lambda_svc._prune_orphan_code_blobs)
