//! Parts that are written together, where columns of one are columns of the others.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;

use crate::error::SinkError;
use crate::file::{FileWriter, Sample, conform};
use crate::loan::Loan;
use crate::part::{Part, PartWriter};
use crate::twins::Twins;

/// A part in the making, and others that are made of its rows. Dropping it removes their files; after an error it can
/// only be dropped.
///
/// A column that has the values of a column of the first part is encoded once for both. Whoever writes need not say so:
/// it is found out by comparing, and where the columns differ after a while, a row group ends. The rows of each file are
/// those it would hold if it were written by itself.
#[derive(Debug)]
pub struct PartSet {
    first: PartWriter,
    others: Vec<Other>,
    /// The first rows, until there are enough of them to judge the layout by.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Other {
    part: PartWriter,
    twins: Twins,
}

#[derive(Debug, Default)]
struct Waiting {
    sample: Sample,
    rows: Vec<Rows>,
}

/// Rows of the first part, and those of each of the others.
type Rows = (RecordBatch, Vec<Option<RecordBatch>>);

impl PartSet {
    /// Parts that have no rows yet.
    pub fn new(first: PartWriter, others: Vec<PartWriter>) -> Self {
        let others = others.into_iter().map(|part| Other { part, twins: Twins::default() }).collect();
        Self { first, others, waiting: Some(Waiting::default()) }
    }

    /// Adds rows of the first part and, for each of the others in order, those that were made of them, if any.
    ///
    /// # Errors
    /// As [`PartWriter::write`]; a null in a key may be told by a later call.
    pub fn write(
        &mut self,
        batch: &RecordBatch,
        others: impl IntoIterator<Item = Option<RecordBatch>>,
    ) -> Result<(), SinkError> {
        let batch = conform(batch, &self.first.spec)?;
        let beside = self.others.iter().zip(others);
        let conformed = |(other, beside): (&Other, Option<RecordBatch>)| {
            beside.map(|beside| conform(&beside, &other.part.spec)).transpose()
        };
        let others = beside.map(conformed).collect::<Result<Vec<_>, _>>()?;
        let Some(waiting) = &mut self.waiting else { return self.encode((batch, others)) };
        waiting.sample.add(&batch);
        waiting.rows.push((batch, others));
        if waiting.sample.is_enough() { self.begin() } else { Ok(()) }
    }

    /// Makes use of a pause after what may be the last rows: ends the row groups, so that [`finish`](Self::finish) finds
    /// less to do. More rows may follow.
    ///
    /// # Errors
    /// As [`PartWriter::finish`].
    pub fn pause(&mut self) -> Result<(), SinkError> {
        // A part of so few rows is written in no time.
        if self.waiting.is_some() {
            return Ok(());
        }
        self.close_groups()?;
        self.close_single_groups(|_| true)
    }

    /// Ends the files, syncs them and gives them their names: the first part and the others in order.
    ///
    /// # Errors
    /// As [`PartWriter::finish`].
    pub fn finish(mut self) -> Result<(Part, Vec<Part>), SinkError> {
        self.begin()?;
        self.close_groups()?;
        let others = self.others.into_iter().map(|other| other.part.finish()).collect::<Result<_, _>>()?;
        Ok((self.first.finish()?, others))
    }

    /// Judges the first rows and encodes them, if that is still to be done.
    fn begin(&mut self) -> Result<(), SinkError> {
        let Some(Waiting { rows, .. }) = self.waiting.take() else { return Ok(()) };
        let first = &mut self.first;
        let mut lent = BTreeSet::new();
        for (index, other) in self.others.iter_mut().enumerate() {
            let beside: Vec<_> =
                rows.iter().map(|(batch, others)| (batch.clone(), others[index].clone())).collect();
            other.twins = Twins::find(&other.part.spec, &first.spec, &beside);
            lent.append(&mut other.twins.lent(&first.spec.schema));
            let sample: Vec<_> = beside.into_iter().filter_map(|(_, beside)| beside).collect();
            other.part.file.begin(&sample, BTreeSet::new())?;
        }
        let sample: Vec<_> = rows.iter().map(|(batch, _)| batch.clone()).collect();
        first.file.begin(&sample, lent)?;
        rows.into_iter().try_for_each(|rows| self.encode(rows))
    }

    fn encode(&mut self, (batch, others): Rows) -> Result<(), SinkError> {
        self.part_twins(&batch, &others)?;
        if let Some(keys) = &mut self.first.keys {
            keys.add(&batch)?;
        }
        self.first.file.encode(&batch, |_| false)?;
        let mut full = self.first.file.is_full();
        for (other, beside) in self.others.iter_mut().zip(&others) {
            let Some(beside) = beside else { continue };
            let (part, twins) = (&mut other.part, &other.twins);
            if let Some(keys) = &mut part.keys {
                keys.add(beside)?;
            }
            part.file.encode(beside, |column| twins.of(column).is_some())?;
            full |= !twins.is_empty() && part.file.is_full();
        }
        if full {
            self.close_groups()?;
        }
        self.close_single_groups(FileWriter::is_full)
    }

    /// Ends the row groups where a column of these rows is the twin no more.
    fn part_twins(&mut self, batch: &RecordBatch, others: &[Option<RecordBatch>]) -> Result<(), SinkError> {
        let still =
            |(other, beside): (&Other, &Option<RecordBatch>)| other.twins.still(batch, beside.as_ref());
        let still: Vec<Twins> = self.others.iter().zip(others).map(still).collect();
        if self.others.iter().zip(&still).any(|(other, still)| other.twins != *still) {
            self.close_groups()?;
            for (other, still) in self.others.iter_mut().zip(still) {
                other.twins = still;
            }
        }
        Ok(())
    }

    /// Ends the row groups of the first file and of those that borrow from it.
    fn close_groups(&mut self) -> Result<(), SinkError> {
        let lent = self.first.file.close_group(None)?;
        for other in self.others.iter_mut().filter(|other| !other.twins.is_empty()) {
            let leaves = other.twins.leaves(&other.part.spec.schema, &self.first.spec.schema);
            let loan = lent.as_ref().map(|lent| Loan { lent, leaves: &leaves });
            other.part.file.close_group(loan.as_ref())?;
        }
        Ok(())
    }

    /// Ends the row groups of files that borrow nothing, where they are to be ended.
    fn close_single_groups(&mut self, is_over: impl Fn(&FileWriter) -> bool) -> Result<(), SinkError> {
        for other in self.others.iter_mut().filter(|other| other.twins.is_empty()) {
            if is_over(&other.part.file) {
                other.part.file.close_group(None)?;
            }
        }
        Ok(())
    }
}
