"""What a label may be, for the Spark job and the training image; workflows/labels.ts and
workflows/evaluation.ts say it for TypeScript, and test/workflows/labels.test.ts compares them."""

from datetime import timedelta

# The order of every array and file; alphabetical.
LABELS = ("negative", "neutral", "positive")
SAMPLINGS = ("random", "uncertain", "import")
# For how long a clock that is wrong may be ahead.
MAY_BE_AHEAD = timedelta(days=1)
