"""A column made in steps, each of them computed once a row."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

Step = Callable[[Column], Column]


def with_steps(frame: DataFrame, name: str, start: Column, steps: Sequence[Step]) -> DataFrame:
    """Adds `name`: `start`, then what each step makes of the step before.

    One projection a step, because an expression that names its input three times holds three
    copies of it: five guarded replacements would be 3^5 copies of the first. Spark keeps
    projections apart where joining them would compute something twice.
    """
    frame = frame.withColumn(name, start)
    for step in steps:
        frame = frame.withColumn(name, step(F.col(name)))
    return frame


def where_it_holds(signs: Sequence[str], change: Step) -> Step:
    """`change`, on texts that hold one of the signs; the others stay as they are.

    Looking for a sign costs a small part of what a regular expression does.
    """

    def step(text: Column) -> Column:
        found = text.contains(signs[0])
        for sign in signs[1:]:
            found = found | text.contains(sign)
        return F.when(found, change(text)).otherwise(text)

    return step
