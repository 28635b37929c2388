"""Processes that do not outlive the one that started them."""

from __future__ import annotations

import os
import threading
import time

SECONDS = 1.0


def end_with_parent(parent: int) -> None:
    """To be called first in a worker: a pool whose owner is killed leaves its workers waiting for
    work, each with all that it has loaded."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
