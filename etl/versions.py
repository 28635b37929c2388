"""Chooses one row for each post: of its newest version, the row fetched last."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from etl.placement import SLOT


def _day_of(instant: Column) -> Column:
    return instant.cast("date").cast("string")


def _by_age(post_id: Column) -> Column:
    """Pads an id, so that ids sort like numbers."""
    return F.lpad(post_id, 20, "0")


def newest_per_tweet(frame: DataFrame) -> DataFrame:
    """One row per tweet id: the one fetched last, ties broken by the row's content."""
    # xxhash64 over the row breaks ties the same way in every run.
    content = sorted(name for name in frame.columns if not name.startswith("_"))
    # With the slot, rows of one tweet are already in the same task.
    group = [name for name in (SLOT, "dt", "id") if name in frame.columns]
    newest_first = Window.partitionBy(*group).orderBy(
        F.col("_fetched").desc(), F.xxhash64(*content).desc()
    )
    return (
        frame.withColumn("_rank", F.row_number().over(newest_first))
        .where(F.col("_rank") == 1)
        .drop("_rank")
    )


def replaced_versions(frame: DataFrame) -> DataFrame:
    """(dt, author_id, id, elsewhere), one row for each version of a post that a newer version by
    the same author replaces; elsewhere: all newer versions belong to another day."""
    history = F.col("edit_history_tweet_ids")
    edits = frame.where((F.size(history) > 1) & F.array_contains(history, F.col("id")))
    each = edits.select(
        "dt",
        "author_id",
        F.col("id").alias("newer"),
        (_day_of(F.col("_created")) != F.col("dt")).alias("elsewhere"),
        F.explode("edit_history_tweet_ids").alias("id"),
    )
    older = each.where(_by_age(F.col("id")) < _by_age(F.col("newer")))
    return older.groupBy("dt", "author_id", "id").agg(F.every("elsewhere").alias("elsewhere"))


def newest_versions(frame: DataFrame) -> DataFrame:
    """One row for each post, of its newest version. Each edit of a post has its own id.

    An edit after midnight is also stored under the day of the version it replaces, only for that.
    """
    return frame.join(
        F.broadcast(replaced_versions(frame)), ["dt", "author_id", "id"], "left_anti"
    ).where(_day_of(F.col("_created")) == F.col("dt"))


def replaced_elsewhere(frame: DataFrame) -> DataFrame:
    """(dt, rows): the number of a day's rows that versions of other days replace, if any."""
    elsewhere = replaced_versions(frame).where("elsewhere")
    replaced = frame.join(F.broadcast(elsewhere), ["dt", "author_id", "id"], "left_semi")
    return replaced.groupBy("dt").agg(F.count(F.lit(1)).alias("rows"))
