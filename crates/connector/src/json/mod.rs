//! Reading JSON without building it: a scanner over bytes, and exact readers of single values.

pub(crate) mod canonical;
pub(crate) mod instant;
pub(crate) mod number;
pub(crate) mod pointer;
pub(crate) mod scan;
pub(crate) mod text;
