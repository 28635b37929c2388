-- How often do people, lexicon and model agree, day by day?
-- Each share is of the tweets that both judged; their number stands before it. The model's newest prediction counts.
-- parameters: from_day day = today-7, to_day day = today, languages text = en
with latest_predictions as (
  -- include: latest_predictions
),
judged as (
  select
    tweets.dt,
    case when tweets.label_source = 'human' then tweets.label end as people,
    tweets.lexicon_label as lexicon,
    latest_predictions.label as model
  from tweets
  left join latest_predictions on latest_predictions.tweet_id = tweets.tweet_id
  where tweets.dt between ? /* from_day */ and ? /* to_day */
    and (
      -- include: read_by_model
    )
)
select
  dt,
  count_if(people is not null and model is not null) as people_and_model,
  round(avg(case when people is not null and model is not null then if(people = model, 1e0, 0e0) end), 4) as people_agree_with_model,
  count_if(people is not null) as people_and_lexicon,
  round(avg(case when people is not null then if(people = lexicon, 1e0, 0e0) end), 4) as people_agree_with_lexicon,
  count_if(model is not null) as model_and_lexicon,
  round(avg(case when model is not null then if(model = lexicon, 1e0, 0e0) end), 4) as model_agrees_with_lexicon
from judged
group by dt
order by dt
