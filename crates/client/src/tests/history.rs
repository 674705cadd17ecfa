//! The history on disk: restarts, second processes, reboots, damage.

use std::{path::Path, time::Duration};

use tempfile::tempdir;
use tokio::time::{Instant, advance};
use userhaul_connector::quota::QuotaMode;

use super::script::{Script, get, ok, quota};
use crate::{
    Client, Silent,
    disk::{Disk, Limit, Next},
    machine::{Machine, Process},
};

const WINDOW: Duration = Duration::from_secs(300);

/// Window and margin.
const WAIT: Next = Next::In(Duration::from_millis(300_050));

fn limit(requests: u32) -> Limit {
    Limit { window: Some((requests, WINDOW)), interval: None }
}

fn open(folder: &Path, origin: Instant, boot: u128, me: Process) -> Disk {
    Disk::open(folder, "name", Machine::paused(origin, boot, me)).expect("a file")
}

fn me() -> Process {
    Machine::this().me()
}

#[tokio::test(start_paused = true)]
async fn a_restarted_process_goes_on_where_the_last_one_stopped() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let mut first = open(folder.path(), origin, 1, me());
    for number in 0..2 {
        assert_eq!(first.take(limit(2)).expect("taken"), Next::Now(number));
        first.answered(number).expect("written");
    }
    drop(first);
    let mut second = open(folder.path(), origin, 1, me());
    assert_eq!(second.take(limit(2)).expect("taken"), WAIT);
    advance(WINDOW + Duration::from_millis(50)).await;
    assert_eq!(second.take(limit(2)).expect("taken"), Next::Now(2));
}

#[tokio::test(start_paused = true)]
async fn a_second_process_shares_the_window() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let mut one = open(folder.path(), origin, 1, me());
    let mut two = open(folder.path(), origin, 1, me());
    assert_eq!(one.take(limit(2)).expect("taken"), Next::Now(0));
    assert_eq!(two.take(limit(2)).expect("taken"), Next::Now(1));
    // The first attempt is under way in a process that lives.
    assert_eq!(two.take(limit(2)).expect("taken"), Next::In(Duration::from_millis(100)));
    one.answered(0).expect("written");
    assert_eq!(two.take(limit(2)).expect("taken"), WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_reservation_of_a_dead_process_counts_as_answered_when_noticed() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let dead = Process { id: u32::MAX, started: 1 };
    assert_eq!(open(folder.path(), origin, 1, dead).take(limit(1)).expect("taken"), Next::Now(0));
    advance(Duration::from_secs(100)).await;
    let mut alive = open(folder.path(), origin, 1, me());
    assert_eq!(alive.take(limit(1)).expect("taken"), WAIT);
    advance(WINDOW + Duration::from_millis(50)).await;
    assert_eq!(alive.take(limit(1)).expect("taken"), Next::Now(1));
}

#[tokio::test(start_paused = true)]
async fn a_changed_limit_is_judged_over_the_same_history() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let mut disk = open(folder.path(), origin, 1, me());
    for number in 0..10 {
        assert_eq!(disk.take(limit(10)).expect("taken"), Next::Now(number));
        disk.answered(number).expect("written");
    }
    assert_eq!(disk.take(limit(3)).expect("taken"), WAIT);
    assert_eq!(disk.take(limit(10)).expect("taken"), WAIT);
    // Larger than the file was made for: it grows, and forgets nothing.
    assert_eq!(disk.take(limit(10_000)).expect("taken"), Next::Now(10));
    assert_eq!(disk.take(limit(10)).expect("taken"), WAIT);
}

#[tokio::test(start_paused = true)]
async fn times_survive_a_reboot() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let mut before = open(folder.path(), origin, 1, me());
    assert_eq!(before.take(limit(1)).expect("taken"), Next::Now(0));
    before.answered(0).expect("written");
    advance(Duration::from_secs(100)).await;
    let mut after = open(folder.path(), origin, 2, me());
    assert_eq!(after.take(limit(1)).expect("taken"), Next::In(Duration::from_millis(200_050)));
}

#[tokio::test(start_paused = true)]
async fn a_time_from_the_future_costs_one_window_at_most() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    advance(Duration::from_secs(1000)).await;
    let mut ahead = open(folder.path(), origin, 1, me());
    assert_eq!(ahead.take(limit(1)).expect("taken"), Next::Now(0));
    ahead.answered(0).expect("written");
    let mut behind = open(folder.path(), Instant::now(), 2, me());
    assert_eq!(behind.take(limit(1)).expect("taken"), WAIT);
    advance(WINDOW + Duration::from_millis(50)).await;
    assert_eq!(behind.take(limit(1)).expect("taken"), Next::Now(1));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_begun_anew_and_a_torn_record_counts() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let path = folder.path().join("name.bin");
    for damage in [&b""[..], b"x", &[7; 200]] {
        std::fs::write(&path, damage).expect("written");
        assert_eq!(open(folder.path(), origin, 1, me()).take(limit(1)).expect("taken"), Next::Now(0));
    }
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[crate::record::HEAD_BYTES] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(open(folder.path(), origin, 1, me()).take(limit(1)).expect("taken"), WAIT);
}

