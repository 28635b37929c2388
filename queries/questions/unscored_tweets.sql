-- Which tweets of a day has a model version not judged yet?
-- A tweet whose language nobody said is taken for one of the model's.
-- parameters: day day = today, model_version text, languages text = en
select tweets.tweet_id, tweets.text
from tweets
left join scored
  on scored.tweet_id = tweets.tweet_id
  and scored.dt = tweets.dt
  and scored.model_version = ? /* model_version */
where tweets.dt = ? /* day */
  and (tweets.lang is null or contains(split(? /* languages */, ','), tweets.lang))
  and scored.tweet_id is null
order by tweets.tweet_id
