"""Upstream: the state is saved on a clean shutdown only, file by file.

After a kill the buckets' objects are there and all else is gone, and a kill while it saves can
leave services from two different moments. Here a snapshot of all services is taken half a second
after each change (embedded/launcher/snapshots.py), and a torn one falls back to the one before.
"""

import copy
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation, lambda_svc, stepfunctions

from embedded.launcher import executions
from embedded.launcher.snapshots import REMEDY, Saver, Snapshots, project_version

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
}

STATES = "stepfunctions"
HEAVY = frozenset({"kinesis", "cloudwatch_logs", "cloudwatch"})

_saver: list[Saver] = []


def changed(service: str = "") -> None:
    """Ask for a snapshot soon; `service` is the state key of what was touched, if that is known."""
    for saver in _saver:
        saver.changed(service)


def saved() -> bool:
    """Whether a kill now would lose nothing."""
    return all(saver.saved for saver in _saver)


def stop() -> None:
    """Take the last snapshot of this process."""
    while _saver:
        _saver.pop().stop()


def _keep_last_generation(prune: Callable[[set[str]], None]) -> Callable[[set[str]], None]:
    """Lambda code is kept in blobs beside the snapshot; the set before still needs its own."""
    generations: list[set[str]] = []

    def pruned(referenced: set[str]) -> None:
        generations.append(set(referenced))
        if len(generations) > 2:
            generations.pop(0)
        # The first save after a start cannot know what the snapshot before it refers to.
        if len(generations) == 2:
            prune(generations[0] | generations[1])

    return pruned


def deploying() -> bool:
    """Whether a stack is between two states; a change set that waits for execution is not."""
    return any(
        stack.get("StackStatus", "").endswith("_IN_PROGRESS")
        and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
        for stack in cloudformation._stacks.all_values()
    )


def _without_executions() -> dict[str, Any]:
    """stepfunctions.get_state() but for the executions, which are kept in parts."""
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
    """The state of Step Functions as get_state() would have saved it, with its executions."""
    found = parts.restore(payloads)
    if found:
        store = type(stepfunctions._executions)()
        store._data.update(found)
        payloads[STATES] = {**payloads.get(STATES, {}), "executions": store}


def _restore(payloads: dict[str, Any]) -> None:
    """Give each service its payload. Upstream goes on without what a service cannot read, and the
    next save would drop it; here the launcher ends before anything is saved."""
    for state_key, module_name in app._state_map.items():
        payload = payloads.get(state_key)
        if not payload:
            continue
        try:
            app._get_module(module_name).load_persisted_state(payload)
        except Exception as failed:
            # Where this is called from, an exception would leave the server half started.
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
    # Here and not at the first request: a state that is refused ends the start with one sentence.
    payloads = snapshots.load()
    snapshots.begin()

    parts = executions.ExecutionParts()
    kept = stepfunctions._executions._data

    def sources() -> dict[str, Callable[[], Any]]:
        found = app._build_persistence_save_dict()
        if STATES in found:
            executions.drop_old(kept)
            found[STATES] = _without_executions
            found.update(parts.due(kept, snapshots.written))
        return found

    def load_all() -> None:
        _put_together(payloads, parts)
        _restore(payloads)
        payloads.clear()
        saver = Saver(
            snapshots,
            sources,
            HEAVY,
            deploying,
            gone=lambda: executions.gone(kept, snapshots.written),
            on_failure=parts.forget_said,
        )
        _saver.append(saver)
        saver.start()

    app._load_persisted_state = load_all
    # Each service asks for its own payload by name.
    app.load_state = payloads.get
    # The shutdown's own save comes after workers are gone; ours has been taken by then.
    app.save_all = lambda _sources: None
    lambda_svc._prune_orphan_code_blobs = _keep_last_generation(lambda_svc._prune_orphan_code_blobs)
