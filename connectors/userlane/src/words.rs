//! What happened, in words that all vendors share.

/// The word of contract section 6 for the vendor's (vendors/userlane.md 3.5, 3.7), else `other`.
///
/// Progress and uses of tags are states and counts: every row is the same kind of event.
pub(crate) fn event_type(stream: &str, word: &str) -> &'static str {
    match (stream, word) {
        ("guide_progress", _) => "guide.progress",
        ("tag_interactions", _) => "tag.clicked",
        ("guide_events", "guide_started") => "guide.started",
        ("guide_events", "step_shown") => "guide.step_shown",
        ("guide_events", "step_completed") => "guide.step_completed",
        ("guide_events", "guide_completed") => "guide.completed",
        ("guide_events", "guide_exited") => "guide.exited",
        ("announcement_events", "announcement_pushed") => "announcement.shown",
        ("announcement_events", "announcement_opened") => "announcement.opened",
        ("announcement_events", "announcement_link_clicked") => "announcement.link_clicked",
        ("announcement_events", "announcement_closed") => "announcement.closed",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_a_shared_one_are_other() {
        for (stream, word, expected) in [
            ("guide_events", "guide_exited", "guide.exited"),
            ("guide_events", "step_error", "other"),
            ("guide_events", "announcement_opened", "other"),
            ("guide_events", "", "other"),
            ("guide_progress", "exited", "guide.progress"),
            ("guide_progress", "paused", "guide.progress"),
            ("announcement_events", "announcement_pushed", "announcement.shown"),
            ("announcement_events", "announcement_guide_started", "other"),
            ("tag_interactions", "", "tag.clicked"),
        ] {
            assert_eq!(event_type(stream, word), expected, "{stream} {word}");
        }
    }
}
