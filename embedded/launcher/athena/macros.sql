-- Trino's functions that DuckDB lacks or defines differently, with our own names if they clash.
-- As in Trino, the argument's type selects the overload.

-- Trino: a DATE plus complete days stays a DATE; in DuckDB it becomes a TIMESTAMP.
create macro athena_like(v TIMESTAMP, x DATE) as cast(v as date),
    (v TIMESTAMP, x TIMESTAMP) as v,
    (v TIMESTAMPTZ, x TIMESTAMPTZ) as v,
    (v TIME, x TIME) as v;

-- Trino: doubles can be divided by zero; DuckDB's integer / rejects that for all numbers.
create macro athena_double_division(a, b) as
    case when a is null or b is null then null
         when b <> 0 then cast(a as double) / b
         when a = 0 or isnan(cast(a as double)) then cast('nan' as double)
         when a > 0 then cast('infinity' as double)
         else cast('-infinity' as double) end;

-- Trino: the default step of a sequence is 1 or -1; a step away from the end is an error.
create macro athena_steps(ahead, leads, steps) as
    case when leads then steps
         else error('INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start') end;
-- Months are counted from the start, so that the 31st is kept; one extra step is generated and dropped.
create macro athena_dates(a, b, s) as
    list_filter(
        list_transform(range(0, len(generate_series(a, b, s)) + 2), lambda i: a + s * cast(i as integer)),
        lambda d: case when a + s >= a then d <= b else d >= b end);
create macro athena_sequence(a DATE, b DATE) as
        list_transform(generate_series(a, b, to_days(case when a <= b then 1 else -1 end)), lambda d: cast(d as date)),
    (a BIGINT, b BIGINT) as generate_series(a, b, case when a <= b then 1 else -1 end),
    (a DATE, b DATE, s INTERVAL) as athena_steps(s,
        (a + s >= a) = (b >= a) or a = b,
        list_transform(athena_dates(cast(a as timestamp), cast(b as timestamp), s), lambda d: cast(d as date))),
    (a TIMESTAMP, b TIMESTAMP, s INTERVAL) as athena_steps(s, (a + s >= a) = (b >= a) or a = b, athena_dates(a, b, s)),
    (a BIGINT, b BIGINT, s BIGINT) as athena_steps(s, s <> 0 and ((s > 0) = (b >= a) or a = b), generate_series(a, b, s));

-- Trino: the difference of two dates is an interval; in DuckDB it is a number of days.
create macro athena_minus(a DATE, b DATE) as to_days(cast(a - b as integer)),
    (a TIMESTAMP, b TIMESTAMP) as a - b,
    (a TIMESTAMPTZ, b TIMESTAMPTZ) as a - b,
    (a, b) as a - b;

