-- How did sentiment move, day by day?
-- A person's label counts; else the model's newest prediction; else the lexicon's label. The intervals are of the shares
-- of negative and positive tweets. Languages that the model does not read are left out.
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
    count(*) as tweets,
    count_if(sentiment = 'negative') as negative,
    count_if(sentiment = 'neutral') as neutral,
    count_if(sentiment = 'positive') as positive,
    count_if(judged_by = 'people') as by_people,
    count_if(judged_by = 'model') as by_model,
    count_if(judged_by = 'lexicon') as by_lexicon
  from sentiments
  group by dt
)
select
  dt,
  tweets,
  negative,
  neutral,
  positive,
  -- Mean of -1, 0 and 1.
  round(cast(positive - negative as double) / tweets, 4) as average_sentiment,
  -- include: wilson
  ,
  by_people,
  by_model,
  by_lexicon
from counted
order by dt
