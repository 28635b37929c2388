-- What ran when, who started it, and with which result?
-- parameters: from_day day = today-7, to_day day = today
select
  started_at,
  name,
  mode,
  status,
  seconds,
  redrives,
  started_by,
  started_by_source,
  started_with,
  received,
  written,
  decision,
  round(macro_recall, 4) as macro_recall,
  model_in_service,
  coalesce(error || ': ' || cause, error, summary) as result
from executions
where dt between ? /* from_day */ and ? /* to_day */
order by started_at desc, name
