//! A check that cannot fail is worse than none: each has a broken connector that fails it, and fails only it.

use userhaul_testkit::{CHECKS, Check, Reference, Subject};

#[test]
fn each_broken_connector_fails_its_check_and_no_other() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = CHECKS.iter().map(|broken| scope.spawn(|| wrong(broken.name))).collect();
        running.into_iter().flat_map(|running| running.join().expect("no panic")).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the checks do wrong with the connector that is broken for one of them.
fn wrong(name: &'static str) -> Vec<String> {
    let subject = Reference::broken(name);
    let judge = |check: &Check| {
        let problems = (check.run)(&subject);
        match (name == check.name, problems.first()) {
            (true, None) => Some(format!("{} passes its check", subject.name())),
            (false, Some(problem)) => {
                Some(format!("{} fails `{}` too: {problem}", subject.name(), check.name))
            }
            _ => None,
        }
    };
    CHECKS.iter().filter_map(judge).collect()
}
