//! Batches to Parquet files, committed by rename.
