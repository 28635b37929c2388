-- Did a day's share of positive tweets change, against the day before and the seven days before it?
-- z is that of the two-proportion test; beyond 1.96 in size, chance alone makes such a difference once in twenty times.
-- It takes the tweets as independent, which one author's many are not. Days with few tweets rarely show a change.
-- parameters: from_day day = today-14, to_day day = today, languages text = en
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
),
counted as (
  select dt, count(*) as tweets, count_if(sentiment = 'positive') as positive
  from sentiments
  group by dt
),
compared as (
  select
    dt,
    tweets,
    positive,
    lag(tweets) over (order by dt) as day_tweets,
    lag(positive) over (order by dt) as day_positive,
    sum(tweets) over (order by dt rows between 7 preceding and 1 preceding) as week_tweets,
    sum(positive) over (order by dt rows between 7 preceding and 1 preceding) as week_positive
  from counted
),
shares as (
  select
    dt,
    tweets,
    cast(positive as double) / tweets as share,
    cast(day_positive as double) / day_tweets as day_share,
    cast(week_positive as double) / week_tweets as week_share,
    cast(positive + day_positive as double) / (tweets + day_tweets) as day_pooled,
    cast(positive + week_positive as double) / (tweets + week_tweets) as week_pooled,
    1e0 / tweets + 1e0 / day_tweets as day_spread,
    1e0 / tweets + 1e0 / week_tweets as week_spread
  from compared
),
tested as (
  select
    dt,
    tweets,
    share,
    day_share,
    week_share,
    (share - day_share) / nullif(sqrt(day_pooled * (1 - day_pooled) * day_spread), 0) as day_z,
    (share - week_share) / nullif(sqrt(week_pooled * (1 - week_pooled) * week_spread), 0) as week_z
  from shares
)
select
  dt,
  tweets,
  round(share, 4) as positive_share,
  round(share - day_share, 4) as change_from_day_before,
  round(day_z, 2) as day_z,
  abs(day_z) > 1.96e0 as more_than_chance_from_day_before,
  round(share - week_share, 4) as change_from_week_before,
  round(week_z, 2) as week_z,
  abs(week_z) > 1.96e0 as more_than_chance_from_week_before
from tested
order by dt
