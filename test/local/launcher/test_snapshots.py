"""patches/snapshots.py and the process itself: what a kill, a torn file or a stop leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from conftest import ROOT, Launcher, Machine, free_port, function, machine, role, statement, until

SLEEPER = """
exports.handler = async (event) => {
  require('fs').writeFileSync(process.env.INTO, String(process.pid));
  await new Promise((r) => setTimeout(r, 600000));
};
"""


def manifest(launcher: Launcher) -> Path:
    return launcher.home / "state" / "manifest.json"


def saved(launcher: Launcher) -> None:
    """Wait until nothing was written for longer than a snapshot takes to come."""
    seen = -1.0
    while manifest(launcher).exists() is False or manifest(launcher).stat().st_mtime != seen:
        seen = manifest(launcher).stat().st_mtime if manifest(launcher).exists() else -1.0
        time.sleep(0.9)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


def test_a_kill_loses_no_execution_history_or_object(own_launcher):
    arn = function(own_launcher, "kept", "exports.handler = async () => 7;",
                   role(own_launcher, "kept-fn"))
    caller = role(own_launcher, "kept-sfn", statement(["lambda:InvokeFunction"], [arn]))
    kept = machine(own_launcher, "kept", {"StartAt": "Call", "States": {
        "Call": {"Type": "Task", "Resource": arn, "End": True}}}, caller)
    own_launcher.client("s3").create_bucket(Bucket="kept-bucket")
    own_launcher.client("s3").put_object(Bucket="kept-bucket", Key="a/b", Body=b"c")
    execution = kept.start({"n": 1})
    kept.ended(execution)
    history = kept.history(execution)
    saved(own_launcher)

    own_launcher.kill()
    own_launcher.start()

    assert kept.describe(execution)["output"] == "7"
    assert kept.history(execution) == history
    body = own_launcher.client("s3").get_object(Bucket="kept-bucket", Key="a/b")["Body"].read()
    assert body == b"c"
    assert kept.ended(kept.start())["status"] == "SUCCEEDED"


def stopped_while_running(launcher: Launcher, end: str) -> tuple[Machine, str]:
    waiting = machine(launcher, "waiting", {"StartAt": "Wait", "States": {
        "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}},
        role(launcher, "waiting-sfn"))
    execution = waiting.start({"seconds": 3})
    until(lambda: "WaitStateEntered" in waiting.kinds(execution))
    saved(launcher)
    getattr(launcher, end)()
    launcher.start()
    return waiting, execution


def test_an_execution_that_ran_at_a_kill_has_failed_and_can_be_redriven(own_launcher):
    waiting, execution = stopped_while_running(own_launcher, "kill")

    found = waiting.describe(execution)
    waiting.client.redrive_execution(executionArn=execution)
    ended = waiting.ended(execution)

    assert (found["status"], found["error"]) == ("FAILED", "EmbeddedCloud.Stopped")
    assert f"redrive {execution.rsplit(':', 1)[-1]}" in found["cause"]
    assert (ended["status"], ended["redriveCount"]) == ("SUCCEEDED", 1)
    assert waiting.kinds(execution) == [
        "ExecutionStarted", "WaitStateEntered", "ExecutionFailed", "ExecutionRedriven",
        "WaitStateEntered", "WaitStateExited", "ExecutionSucceeded"]


def test_an_execution_that_ran_at_a_clean_stop_has_failed_and_can_be_redriven(own_launcher):
    waiting, execution = stopped_while_running(own_launcher, "stop")

    assert waiting.describe(execution)["error"] == "EmbeddedCloud.Stopped"
    assert waiting.kinds(execution)[-1] == "ExecutionFailed"


def test_a_stop_saves_what_was_not_saved_yet(own_launcher):
    own_launcher.client("ssm").put_parameter(Name="/late", Value="v", Type="String")

    own_launcher.stop()
    own_launcher.start()

    assert own_launcher.client("ssm").get_parameter(Name="/late")["Parameter"]["Value"] == "v"


def written(launcher: Launcher, value: str) -> None:
    launcher.client("ssm").put_parameter(
        Name="/p", Value=value, Type="String", Overwrite=True)
    saved(launcher)


def test_a_torn_snapshot_falls_back_to_the_one_before_and_says_so(own_launcher):
    written(own_launcher, "first")
    written(own_launcher, "second")
    own_launcher.kill()
    torn = next((own_launcher.home / "state" / "services").glob(
        json.loads(manifest(own_launcher).read_text())["files"]["ssm"]))
    torn.write_bytes(torn.read_bytes()[:-20])

    own_launcher.start()

    assert own_launcher.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "first"
    log = (own_launcher.home / "launcher.log").read_text()
    assert f"{torn.name} was changed or cut short" in log
    assert "Falling back to the snapshot before it" in log


def test_a_manifest_of_nonsense_falls_back_too(own_launcher):
    written(own_launcher, "first")
    written(own_launcher, "second")
    own_launcher.kill()
    manifest(own_launcher).write_text('{"format": 1, "fi')

    own_launcher.start()

    assert own_launcher.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == "first"


def test_a_stop_leaves_no_lambda_worker_behind(own_launcher, tmp_path):
    pid = running_worker(own_launcher, tmp_path)

    own_launcher.stop()

    until(lambda: not alive(pid), seconds=3)


def test_a_killed_launcher_leaves_no_lambda_worker_behind(own_launcher, tmp_path):
    pid = running_worker(own_launcher, tmp_path)

    own_launcher.kill()

    until(lambda: not alive(pid), seconds=3)


def running_worker(launcher: Launcher, folder: Path) -> int:
    """The process id of a worker that is in the middle of a handler."""
    into = folder / "pid"
    function(launcher, "sleeper", SLEEPER, role(launcher, "sleeper-fn"),
             Environment={"Variables": {"INTO": str(into)}})
    launcher.client("lambda").invoke(FunctionName="sleeper", InvocationType="Event", Payload=b"{}")
    until(lambda: into.exists() and into.read_text())
    return int(into.read_text())


def test_the_launcher_ends_when_its_parent_is_killed(tmp_path):
    port = free_port()
    parent = subprocess.Popen([sys.executable, "-c", f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "local.launcher", "--port", "{port}", "--gateway",
    "http://127.0.0.1:{port}", "--home", {str(tmp_path)!r}], stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL, text=True, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    until(lambda: not alive(pid), seconds=5)


def test_a_port_in_use_is_one_clear_line(launcher, tmp_path):
    refused = subprocess.run(
        [sys.executable, "-m", "local.launcher", "--port", str(launcher.port), "--gateway",
         launcher.url, "--home", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)

    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        f"launcher: port {launcher.port} of 127.0.0.1 is in use: Address already in use"]


def test_it_listens_on_the_loopback_address_only(launcher):
    listening = subprocess.run(
        ["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    own = [line.split()[3] for line in listening.splitlines()
           if f"pid={launcher.process.pid}," in line]

    assert own == [f"127.0.0.1:{launcher.port}"]
