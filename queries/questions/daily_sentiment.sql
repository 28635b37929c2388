-- How did sentiment move, day by day?
-- The model's newest prediction counts; where it has given none, the label in the lake does.
-- Languages that the model does not read are left out.
-- parameters: from_day day = today-7, to_day day = today, languages text = en
with latest_predictions as (
  -- include: latest_predictions
),
sentiments as (
  -- include: sentiments
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
  count_if(by_model) as scored_by_model
from sentiments
group by dt
order by dt
