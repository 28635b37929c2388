-- Which days have fewer rows than the version they would replace?
-- The days are named, because a day without any row shows in no table.
-- parameters: version text, days text
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
)
select
  published.dt,
  published.published_rows,
  coalesce(candidate.candidate_rows, 0) as candidate_rows
from published
left join candidate on candidate.dt = published.dt
where coalesce(candidate.candidate_rows, 0) < published.published_rows
order by published.dt
