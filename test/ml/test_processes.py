from __future__ import annotations

import os
import subprocess
import sys
import time

import tiny_job

OWNER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from lstm.processes import end_with_parent
parent = os.getpid()
child = os.fork()
if child == 0:
    end_with_parent(parent)
    time.sleep(60)
print(child, flush=True)
time.sleep(60)
"""


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # A zombie is dead; only whoever inherited it has not looked yet.
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True
    )
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


def test_a_worker_ends_when_its_owner_is_killed() -> None:
    command = [sys.executable, "-c", OWNER, str(tiny_job.TRAINING)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    worker = int(owner.stdout.readline())
    assert is_alive(worker)

    owner.kill()
    owner.wait()

    deadline = time.monotonic() + 20
    while is_alive(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(worker)
