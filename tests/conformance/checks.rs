//! One test a check, so that they run side by side; the last one tells whether one is missing.

use std::fmt::Write as _;

use userhaul_testkit::{CHECKS, Check};

use crate::worlds::subjects;

/// Runs a check over every subject.
fn check(name: &str) {
    let check = CHECKS.iter().find(|check| check.name == name).expect("a check of the testkit");
    let subjects = subjects();
    let mut failures = String::new();
    std::thread::scope(|scope| {
        let running: Vec<_> =
            subjects.iter().map(|subject| (subject, scope.spawn(|| (check.run)(subject.as_ref())))).collect();
        for (subject, running) in running {
            for problem in running.join().expect("no panic") {
                writeln!(failures, "{} × {name}: {problem}", subject.name()).expect("a text grows");
            }
        }
    });
    assert!(failures.is_empty(), "{} ({})\n{failures}", check.name, check.promise);
}

macro_rules! one_test_a_check {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*

        #[test]
        fn every_check_has_its_test() {
            let tests = [$(stringify!($name)),*];
            let missing: Vec<&Check> = CHECKS.iter().filter(|check| !tests.contains(&check.name)).collect();
            assert!(missing.is_empty(), "no test runs {:?}", missing.iter().map(|check| check.name).collect::<Vec<_>>());
        }
    };
}

one_test_a_check!(
    truth,
    page_size,
    killed,
    quota,
    retry_after,
    transient,
    lasting,
    content,
    data,
    origin,
    empty,
    twice,
    keys,
    columns,
    leaks,
);
