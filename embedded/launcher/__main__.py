"""python -m embedded.launcher --port P --gateway http://127.0.0.1:G --home DIR [--parent PID] …

Two secrets are read from standard input, where neither `ps` nor a child process can see them:
{"token": "sent by the gateway with each request", "rootSecret": "root's secret access key"}
"""

import argparse
import importlib
import logging
import os
import socket
import sys
from pathlib import Path

from embedded.launcher import recorded_calls
from embedded.launcher.environment import prepare, read_secrets


def main() -> int:
    arguments = argparse.ArgumentParser(prog="embedded.launcher", description=__doc__)
    arguments.add_argument("--port", type=int, required=True, help="port of ministack")
    arguments.add_argument("--gateway", required=True, help="address that clients use")
    arguments.add_argument("--home", type=Path, required=True, help="folder of all state")
    arguments.add_argument(
        "--parent", type=int, default=os.getppid(), help="process id; the launcher ends with it"
    )
    arguments.add_argument("--log-level", default="WARNING")
    arguments.add_argument(
        "--record-calls", type=Path, help="file that receives one line for each call of a role"
    )
    options = arguments.parse_args()
    # Files hold keys, a bearer token and people's texts: no other user may read them.
    os.umask(0o077)
    try:
        secrets = read_secrets(sys.stdin.buffer)
        _forget_standard_input()
        prepare(options.gateway, options.home.resolve(), options.log_level)
        _refuse_taken(options.port)
        # ministack warns at each start that asymmetric keys cannot sign. Nothing here uses that.
        logging.getLogger("kms").setLevel(logging.ERROR)
        # Imported late: ministack reads its environment at import.
        patches = importlib.import_module("embedded.launcher.patches")
        patches.apply_all()
        importlib.import_module("embedded.launcher.patches.root_secret").use(secrets.root)
        if options.record_calls:
            recorded_calls.write_to(options.record_calls.resolve())
    except (ValueError, RuntimeError, OSError) as refused:
        print(f"launcher: {refused}", file=sys.stderr)
        return 2
    importlib.import_module("embedded.launcher.server").run(
        options.port, options.parent, secrets.token
    )
    return 0


def _forget_standard_input() -> None:
    """Replace standard input by /dev/null, so that child processes inherit nothing from it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as taken:
            raise OSError(f"port {port} of 127.0.0.1 is in use: {taken.strerror}") from taken


if __name__ == "__main__":
    sys.exit(main())
