-- Which days have one label for nearly all rows, as a broken labeller would give?
-- Days with few rows are left out: three tweets of one mind prove nothing.
-- parameters: version text, min_rows integer, max_label_share number
with per_label as (
  select dt, label, count(*) as label_rows
  from tweets_candidates
  where run = ? /* version */
  group by dt, label
),
per_day as (
  select dt, sum(label_rows) as day_rows
  from per_label
  group by dt
)
select
  per_label.dt,
  per_label.label,
  per_label.label_rows,
  per_day.day_rows,
  cast(per_label.label_rows as double) / per_day.day_rows as share
from per_label
inner join per_day on per_day.dt = per_label.dt
where per_day.day_rows >= ? /* min_rows */
  and cast(per_label.label_rows as double) / per_day.day_rows > ? /* max_label_share */
order by per_label.dt, per_label.label
