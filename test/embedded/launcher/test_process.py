"""The launcher's process: what it refuses, where it listens, and that nothing outlives it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from launcher_front import ROOT_SECRET, SECRETS_LINE, TOKEN
from launching import ROOT, Launcher, free_port, function, role, until

SLEEPER = """
exports.handler = async (event) => {
  require('fs').writeFileSync(event.into, String(process.pid));
  await new Promise((r) => setTimeout(r, 600000));
};
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"


def test_no_lambda_worker_outlives_its_launcher(own_launcher, tmp_path):
    role_arn = role(own_launcher, "sleeper-fn")
    function(own_launcher, "sleeper", SLEEPER, role_arn)
    own_launcher.saved()

    stopped = busy_worker(own_launcher, tmp_path / "stopped")
    own_launcher.stop()
    until(lambda: not alive(stopped), seconds=5)
    own_launcher.start()
    killed = busy_worker(own_launcher, tmp_path / "killed")
    own_launcher.kill()
    until(lambda: not alive(killed), seconds=5)


def busy_worker(launcher: Launcher, into: Path) -> int:
    """The process id of a worker that is in the middle of a handler."""
    launcher.client("lambda").invoke(
        FunctionName="sleeper", InvocationType="Event", Payload=f'{{"into": "{into}"}}'
    )
    until(lambda: into.exists() and into.read_text())
    return int(into.read_text())


def test_the_launcher_ends_when_its_parent_is_killed(tmp_path):
    port = free_port()
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "embedded.launcher", "--port", "{port}",
    "--gateway", "http://127.0.0.1:{port}", "--home", {str(tmp_path)!r}], stdout=subprocess.PIPE,
    stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
child.stdin.write({SECRETS_LINE!r})
child.stdin.close()
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
""",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(parent.stdout.readline())

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    until(lambda: not alive(pid), seconds=10)


@pytest.mark.parametrize(
    "options, line",
    [
        (
            ["--gateway", "http://127.0.0.1:1"],
            "launcher: port {port} of 127.0.0.1 is in use: Address already in use",
        ),
        (
            ["--gateway", "https://example.com"],
            "launcher: --gateway https://example.com: expected http://127.0.0.1:PORT",
        ),
    ],
)
def test_what_cannot_be_started_is_one_clear_line(launcher, tmp_path, options, line):
    refused = subprocess.run(
        [
            sys.executable,
            "-m",
            "embedded.launcher",
            "--port",
            str(launcher.port),
            "--home",
            str(tmp_path),
            *options,
        ],
        cwd=ROOT,
        input=SECRETS_LINE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [line.format(port=launcher.port)]


@pytest.mark.parametrize("given", ["", "{}\n", '{"token": 1, "rootSecret": 2}\n', "x\n"])
def test_without_its_secrets_it_does_not_start(tmp_path, given):
    url = "http://127.0.0.1:1"
    command = [sys.executable, "-m", "embedded.launcher", "--port", "1", "--gateway", url]
    refused = subprocess.run(
        [*command, "--home", str(tmp_path)],
        cwd=ROOT,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert "token" in line and "rootSecret" in line


def test_its_secrets_are_in_no_command_line_and_no_environment(launcher):
    seen = [
        Path(f"/proc/{launcher.process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")
    ]

    for secret in (TOKEN, ROOT_SECRET):
        assert all(secret.encode() not in text for text in seen)


def test_it_listens_on_the_loopback_address_only(launcher):
    inodes = set()
    for descriptor in Path(f"/proc/{launcher.process.pid}/fd").iterdir():
        target = os.readlink(descriptor)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                listening.append(fields[1])

    # 127.0.0.1, as the kernel writes it, and the port.
    assert listening == [f"0100007F:{launcher.port:04X}"]
