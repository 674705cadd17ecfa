//! Paused time that goes on where nothing else does.

use std::{future::Future, pin::pin, time::Duration};

use tokio::task::yield_now;

/// How often everybody gets a turn before time goes on.
const TURNS: usize = 4;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(1);

/// Runs a future on paused time in a runtime of its own.
///
/// Tokio's own advance stands still while a blocking task lives, as the writer of tables does for a whole stream; so
/// time is moved here whenever nobody has anything to do: by little first, then by more. `events` counts what happens;
/// each event makes the steps small again.
///
/// # Panics
/// When there can be no runtime.
pub fn paused<T>(events: impl Fn() -> usize, work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let mut work = pin!(work);
        let (mut step, mut seen) = (SHORTEST, events());
        loop {
            let idle = async {
                for _ in 0..TURNS {
                    yield_now().await;
                }
            };
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = idle => {}
            }
            let now = events();
            step = if now == seen { (step * 2).min(LONGEST) } else { SHORTEST };
            seen = now;
            if step == LONGEST {
                // Nothing has happened for long: most likely a table is being written by another thread.
                std::thread::yield_now();
            }
            tokio::time::advance(step).await;
        }
    })
}
