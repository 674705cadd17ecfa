"""DuckDB over the same pages as files, without HTTP: a floor for columns, and the yardstick for size.
`duckdb_files.py FOLDER_OF_PAGES FILE`"""

import sys

import duckdb

folder, file = sys.argv[1:3]
duckdb.sql(
    f"""copy (select unnest(r, max_depth := 1) from (
            select unnest(results) as r from read_json('{folder}/*.json', maximum_object_size = 268435456)))
        to '{file}' (format parquet, compression zstd)"""
)