#[tokio::test(start_paused = true)]
async fn pauses_and_even_spacing_are_shared() {
    let (folder, origin) = (tempdir().expect("a folder"), Instant::now());
    let second = Duration::from_secs(1);
    let paced = Limit { window: None, interval: Some(second) };
    let mut one = open(folder.path(), origin, 1, me());
    let mut two = open(folder.path(), origin, 1, me());
    assert_eq!(one.take(paced).expect("taken"), Next::Now(0));
    assert_eq!(two.take(paced).expect("taken"), Next::In(second));
    one.hold(Duration::from_secs(30)).expect("written");
    assert_eq!(two.take(paced).expect("taken"), Next::In(Duration::from_secs(30)));
}

/// Takes and answers as many attempts as the limit gives, until something fails; gives how many went out.
fn spend(folder: &Path, origin: Instant, me: Process) -> u32 {
    let mut sent = 0;
    let Ok(mut disk) = Disk::open(folder, "name", Machine::paused(origin, 1, me)) else { return 0 };
    while let Ok(Next::Now(number)) = disk.take(limit(3)) {
        sent += 1;
        if disk.answered(number).is_err() {
            break;
        }
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn whatever_call_fails_no_attempt_that_went_out_is_forgotten() {
    use userhaul_storage::fault::{Fault, arm};
    let (dead, origin) = (Process { id: u32::MAX, started: 1 }, Instant::now());
    for fault in [Fault::Broken, Fault::Full, Fault::Denied, Fault::Killed] {
        for at in 1.. {
            let folder = tempdir().expect("a folder");
            let armed = arm(folder.path(), at, fault);
            let before = spend(folder.path(), origin, dead);
            let struck = armed.struck();
            drop(armed);
            let after = spend(folder.path(), origin, me());
            assert!(before + after <= 3, "{fault:?} at {at}: {before} and {after}");
            // What was never sent may count, once.
            assert!(before + after >= 2, "{fault:?} at {at}: {before} and {after}");
            if !struck {
                assert_eq!(before, 3, "{fault:?}");
                break;
            }
        }
    }
}

pub(super) fn keeping(folder: &Path, script: &std::sync::Arc<Script>) -> Client {
    let mut settings = super::script::settings(quota(2, 300, QuotaMode::Window));
    settings.quota_dir = Some(folder.to_owned());
    let transport: std::sync::Arc<dyn crate::Transport> = script.clone();
    Client::with_transport(settings, std::sync::Arc::new(Silent), transport).expect("good settings")
}

#[tokio::test(start_paused = true)]
async fn a_client_keeps_its_history_under_a_name_without_the_key() {
    let folder = tempdir().expect("a folder");
    let script = Script::play(vec![ok()]);
    keeping(folder.path(), &script).send(&get("/x")).await.expect("a page");
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names.len(), 1);
    assert!(names[0].len() == 68 && !names[0].contains("s3cret"), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_written_does_no_harm() {
    let script = Script::play(vec![ok()]);
    let client = keeping(Path::new("/dev/null/quota"), &script);
    for _ in 0..3 {
        client.send(&get("/x")).await.expect("a page");
    }
    assert!(script.times()[2] >= 300.0);
}

#[test]
fn processes_never_share_a_number() {
    let folder = tempdir().expect("a folder");
    let take = |rounds: usize| {
        let mut disk = Disk::open(folder.path(), "name", Machine::this()).expect("a file");
        let mut numbers = Vec::new();
        while numbers.len() < rounds {
            if let Next::Now(number) = disk.take(limit(20_000)).expect("taken") {
                disk.answered(number).expect("written");
                numbers.push(number);
            }
        }
        numbers
    };
    let mut numbers: Vec<u64> = std::thread::scope(|scope| {
        let others: Vec<_> = (0..4).map(|_| scope.spawn(|| take(500))).collect();
        others.into_iter().flat_map(|other| other.join().expect("no panic")).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (0..2000).collect::<Vec<_>>());
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is worth reading")]
fn an_attempt_costs_microseconds() {
    let folder = tempdir().expect("a folder");
    let mut disk = Disk::open(folder.path(), "name", Machine::this()).expect("a file");
    let started = std::time::Instant::now();
    let rounds = 10_000;
    for _ in 0..rounds {
        if let Next::Now(number) = disk.take(limit(20_000)).expect("taken") {
            disk.answered(number).expect("written");
        }
    }
    let each = started.elapsed() / rounds;
    println!("one attempt: {each:?}");
    // Ten times what is aimed at, for machines that are busy.
    assert!(each < Duration::from_micros(500), "{each:?}");
}
