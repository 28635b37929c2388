-- Which words and hashtags rise in each sentiment?
-- A term's rise is its share of the tweets from the day `since` on, divided by its share before; one tweet is added to each
-- count, so that a term that is new has a rise, too. A term counts once a tweet; rare ones are left out. Words and hashtags
-- are ranked apart. Of days that an older release published, hashtags are those of ASCII in the text.
-- parameters: since day = today-2, from_day day = today-14, to_day day = today, languages text = en, at_least count = 5, top count = 10
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
),
spoken as (
  select
    dt,
    sentiment,
    tweet_id,
    -- A word has no #.
    array_distinct(concat(
      tokens,
      coalesce(transform(hashtags, tag -> '#' || tag), regexp_extract_all(lower(text), '#[a-z0-9_]+'))
    )) as terms
  from sentiments
),
later as (
  select sentiment, tweet_id, terms
  from spoken
  where dt >= ? /* since */
),
earlier as (
  select sentiment, tweet_id, terms
  from spoken
  where dt < ? /* since */
),
later_terms as (
  select later.sentiment, found.term, count(*) as tweets
  from later
  cross join unnest(later.terms) as found (term)
  group by later.sentiment, found.term
),
earlier_terms as (
  select earlier.sentiment, found.term, count(*) as tweets
  from earlier
  cross join unnest(earlier.terms) as found (term)
  group by earlier.sentiment, found.term
),
later_tweets as (
  select sentiment, count(*) as tweets
  from later
  group by sentiment
),
earlier_tweets as (
  select sentiment, count(*) as tweets
  from earlier
  group by sentiment
),
rises as (
  select
    later_terms.sentiment,
    if(later_terms.term like '#%', 'hashtag', 'word') as kind,
    later_terms.term,
    later_terms.tweets as tweets_now,
    coalesce(earlier_terms.tweets, 0) as tweets_before,
    (later_terms.tweets + 1e0) / (later_tweets.tweets + 1e0)
      / ((coalesce(earlier_terms.tweets, 0) + 1e0) / (coalesce(earlier_tweets.tweets, 0) + 1e0)) as rise
  from later_terms
  join later_tweets on later_tweets.sentiment = later_terms.sentiment
  left join earlier_terms
    on earlier_terms.sentiment = later_terms.sentiment
    and earlier_terms.term = later_terms.term
  left join earlier_tweets on earlier_tweets.sentiment = later_terms.sentiment
  where later_terms.tweets >= ? /* at_least */
),
placed as (
  select
    sentiment,
    kind,
    term,
    tweets_now,
    tweets_before,
    rise,
    row_number() over (partition by sentiment, kind order by rise desc, term) as place
  from rises
)
select sentiment, kind, place, term, tweets_now, tweets_before, round(rise, 2) as rise
from placed
where place <= ? /* top */
order by sentiment, kind, place
