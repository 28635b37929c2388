-- How does sentiment differ between searches, day by day?
-- By the name of the search that found a tweet first. Intervals and sources as in daily_sentiment.
-- parameters: from_day day = today-7, to_day day = today, languages text = en
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
),
counted as (
  select
    dt,
    query_name,
    count(*) as tweets,
    count_if(sentiment = 'negative') as negative,
    count_if(sentiment = 'neutral') as neutral,
    count_if(sentiment = 'positive') as positive,
    count_if(judged_by = 'people') as by_people,
    count_if(judged_by = 'model') as by_model,
    count_if(judged_by = 'lexicon') as by_lexicon
  from sentiments
  group by dt, query_name
)
select
  dt,
  query_name,
  tweets,
  negative,
  neutral,
  positive,
  round(cast(positive - negative as double) / tweets, 4) as average_sentiment,
  -- include: wilson
  ,
  by_people,
  by_model,
  by_lexicon
from counted
order by dt, query_name
