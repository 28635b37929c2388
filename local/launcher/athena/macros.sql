-- Trino's functions that DuckDB lacks or defines otherwise, under names of our own where they clash.
-- Overloads are chosen by the argument's type, as Trino's are.

-- Trino: a DATE plus whole days stays a DATE; DuckDB makes it a TIMESTAMP.
create macro athena_like(v TIMESTAMP, x DATE) as cast(v as date),
    (v TIMESTAMP, x TIMESTAMP) as v,
    (v TIMESTAMPTZ, x TIMESTAMPTZ) as v,
    (v TIME, x TIME) as v;

-- Trino: doubles divide by zero; DuckDB's / that truncates integers refuses that for all numbers.
create macro athena_double_division(a, b) as
    case when a is null or b is null then null
         when b <> 0 then cast(a as double) / b
         when a = 0 or isnan(cast(a as double)) then cast('nan' as double)
         when a > 0 then cast('infinity' as double)
         else cast('-infinity' as double) end;

create macro athena_sequence(a DATE, b DATE, s INTERVAL) as
        list_transform(generate_series(a, b, s), lambda d: cast(d as date)),
    (a TIMESTAMP, b TIMESTAMP, s INTERVAL) as generate_series(a, b, s),
    (a BIGINT, b BIGINT, s BIGINT) as generate_series(a, b, s);

-- Trino: a timestamp prints with its milliseconds.
create macro athena_text(x TIMESTAMP) as strftime(x, '%Y-%m-%d %H:%M:%S.%g'),
    (x TIMESTAMPTZ) as strftime(x, '%Y-%m-%d %H:%M:%S.%g') || ' UTC',
    (x DATE) as cast(x as varchar),
    (x) as cast(x as varchar);

-- Trino: no match is NULL; DuckDB answers ''.
create macro regexp_extract_or_null(s, p, g) as
    case when regexp_matches(s, p) then regexp_extract(s, p, g) end;

-- Trino: AT TIME ZONE keeps the instant, and a plain timestamp is taken as UTC.
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
create macro arrays_overlap(a, b) as list_has_any(a, b);
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