-- Trino prints an interval of days as 2 00:00:00.000, and one of months as 0-3. DuckDB has one type for both.
create macro athena_interval(i INTERVAL) as
    case when i is null then null
         when datepart('year', i) <> 0 or datepart('month', i) <> 0 then
             case when datepart('year', i) * 12 + datepart('month', i) < 0 then '-' else '' end
             || abs(datepart('year', i)) || '-' || abs(datepart('month', i))
         else
             case when epoch_us(i) < 0 then '-' else '' end
             || abs(epoch_us(i)) // 86400000000 || ' '
             || printf('%02d:%02d:%02d.%03d',
                    abs(epoch_us(i)) // 3600000000 % 24, abs(epoch_us(i)) // 60000000 % 60,
                    abs(epoch_us(i)) // 1000000 % 60, abs(epoch_us(i)) // 1000 % 1000) end,
    (i) as cast(i as varchar);
create macro athena_to_milliseconds(i) as epoch_us(i) // 1000;
create macro athena_millisecond(x) as datepart('millisecond', x) % 1000;
create macro with_timezone(x TIMESTAMP, z) as timezone(z, x);

-- Trino: timestamps are printed with milliseconds.
create macro athena_text(x TIMESTAMP) as strftime(x, '%Y-%m-%d %H:%M:%S.%g'),
    (x TIMESTAMPTZ) as strftime(x, '%Y-%m-%d %H:%M:%S.%g') || ' UTC',
    (x DATE) as cast(x as varchar),
    (x) as cast(x as varchar);

-- Trino: no match gives NULL; DuckDB gives ''.
create macro regexp_extract_or_null(s, p, g) as
    case when regexp_matches(s, p) then regexp_extract(s, p, g) end;

-- Trino: AT TIME ZONE keeps the instant; a timestamp without a zone is UTC.
create macro at_timezone(x TIMESTAMP, z) as timezone(z, timezone('UTC', x)),
    (x TIMESTAMPTZ, z) as timezone(z, x);

create macro url_extract_protocol(u) as
    nullif(regexp_extract(u, '^([A-Za-z][A-Za-z0-9+.-]*):', 1), '');
create macro url_extract_host(u) as
    nullif(regexp_extract(u, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)', 1), '');
create macro url_extract_port(u) as
    try_cast(nullif(regexp_extract(u, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*:([0-9]+)', 1), '') as bigint);
create macro url_extract_path(u) as
    regexp_extract(u, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)', 1);
create macro url_extract_query(u) as
    nullif(regexp_extract(u, '^[^?#]*\?([^#]*)', 1), '');
create macro url_extract_fragment(u) as nullif(regexp_extract(u, '#(.*)$', 1), '');
create macro url_extract_parameter(u, name) as
    nullif(regexp_extract(url_extract_query(u), '(?:^|&)' || name || '=([^&]*)', 1), '');

create macro array_position_or_zero(a, x) as coalesce(list_position(a, x), 0);

-- Trino: a comparison with a NULL element is unknown; DuckDB ignores NULLs.
create macro athena_has_null(a) as list_count(a) < len(a);
create macro athena_contains(a, x) as
    case when a is null or x is null then null
         when list_contains(a, x) then true
         when athena_has_null(a) then null
         else false end;
create macro arrays_overlap(a, b) as
    case when list_has_any(a, b) then true
         when a is null or b is null or athena_has_null(a) or athena_has_null(b) then null
         else false end;
create macro athena_array_max(a) as case when athena_has_null(a) then null else list_max(a) end;
create macro athena_array_min(a) as case when athena_has_null(a) then null else list_min(a) end;
create macro athena_array_remove(a, x) as
    case when x is null then null else list_filter(a, lambda v: v is distinct from x) end;
create macro athena_array_distinct(a) as
    list_filter(a, lambda v, i: len(list_filter(a[1 : i - 1], lambda w: w is not distinct from v)) = 0);
create macro array_union(a, b) as athena_array_distinct(list_concat(a, b));
create macro athena_any_match(tests) as
    case when list_contains(tests, true) then true when athena_has_null(tests) then null else false end;
create macro athena_all_match(tests) as
    case when list_contains(tests, false) then false when athena_has_null(tests) then null else true end;
create macro athena_none_match(tests) as not athena_any_match(tests);
create macro athena_repeat(x, n) as list_transform(range(0, n), lambda i: x);
create macro trim_array(a, n) as
    case when n > len(a) or n < 0 then error('INVALID_FUNCTION_ARGUMENT: size must not exceed array cardinality')
         else a[1 : len(a) - n] end;
create macro athena_map_entries(m) as
    list_transform(map_entries(m), lambda e: {'field0': e.key, 'field1': e.value});

-- Trino: the last of `n` parts is the complete rest.
create macro athena_split(s, d, n) as
    case when n < 1 then error('INVALID_FUNCTION_ARGUMENT: Limit must be positive')
         when len(string_split(s, d)) <= n then string_split(s, d)
         else list_append(string_split(s, d)[1 : n - 1], array_to_string(string_split(s, d)[n :], d)) end;
-- Trino: parts count from 1; a part past the end is NULL.
create macro athena_split_part(s, d, n) as
    case when n < 1 then error('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero')
         else string_split(s, d)[n] end;
-- Trino: position 0, or one before the beginning, gives ''.
create macro athena_substr(s, p) as
        case when p = 0 or p < -length(s) then '' else substring(s, p) end,
    (s, p, n) as case when p = 0 or p < -length(s) or n <= 0 then ''
        when p < 0 then substring(substring(s, p), 1, n)
        else substring(s, p, n) end;
create macro athena_strpos(s, t, n) as
    case when n < 1 then error('INVALID_FUNCTION_ARGUMENT: ''instance'' must be a positive number.')
         when len(string_split(s, t)) <= n then 0
         else length(array_to_string(string_split(s, t)[1 : n], t)) + 1 end;
create macro athena_split_to_map(s, d, k) as
    map_from_entries(list_transform(string_split(s, d), lambda e: {'key': split_part(e, k, 1), 'value': e[length(split_part(e, k, 1)) + length(k) + 1 :]}));

create macro athena_to_base(x, b) as
    case when x < 0 then '-' || lower(to_base(-x, b)) else lower(to_base(x, b)) end;
create macro athena_left_shift(x, n) as cast(x as bigint) << n;
create macro athena_right_shift(x, n) as cast(x as bigint) >> n;
create macro athena_bit_count(x, bits) as
    case when x >= 0 then bit_count(cast(x as bigint))
         else bit_count(cast(x as bigint)) - (64 - bits) end;

-- Trino: a scalar gives a string; an object, an array and invalid JSON give NULL.
create macro athena_json_extract(j, p) as
    case when json_valid(cast(j as varchar)) then json_extract(cast(j as json), p) end;
create macro athena_json_scalar(j, p) as
    case when json_valid(cast(j as varchar)) and json_type(cast(j as json), p) not in ('OBJECT', 'ARRAY')
         then json_extract_string(cast(j as json), p) end;
create macro athena_json_array_length(j) as
    case when json_valid(cast(j as varchar)) and json_type(cast(j as json)) = 'ARRAY'
         then json_array_length(cast(j as json)) end;
create macro json_size(j, p) as
    case when json_type(cast(j as json), p) = 'ARRAY' then json_array_length(cast(j as json), p)
         when json_type(cast(j as json), p) = 'OBJECT' then len(json_keys(cast(j as json), p))
         when json_type(cast(j as json), p) is not null then 0 end;
create macro is_json_scalar(j) as json_type(cast(j as json)) not in ('OBJECT', 'ARRAY');
create macro map_agg(k, v) as map(list(k), list(v));
create macro to_iso8601(x DATE) as cast(x as varchar),
    (x TIMESTAMP) as strftime(x, '%Y-%m-%dT%H:%M:%S.%g'),
    (x TIMESTAMPTZ) as strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ');
create macro codepoint(s) as unicode(s);
create macro infinity() as cast('infinity' as double);
create macro nan() as cast('nan' as double);
create macro is_finite(x) as isfinite(x);
create macro is_infinite(x) as isinf(x);
create macro normalize(s) as nfc_normalize(s);
