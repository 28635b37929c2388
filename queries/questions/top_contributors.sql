-- Who posted most of each sentiment?
-- Ranked by the number of tweets; engagement is the sum of likes, reposts, quotes and replies of these tweets, as X
-- counted them when they were fetched, and engagement_place the rank by it. Languages that the model does not read are left out.
-- parameters: from_day day = today-7, to_day day = today, languages text = en, top count = 5
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
),
per_author as (
  -- A handle may change within the days asked for; an id does not.
  select
    sentiment,
    author_id,
    max(author_username) as author_username,
    count(*) as tweets,
    sum(likes + shares + replies) as engagement
  from sentiments
  group by sentiment, author_id
),
ranked as (
  select
    sentiment,
    author_id,
    author_username,
    tweets,
    engagement,
    cast(tweets as double) / sum(tweets) over (partition by sentiment) as share,
    row_number() over (partition by sentiment order by tweets desc, author_id) as place,
    row_number() over (partition by sentiment order by engagement desc, author_id) as engagement_place
  from per_author
)
select
  sentiment,
  place,
  author_username,
  author_id,
  tweets,
  round(share, 4) as share,
  engagement,
  engagement_place
from ranked
where place <= ? /* top */
order by sentiment, place
