-- Who made a model, of which tweets, labels and code, and who put it into service?
-- The executions that trained the model or put it into service, oldest first. Its manifest names each day's snapshot and
-- each object of labels. The version has the day of the training; its execution may have been redriven for 14 days until
-- then, and older days need not be read. A version of another form is looked for in all days.
-- parameters: model_version text
select
  case
    when decision = 'rolled back' then 'put into service again'
    when decision = 'promoted' then 'trained and put into service'
    when decision is null then 'trained, not decided on'
    else 'trained, ' || decision
  end as what,
  name as execution,
  started_at,
  started_by,
  started_by_source,
  started_with,
  claimed_by,
  redriven_by,
  git_commit,
  training_from,
  training_to,
  training_tweets,
  label_objects,
  label_rows,
  round(macro_recall, 4) as macro_recall,
  manifest_uri,
  history_uri
from executions
where (model_trained = ? /* model_version */ or model_promoted = ? /* model_version */)
  and dt >= coalesce(
    cast(
      try_cast(
        substr(? /* model_version */, -21, 4)
        || '-' || substr(? /* model_version */, -17, 2)
        || '-' || substr(? /* model_version */, -15, 2) as date
      ) - interval '14' day as varchar
    ),
    ''
  )
order by started_at, name
