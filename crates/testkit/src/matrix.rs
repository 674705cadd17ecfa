//! Later in this series: the page of faults.
