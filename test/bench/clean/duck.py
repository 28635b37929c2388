"""DuckDB on two threads: reads, keeps the newest row of each tweet, cleans, splits, hashes, writes.
No lexicon: it has no VADER."""

import json
import shutil
import sys
import time
from pathlib import Path

import duckdb

CLEAN = r"""
copy (
  with newest as (
    select * from read_json('{raw}/*/*.ndjson.gz', format = 'newline_delimited',
      hive_partitioning = true,
      columns = {{id: 'varchar', author_id: 'varchar', author_username: 'varchar',
        created_at: 'timestamp', lang: 'varchar', text: 'varchar',
        retweet_count: 'bigint', reply_count: 'bigint',
        like_count: 'bigint', quote_count: 'bigint', query_name: 'varchar', run_id: 'varchar',
        fetched_at: 'timestamp'}})
    qualify row_number() over (partition by dt, id order by fetched_at desc) = 1
  ), cleaned as (
    select *, trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(lower(text),
      'https?://\S+|www\.\S+', ' ', 'g'), '[@#]\w+', ' ', 'g'),
      '[^\p{{L}}\p{{N}}\p{{M}} ]', ' ', 'g'), ' +', ' ', 'g')) as clean_text
    from newest
  )
  select *, string_split(clean_text, ' ') as tokens, sha256(clean_text) as text_hash from cleaned
) to '{out}' (format parquet, partition_by (dt), overwrite_or_ignore true)
"""


def main() -> None:
    raw, out = (Path(name) for name in sys.argv[1:3])
    shutil.rmtree(out, ignore_errors=True)
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "3GB"})
    started = time.perf_counter()
    connection.execute(CLEAN.format(raw=raw, out=out))
    seconds = time.perf_counter() - started
    (rows,) = connection.execute(
        f"select count(*) from read_parquet('{out}/*/*.parquet')"
    ).fetchone()
    print(json.dumps({"rows": rows, "seconds": seconds}))


if __name__ == "__main__":
    main()
