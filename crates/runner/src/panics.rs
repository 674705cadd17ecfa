//! Panics: a mistake of this program or of a connector. What a panic says may quote a row, so that only its place is told.
//!
//! The hook keeps the places; whoever catches a panic takes its place from there. A place that nobody took is told when the
//! program ends.

use std::{
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
};

use crate::error::StreamError;

static PLACES: Mutex<Vec<(ThreadId, String)>> = Mutex::new(Vec::new());

fn places() -> MutexGuard<'static, Vec<(ThreadId, String)>> {
    PLACES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hook: keeps the place, and says nothing.
pub fn keep_place(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|place| format!("{}:{}", short(place.file()), place.line()));
    places().push((thread::current().id(), place.unwrap_or_else(|| "an unknown place".to_owned())));
}

/// The place of the latest panic of this thread; none where the hook is not set.
pub fn take_place() -> Option<String> {
    let mut places = places();
    let latest = places.iter().rposition(|(thread, _)| *thread == thread::current().id())?;
    Some(places.remove(latest).1)
}

/// The places of panics that nobody caught.
pub fn left() -> Vec<String> {
    places().drain(..).map(|(_, place)| place).collect()
}

/// Works, on a thread of its own for example; a panic is a failure.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, StreamError>) -> Result<T, StreamError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StreamError::panicked()))
}

/// A file without the folders of the machine on which it was compiled.
fn short(file: &str) -> &str {
    for (folder, below) in [("/registry/src/", 1), ("/rustc/", 1), ("/git/checkouts/", 0)] {
        if let Some((_, rest)) = file.split_once(folder) {
            return rest.splitn(below + 1, '/').last().unwrap_or(rest);
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_place_and_without_its_words() {
        std::panic::set_hook(Box::new(keep_place));
        let failed = guarded::<()>(|| panic!("a row of ann@example.com"));
        let _ = std::panic::take_hook();
        let told = failed.expect_err("it panicked").to_string();
        assert!(told.contains("panics.rs:"), "{told}");
        assert!(!told.contains("ann@"), "{told}");
    }

    #[test]
    fn places_do_not_name_the_machine_of_their_compiler() {
        let registry = "/home/x/.cargo/registry/src/index.crates.io-1949cf8c/arrow-array-59.0.0/src/lib.rs";
        assert_eq!(short(registry), "arrow-array-59.0.0/src/lib.rs");
        assert_eq!(short("/rustc/e408947b/library/core/src/str/mod.rs"), "library/core/src/str/mod.rs");
        assert_eq!(short("crates/runner/src/walk.rs"), "crates/runner/src/walk.rs");
    }
}
