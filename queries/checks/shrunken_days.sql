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
forgotten as (
  -- 2026-11-24=3,2026-11-25=1; an empty text names no day.
  select
    split_part(entry, '=', 1) as dt,
    try_cast(split_part(entry, '=', 2) as bigint) as forgotten_rows
  from unnest(split(? /* forgotten */, ',')) as entries (entry)
)
select
  published.dt,
  published.published_rows,
  coalesce(candidate.candidate_rows, 0) as candidate_rows,
  coalesce(forgotten.forgotten_rows, 0) as forgotten_rows
from published
left join candidate on candidate.dt = published.dt
left join forgotten on forgotten.dt = published.dt
where coalesce(candidate.candidate_rows, 0) + coalesce(forgotten.forgotten_rows, 0)
  < published.published_rows
order by published.dt
