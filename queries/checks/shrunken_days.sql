-- Which days have fewer rows than the version they would replace, beyond those that were forgotten?
-- The days are named, because a day without any row shows in no table.
-- parameters: version text, days text, forgotten text
with candidate as (
  select dt, count(*) as candidate_rows
  from tweets_candidates
  where run = ? /* version */
  group by dt
),
published as (
  select dt, count(*) as published_rows
  from tweets
  where contains(split(? /* days */, ','), dt)
  group by dt
),
compared as (
  select
    published.dt,
    published.published_rows,
    coalesce(candidate.candidate_rows, 0) as candidate_rows
  from published
  left join candidate on candidate.dt = published.dt
)
-- Forgotten rows are written as 2026-11-24=3,2026-11-25=1; an empty text names no day.
select dt, published_rows, candidate_rows
from compared
where candidate_rows
  + coalesce(try_cast(regexp_extract(? /* forgotten */, dt || '=([0-9]+)', 1) as bigint), 0)
  < published_rows
order by dt
