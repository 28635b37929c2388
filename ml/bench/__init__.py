"""`npm run bench:model`: the model against baselines, in quality and in speed, on a user's data."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# As when the training program runs: its modules know each other by these names.
sys.path.insert(0, str(ROOT / "ml" / "training"))
