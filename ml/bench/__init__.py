"""`npm run bench:model`: quality and speed of the model and of baselines, on a user's data."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The training program's modules import each other from its folder.
sys.path.insert(0, str(ROOT / "ml" / "training"))
