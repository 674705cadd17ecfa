//! The writer's thread and the orders it takes.

use std::{collections::BTreeMap, path::PathBuf};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use userhaul_connector::{decode::Taken, slice::Window};

use crate::{
    error::StreamError,
    kept::{Extent, Journal},
    panics,
    writer::TableWriter,
};

/// Batches that may wait for the writer.
const WAITING: usize = 1;

/// What the walks tell the writer, in order.
pub(crate) enum Order {
    /// Rows of a slice.
    Write { slice: usize, taken: Taken, window: Option<Window> },
    /// The slice may have no more rows: it is being found out.
    Pause { slice: usize },
    /// The slice is over: its rows count. They are all that there is of this. Says when that is noted, if somebody waits for it.
    Close { slice: usize, proven: bool, extent: Extent, noted: Option<oneshot::Sender<()>> },
    /// The slice's walk begins anew.
    Restart { slice: usize },
    /// The slice's rows are forgotten.
    Forget { slice: usize },
}

/// The tables of a stream and of those derived from it.
pub(crate) struct Tables {
    pub(crate) own: TableWriter,
    pub(crate) derived: BTreeMap<String, TableWriter>,
    /// Notes the slices that are read whole, where a later run can take them over.
    pub(crate) journal: Option<Journal>,
}

impl Tables {
    fn obey(&mut self, order: Order) -> Result<(), StreamError> {
        match order {
            Order::Write { slice, taken, window } => {
                if let Some(rows) = taken.rows {
                    self.own.write(slice, rows, window)?;
                }
                for (stream, rows) in taken.derived {
                    if let Some(table) = self.derived.get_mut(&stream) {
                        table.write(slice, rows, None)?;
                    }
                }
                Ok(())
            }
            Order::Pause { slice } => self.each(|table| table.pause(slice)),
            Order::Close { slice, proven, extent, noted } => {
                self.close(slice, proven, extent)?;
                // Who waits may have been dropped.
                noted.map(|noted| noted.send(()));
                Ok(())
            }
            Order::Restart { slice } => self.each(|table| table.restart(slice)),
            Order::Forget { slice } => self.each(|table| table.forget(slice)),
        }
    }

    fn close(&mut self, slice: usize, proven: bool, extent: Extent) -> Result<(), StreamError> {
        let parts = self.end(slice, proven)?;
        if let Some(journal) = self.journal.as_mut().filter(|_| proven) {
            journal.add(extent, &parts);
        }
        Ok(())
    }

    /// Ends a slice and gives its parts.
    pub(crate) fn end(&mut self, slice: usize, proven: bool) -> Result<Vec<PathBuf>, StreamError> {
        let mut parts = Vec::new();
        self.each(|table| {
            parts.extend(table.close(slice, proven)?);
            Ok(())
        })?;
        Ok(parts)
    }

    pub(crate) fn each(
        &mut self,
        mut act: impl FnMut(&mut TableWriter) -> Result<(), StreamError>,
    ) -> Result<(), StreamError> {
        act(&mut self.own)?;
        self.derived.values_mut().try_for_each(act)
    }
}

/// Gives the tables back, with why it stopped.
pub(crate) type Writer = JoinHandle<Result<(Tables, Result<(), StreamError>), StreamError>>;

/// Starts the writer. It stops at the first failure, or when nobody can send any more.
pub(crate) fn start(mut tables: Tables) -> (mpsc::Sender<Order>, Writer) {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    let work = move || {
        while let Some(order) = receiver.blocking_recv() {
            if let Err(error) = tables.obey(order) {
                return Ok((tables, Err(error)));
            }
        }
        Ok((tables, Ok(())))
    };
    let writer = tokio::task::spawn_blocking(move || panics::guarded(work));
    (sender, writer)
}
