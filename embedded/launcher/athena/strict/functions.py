"""The functions of Athena engine version 3, and words before a bracket that are none.

From memory, after Trino's documentation ("Functions and operators"), including functions with their
own syntax in the grammar. If a name is missing here, a query that Athena runs is rejected: add it.
"""

from collections.abc import Mapping

from embedded.launcher.words import words


def _by_function(table: Mapping[str, str]) -> Mapping[str, str]:
    return {name: kind for kind, names in table.items() for name in words(names)}


# Return type of a function whose type is that of its first argument.
SAME = "of its first argument"
# Function -> return type, by Trino's names.
RETURNS = _by_function(
    {
        "varchar": """
            array_join chr concat concat_ws date_format format format_datetime from_utf8
            json_extract_scalar json_format listagg lower lpad ltrim normalize regexp_extract
            regexp_replace replace reverse rpad rtrim split_part substr substring to_base64 to_hex
            to_iso8601 translate trim typeof upper url_decode url_encode url_extract_fragment
            url_extract_host url_extract_parameter url_extract_path url_extract_protocol
            url_extract_query
        """,
        "bigint": """
            approx_distinct array_position bit_count cardinality codepoint count count_if
            date_diff day day_of_month day_of_week day_of_year dense_rank dow doy extract
            hamming_distance hour json_array_length length levenshtein_distance millisecond minute
            month ntile position quarter rank regexp_count row_number second strpos strrpos
            url_extract_port week week_of_year year year_of_week yow
        """,
        "double": """
            cbrt corr cos cume_dist degrees e exp infinity ln log log10 log2 nan percent_rank pi
            pow power radians rand random sin sqrt stddev stddev_pop stddev_samp tan to_unixtime
            var_pop var_samp variance
        """,
        "boolean": """
            all_match any_match arrays_overlap bool_and bool_or contains every exists is_finite
            is_infinite is_json_scalar is_nan json_array_contains none_match regexp_like
            starts_with
        """,
        "date": "current_date date from_iso8601_date last_day_of_month",
        "timestamp": "date_parse localtimestamp",
        "timestamp with time zone": """
            current_timestamp from_iso8601_timestamp from_unixtime now with_timezone
        """,
        "array": """
            array_agg array_distinct array_sort filter map_keys map_values regexp_extract_all
            regexp_split sequence slice split
        """,
        "varbinary": "from_base64 from_hex md5 sha1 sha256 sha512 to_utf8",
        "map": "histogram map map_agg",
        SAME: """
            abs any_value arbitrary ceil ceiling first_value floor lag last_value lead max min mod
            nth_value nullif round sign truncate
        """,
    }
)
# Function -> allowed type families of its first argument, separated by spaces.
TAKES = _by_function(
    {
        "varchar": """
            date_parse from_iso8601_date from_iso8601_timestamp levenshtein_distance lower lpad
            ltrim regexp_extract regexp_extract_all regexp_like regexp_replace replace rtrim split
            split_part starts_with strpos to_utf8 trim upper url_extract_host
        """,
        "varchar varbinary": "length substr",
        "varchar array varbinary": "reverse",
        "number interval": "avg sum",
        "number": "abs ceil exp floor ln round sqrt",
        "boolean": "bool_and bool_or count_if every",
        "time": "date_format day day_of_week month quarter week year",
        "array map": "cardinality",
        "array": "contains",
    }
)
NAMES = frozenset(RETURNS) | words(
    """
    acos approx_most_frequent approx_percentile approx_set array_except array_histogram
    array_intersect array_max array_min array_remove array_union asin at_timezone atan atan2 avg
    bar beta_cdf bing_tile bing_tile_at bing_tile_coordinates bing_tile_polygon bing_tile_quadkey
    bing_tile_zoom_level bing_tiles_around bitwise_and bitwise_and_agg bitwise_left_shift
    bitwise_not bitwise_or bitwise_or_agg bitwise_right_shift bitwise_right_shift_arithmetic
    bitwise_xor bitwise_xor_agg cast char2hexint checksum classify coalesce color combinations
    contains_sequence convex_hull_agg cosh cosine_distance cosine_similarity covar_pop covar_samp
    crc32 current_catalog current_schema current_time current_user date_add date_trunc dot_product
    element_at empty_approx_set euclidean_distance evaluate_classifier_predictions exclude_columns
    features flatten format_number from_base from_base32 from_base64url from_big_endian_32
    from_big_endian_64 from_encoded_polyline from_geojson_geometry from_ieee754_32 from_ieee754_64
    from_iso8601_timestamp_nanos from_unixtime_nanos geometric_mean geometry_from_hadoop_shape
    geometry_invalid_reason geometry_nearest_points geometry_to_bing_tiles geometry_union
    geometry_union_agg great_circle_distance greatest grouping hash_counts hmac_md5 hmac_sha1
    hmac_sha256 hmac_sha512 human_readable_seconds if intersection_cardinality inverse_beta_cdf
    inverse_normal_cdf jaccard_index json_array json_array_get json_exists json_extract
    json_object json_parse json_query json_size json_table json_value kurtosis learn_classifier
    learn_libsvm_classifier learn_libsvm_regressor learn_regressor least line_interpolate_point
    line_interpolate_points line_locate_point localtime luhn_check make_set_digest map_concat
    map_entries map_filter map_from_entries map_union map_zip_with max_by merge merge_set_digest
    min_by multimap_agg multimap_from_entries murmur3 ngrams normal_cdf numeric_histogram
    objectid_timestamp parse_data_size parse_datetime parse_duration parse_presto_data_size
    qdigest_agg quantile_at_value reduce reduce_agg regexp_position regr_intercept regr_slope
    regress render repeat rgb row shuffle simplify_geometry sinh skewness soundex
    spatial_partitioning spatial_partitions split_to_map split_to_multimap spooky_hash_v2_32
    spooky_hash_v2_64 st_area st_asbinary st_astext st_boundary st_buffer st_centroid st_contains
    st_convexhull st_coorddim st_crosses st_difference st_dimension st_disjoint st_distance
    st_endpoint st_envelope st_envelopeaspts st_equals st_exteriorring st_geometries
    st_geometryfromtext st_geometryn st_geometrytype st_geomfrombinary st_interiorringn
    st_interiorrings st_intersection st_intersects st_isclosed st_isempty st_isring st_issimple
    st_isvalid st_length st_linefromtext st_linestring st_multipoint st_numgeometries
    st_numinteriorring st_numpoints st_overlaps st_point st_pointn st_points st_polygon st_relate
    st_startpoint st_symdifference st_touches st_union st_within st_x st_xmax st_xmin st_y st_ymax
    st_ymin sum table tanh tdigest_agg theta_sketch_estimate theta_sketch_union timezone
    timezone_hour timezone_minute to_base to_base32 to_base64url to_big_endian_32 to_big_endian_64
    to_char to_date to_encoded_polyline to_geojson_geometry to_geometry to_ieee754_32
    to_ieee754_64 to_milliseconds to_spherical_geography to_timestamp transform transform_keys
    transform_values trim_array try try_cast unnest uuid value_at_quantile values_at_quantiles
    version width_bucket wilson_interval_lower wilson_interval_upper word_stem xxhash64 zip
    zip_with
    """
)

# Words before a bracket that are not functions.
WORDS = words(
    """
    all and any array as between boolean by case char cross cube date decimal distinct else end
    escape except exists fetch filter for from group grouping having in intersect interval into is
    join lateral like limit map not null offset on or order outer over partition prepare recursive
    rollup row rows select sets then time timestamp union unnest using values varbinary varchar
    when where window with within
    """
)
