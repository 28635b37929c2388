-- Which tweets of a day has a model version not judged yet?
-- A tweet whose language nobody said is taken for one of the model's.
-- parameters: day day = today, model_version text, languages text = en
with judged as (
  select tweet_id, dt
  from scored
  where model_version = ? /* model_version */
)
select tweets.tweet_id, tweets.text
from tweets
left join judged
  on judged.tweet_id = tweets.tweet_id
  and judged.dt = tweets.dt
where tweets.dt = ? /* day */
  and (tweets.lang is null or contains(split(? /* languages */, ','), tweets.lang))
  and judged.tweet_id is null
order by tweets.tweet_id
