-- How did sentiment move, day by day?
-- The model's newest verdict counts; where it has given none, the label in the lake does.
-- Languages that the model does not read are left out.
-- parameters: from_day day = today-7, to_day day = today, languages text = en
with latest_verdicts as (
  select tweet_id, label
  from (
    select
      tweet_id,
      label,
      row_number() over (partition by tweet_id order by scored_at desc, model_version desc) as newest
    from scored
    where dt between ? /* from_day */ and ? /* to_day */
  ) as ranked
  where newest = 1
),
judged as (
  select
    tweets.dt,
    coalesce(latest_verdicts.label, tweets.label) as sentiment,
    latest_verdicts.label is not null as by_model
  from tweets
  left join latest_verdicts on latest_verdicts.tweet_id = tweets.tweet_id
  where tweets.dt between ? /* from_day */ and ? /* to_day */
    and (tweets.lang is null or contains(split(? /* languages */, ','), tweets.lang))
)
select
  dt,
  count(*) as tweets,
  count_if(sentiment = 'negative') as negative,
  count_if(sentiment = 'neutral') as neutral,
  count_if(sentiment = 'positive') as positive,
  -- Mean of -1, 0 and 1.
  round(
    cast(count_if(sentiment = 'positive') - count_if(sentiment = 'negative') as double) / count(*), 4
  ) as average_sentiment,
  count_if(by_model) as judged_by_model
from judged
group by dt
order by dt
