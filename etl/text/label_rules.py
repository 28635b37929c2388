"""Valid values of a label, for the Spark job and the training image. workflows/labels.ts and
workflows/evaluation.ts have them in TypeScript; test/workflows/labels.test.ts compares them."""

from datetime import timedelta

# The order of every array and file; alphabetical.
LABELS = ("negative", "neutral", "positive")
SAMPLINGS = ("random", "uncertain", "import")
# How far in the future an import time may be, because clocks differ.
MAY_BE_AHEAD = timedelta(days=1)
