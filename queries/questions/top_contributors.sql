-- Who posted most of each sentiment?
-- Languages that the model does not read are left out.
-- parameters: from_day day = today-7, to_day day = today, languages text = en, top count = 5
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
    tweets.author_id,
    tweets.author_username,
    coalesce(latest_verdicts.label, tweets.label) as sentiment
  from tweets
  left join latest_verdicts on latest_verdicts.tweet_id = tweets.tweet_id
  where tweets.dt between ? /* from_day */ and ? /* to_day */
    and (tweets.lang is null or contains(split(? /* languages */, ','), tweets.lang))
),
per_author as (
  -- A handle may change within the days asked for; an id does not.
  select sentiment, author_id, max(author_username) as author_username, count(*) as tweets
  from judged
  group by sentiment, author_id
),
ranked as (
  select
    sentiment,
    author_id,
    author_username,
    tweets,
    cast(tweets as double) / sum(tweets) over (partition by sentiment) as share,
    row_number() over (partition by sentiment order by tweets desc, author_id) as place
  from per_author
)
select sentiment, place, author_username, author_id, tweets, round(share, 4) as share
from ranked
where place <= ? /* top */
order by sentiment, place
