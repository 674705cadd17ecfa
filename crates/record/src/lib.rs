//! Unified records, their Arrow schemas, and records to batch.
