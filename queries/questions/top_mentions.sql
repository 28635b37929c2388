-- Who is mentioned most in tweets of each sentiment?
-- A name counts once a tweet, in a retweet too (RT @name); share is of all tweets of the sentiment, and authors is how many
-- people mention it. A mention says nothing of what is felt about the name. Days that an older release published have none.
-- parameters: from_day day = today-7, to_day day = today, languages text = en, top count = 5
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
),
totals as (
  select sentiment, count(*) as tweets
  from sentiments
  group by sentiment
),
per_name as (
  select
    sentiments.sentiment,
    named.mention,
    count(*) as tweets,
    count(distinct sentiments.author_id) as authors
  from sentiments
  cross join unnest(sentiments.mentions) as named (mention)
  group by sentiments.sentiment, named.mention
),
ranked as (
  select
    per_name.sentiment,
    per_name.mention,
    per_name.tweets,
    per_name.authors,
    cast(per_name.tweets as double) / totals.tweets as share,
    row_number() over (partition by per_name.sentiment order by per_name.tweets desc, per_name.mention) as place
  from per_name
  join totals on totals.sentiment = per_name.sentiment
)
select sentiment, place, mention, tweets, round(share, 4) as share, authors
from ranked
where place <= ? /* top */
order by sentiment, place
