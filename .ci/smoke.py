"""Reads what the demo wrote with two readers that are not ours."""

import pathlib
import sys

import duckdb
import pyarrow.parquet

demo = pathlib.Path(sys.argv[1])

users = duckdb.sql(
    f"select vendor, count(*), count(distinct user_key) from '{demo}/unified/users/*.parquet' group by 1 order by 1"
).fetchall()
print(*users, sep="\n")
assert [vendor for vendor, _, _ in users] == ["sprig", "thrive", "userlane", "userlot"], users
assert all(rows == keys > 0 for _, rows, keys in users), users

tables = sorted({path.parent for path in demo.rglob("*.parquet") if "_userhaul" not in path.parts})
assert len(tables) > 40, tables
for table in tables:
    files = sorted(table.glob("*.parquet"))
    by_arrow = sum(pyarrow.parquet.read_table(file).num_rows for file in files)
    [(by_duckdb,)] = duckdb.sql(f"select count(*) from '{table}/*.parquet'").fetchall()
    assert by_arrow == by_duckdb, (table, by_arrow, by_duckdb)
    names = pyarrow.parquet.read_schema(files[0]).names
    assert {"_run_id", "_extracted_at"} <= set(names), (table, names)
    if table.parent.name != "unified":
        assert names[-4:] == ["_source", "_run_id", "_extracted_at", "_extra"], (table, names)
        ids = duckdb.sql(f"select distinct _source from '{table}/*.parquet'").fetchall()
        assert ids in ([], [(table.parent.name,)]), (table, ids)
print(f"{len(tables)} tables, alike in DuckDB and pyarrow")
