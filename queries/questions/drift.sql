-- How do the newest tweets differ from earlier ones?
-- For each measure and each of its values: the tweets that have it, among the new days and among those that they are
-- compared with: the reference days, which are the training's, or for agreements the month before. Only
-- predictions of one model count: otherwise a change of the model would look like one of the tweets.
-- parameters: from_day day = today-2, to_day day = today, reference_from day = today-30, reference_to day = today-3, month_from day = today-30, month_to day = today-3, model_version text, languages text = en
with periods as (
  -- include: two_periods
  union all
  select
    'month' as period,
    tweet_id,
    lang,
    tokens,
    label,
    label_source,
    lexicon_label
  from tweets
  where dt between ? /* month_from */ and ? /* month_to */
),
predictions as (
  -- One model gives a text one answer, however often it was asked.
  select
    tweet_id,
    max_by(label, scored_at) as label,
    max_by(greatest(negative, neutral, positive), scored_at) as confidence,
    max_by(unknown_words, scored_at) as unknown_words
  from scored
  where model_version = ? /* model_version */
    and (
      dt between ? /* from_day */ and ? /* to_day */
      or dt between ? /* reference_from */ and ? /* reference_to */
      or dt between ? /* month_from */ and ? /* month_to */
    )
  group by tweet_id
),
compared as (
  select
    periods.period,
    predictions.label as model_label,
    predictions.confidence,
    predictions.unknown_words,
    periods.lexicon_label,
    case when periods.label_source = 'human' then periods.label end as human_label,
    cardinality(periods.tokens) as words
  from periods
  left join predictions on predictions.tweet_id = periods.tweet_id
  where
    -- include: read_by_model
),
facts as (
  select compared.period, found.fact
  from compared
  cross join unnest(array[
    'model_label=' || compared.model_label,
    'lexicon_label=' || compared.lexicon_label,
    -- A third is the least that the likeliest of three labels can have.
    'confidence=' || case
      when compared.confidence < 0.5 then 'below 50 %'
      when compared.confidence < 0.6 then '50 to 60 %'
      when compared.confidence < 0.7 then '60 to 70 %'
      when compared.confidence < 0.8 then '70 to 80 %'
      when compared.confidence < 0.9 then '80 to 90 %'
      when compared.confidence >= 0.9 then '90 % or more'
    end,
    'unknown_words=' || case
      when compared.unknown_words = 0 then 'none'
      when compared.unknown_words = 1 then 'one'
      when compared.unknown_words = 2 then 'two'
      when compared.unknown_words > 2 then 'three or more'
    end,
    'length=' || case
      when compared.words < 5 then 'below 5 words'
      when compared.words < 10 then '5 to 9 words'
      when compared.words < 15 then '10 to 14 words'
      when compared.words < 20 then '15 to 19 words'
      when compared.words < 30 then '20 to 29 words'
      when compared.words >= 30 then '30 words or more'
    end,
    'model_and_lexicon=' || case
      when compared.model_label = compared.lexicon_label then 'agree'
      when compared.model_label <> compared.lexicon_label then 'differ'
    end,
    'model_and_people=' || case
      when compared.model_label = compared.human_label then 'agree'
      when compared.model_label <> compared.human_label then 'differ'
    end,
    'lexicon_and_people=' || case
      when compared.lexicon_label = compared.human_label then 'agree'
      when compared.lexicon_label <> compared.human_label then 'differ'
    end
  ]) as found(fact)
  where found.fact is not null
  union all
  select period, 'language=' || coalesce(lang, 'unknown') as fact
  from periods
),
values_of_measures as (
  select
    split_part(fact, '=', 1) as measure,
    split_part(fact, '=', 2) as bucket,
    period,
    -- Agreements are compared with the month before, everything else with the days of the training.
    if(strpos(fact, '_and_') > 0, 'month', 'reference') as compared_with
  from facts
)
select
  measure,
  bucket,
  count_if(period = 'new') as new_tweets,
  count_if(period = compared_with) as reference_tweets
from values_of_measures
where period in ('new', compared_with)
group by measure, bucket
order by measure, bucket
