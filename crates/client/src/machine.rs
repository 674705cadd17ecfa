//! What processes of one machine must agree on: the time, the boot, and who is alive.

use std::{fs::read_to_string, time::SystemTime};

use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// How far the wall clock and the steady one may run apart before the clock is taken to have been set.
const STEP: i64 = 20_000;

/// A process, told apart from later ones of the same number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) id: u32,
    /// When it was started, in the machine's ticks; zero where that cannot be known.
    pub(crate) started: u32,
}

/// This machine as seen by this process.
pub(crate) struct Machine {
    clock: Clock,
    boot: u128,
    booted_at: i64,
    /// The wall clock at an instant, to notice when it is set.
    seen: (Instant, i64),
    me: Process,
}

#[derive(Debug, Clone, Copy)]
enum Clock {
    Wall,
    #[cfg(test)]
    Paused(Instant),
}

impl Machine {
    /// The machine that this runs on.
    pub(crate) fn this() -> Self {
        let id = read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let hash = Sha256::digest(id.trim());
        let boot = hash.first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes));
        let id = std::process::id();
        let mut machine = Self {
            clock: Clock::Wall,
            boot,
            booted_at: 0,
            seen: (Instant::now(), 0),
            me: Process { id, started: started(id).unwrap_or(0) },
        };
        machine.look();
        machine
    }

    /// A machine with its own boot, whose wall clock is tokio's.
    #[cfg(test)]
    pub(crate) fn paused(origin: Instant, boot: u128, me: Process) -> Self {
        Self { clock: Clock::Paused(origin), boot, booted_at: 0, seen: (origin, 0), me }
    }

    /// The wall clock, in microseconds.
    pub(crate) fn now(&self) -> i64 {
        match self.clock {
            Clock::Wall => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "stands in for the boot's own clock where there is none"
                )]
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_micros()).unwrap_or(0)
            }
            #[cfg(test)]
            Clock::Paused(origin) => i64::try_from(origin.elapsed().as_micros()).unwrap_or(0),
        }
    }

    /// Which boot this is, and when it was by the wall clock.
    pub(crate) fn boot(&mut self) -> (u128, i64) {
        let steady = i64::try_from(self.seen.0.elapsed().as_micros()).unwrap_or(0);
        if matches!(self.clock, Clock::Wall) && (self.now() - self.seen.1 - steady).abs() > STEP {
            self.look();
        }
        (self.boot, self.booted_at)
    }

    pub(crate) fn me(&self) -> Process {
        self.me
    }

    /// Whether a process still runs. Yes, where that cannot be known.
    pub(crate) fn lives(&self, process: Process) -> bool {
        process == self.me || self.me.started == 0 || started(process.id) == Some(process.started)
    }

    fn look(&mut self) {
        self.seen = (Instant::now(), self.now());
        let uptime = read_to_string("/proc/uptime").ok().and_then(|text| micros(text.split(' ').next()?));
        // Without an uptime all boots look alike, and only the wall clock counts.
        self.booted_at = uptime.map_or(0, |uptime| self.seen.1 - uptime);
    }
}

/// Seconds with two decimals as microseconds.
fn micros(seconds: &str) -> Option<i64> {
    let (whole, hundredths) = seconds.split_once('.')?;
    Some(whole.parse::<i64>().ok()? * 1_000_000 + hundredths.parse::<i64>().ok()? * 10_000)
}

/// When a process was started; `None` where there is none.
fn started(id: u32) -> Option<u32> {
    let text = read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in brackets and may hold anything; the start is the twenty-second field (proc(5)).
    let (_, fields) = text.rsplit_once(')')?;
    let ticks: u64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    u32::try_from(ticks & u64::from(u32::MAX)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_another_of_its_number_does_not() {
        let machine = Machine::this();
        let me = machine.me();
        assert!(machine.lives(me));
        if me.started != 0 {
            assert!(!machine.lives(Process { started: me.started.wrapping_add(1), ..me }));
            assert_eq!(started(me.id), Some(me.started));
        }
    }

    #[test]
    fn the_boot_does_not_move() {
        let mut machine = Machine::this();
        let (before, after) = (machine.boot(), Machine::this().boot());
        assert!(before.0 == after.0 && (before.1 - after.1).abs() < STEP, "{before:?} {after:?}");
    }
}
