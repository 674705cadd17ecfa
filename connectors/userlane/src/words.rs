//! What happened, in words that all vendors share.

use userhaul_connector::Words;

/// The words of contract section 6 for the vendor's (vendors/userlane.md 3.5, 3.7).
pub(crate) const ALL: &[Words] = &[
    Words {
        stream: "guide_events",
        column: "event_type",
        into: "event_type",
        pairs: &[
            ("guide_started", "guide.started"),
            ("step_shown", "guide.step_shown"),
            ("step_completed", "guide.step_completed"),
            ("guide_completed", "guide.completed"),
            ("guide_exited", "guide.exited"),
        ],
    },
    Words {
        stream: "announcement_events",
        column: "event_type",
        into: "event_type",
        pairs: &[
            ("announcement_pushed", "announcement.shown"),
            ("announcement_opened", "announcement.opened"),
            ("announcement_link_clicked", "announcement.link_clicked"),
            ("announcement_closed", "announcement.closed"),
        ],
    },
];

/// Our word for a row of a stream, `other` where there is none.
///
/// Progress and uses of tags are states and counts: every row is the same kind of event.
pub(crate) fn event_type(stream: &str, word: &str) -> &'static str {
    match stream {
        "guide_progress" => "guide.progress",
        "tag_interactions" => "tag.clicked",
        _ => {
            let words = ALL.iter().find(|words| words.stream == stream);
            words.and_then(|words| words.ours(word)).unwrap_or("other")
        }
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
