//! A check that cannot fail is worse than none: each has a broken connector that fails it, and fails only it.

use userhaul_testkit::{CHECKS, Reference, Subject};

#[test]
fn each_broken_connector_fails_its_check_and_no_other() {
    let mut wrong = Vec::new();
    for broken in CHECKS {
        let subject = Reference::broken(broken.name);
        for check in CHECKS {
            let problems = (check.run)(&subject);
            match (broken.name == check.name, problems.first()) {
                (true, None) => wrong.push(format!("{} passes its check", subject.name())),
                (false, Some(problem)) => {
                    wrong.push(format!("{} fails `{}` too: {problem}", subject.name(), check.name));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
