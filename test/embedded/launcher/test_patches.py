"""Each patch names the upstream code it corrects, and none is laid over any other code."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from launching import ROOT

from embedded.launcher import left_out

PATCHES = ROOT / "embedded" / "launcher" / "patches"
NAMES = sorted(path.stem for path in PATCHES.glob("*.py") if path.stem != "__init__")

# Runs in a process of its own: ministack reads its environment when it is imported.
APPLY_TO_CHANGED_CODE = """
import json, sys
from pathlib import Path
from embedded.launcher.environment import prepare
prepare("http://127.0.0.1:4599", Path(sys.argv[1]))
from embedded.launcher import patches, upstream
refusals = {}
for module in patches.modules():
    for name in list(module.EXPECTS):
        known, module.EXPECTS[name] = module.EXPECTS[name], "000000000000"
        try:
            patches.apply_all()
            refusals[f"{module.__name__.rsplit('.', 1)[-1]} {name}"] = "applied"
        except upstream.UpstreamChanged as refused:
            refusals[f"{module.__name__.rsplit('.', 1)[-1]} {name}"] = str(refused)
        module.EXPECTS[name] = known
print(json.dumps(refusals))
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory) -> dict[str, str]:
    ran = subprocess.run(
        [sys.executable, "-c", APPLY_TO_CHANGED_CODE, str(tmp_path_factory.mktemp("home"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def assigned(path: Path, name: str) -> ast.expr:
    return next(
        node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_patch_says_what_upstream_does_and_which_code_it_corrects(name):
    path = PATCHES / f"{name}.py"

    assert ast.get_docstring(ast.parse(path.read_text())).startswith("Upstream: ")
    assert len(assigned(path, "EXPECTS").keys) > 0


def test_every_patch_is_applied():
    applied = ast.literal_eval(assigned(PATCHES / "__init__.py", "NAMES"))

    assert sorted(applied) == NAMES


def test_changed_upstream_code_stops_the_start_and_is_named(refusals):
    assert len(refusals) > 40
    for expectation, message in refusals.items():
        patch, name = expectation.split()
        assert message.startswith(f"patch {patch} corrects {name} as fingerprinted 000000000000")


def test_every_patch_and_left_out_type_is_documented():
    text = (ROOT / "docs" / "embedded-cloud.md").read_text()

    assert [name for name in NAMES if f"`{name}`" not in text] == []
    services = {kind.rsplit("::", 1)[0] for kind in left_out.LEFT_OUT}
    assert [service for service in services if service not in text] == []


DELAYS = """
import json, sys
from pathlib import Path
from embedded.launcher.environment import prepare
prepare("http://127.0.0.1:4599", Path(sys.argv[1]))
from embedded.launcher.patches import task_states
retrier = json.loads(sys.argv[2])
print(json.dumps([[task_states._delay(retrier, tries) for _ in range(400)] for tries in (1, 5)]))
"""


def test_a_retry_with_full_jitter_waits_a_random_part_of_its_delay(tmp_path):
    retrier = {
        "IntervalSeconds": 8,
        "BackoffRate": 2,
        "MaxDelaySeconds": 20,
        "JitterStrategy": "FULL",
    }

    ran = subprocess.run(
        [sys.executable, "-c", DELAYS, str(tmp_path), json.dumps(retrier)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    second, sixth = json.loads(ran.stdout)
    assert 0 <= min(second) < 2
    assert 14 < max(second) <= 16
    assert 6 < sum(second) / len(second) < 10
    assert 17 < max(sixth) <= 20
