//! The exports by name, as the stream table of the reference (section 2) lists them.

/// An export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stream {
    Heart,
    Nps,
    Surveys,
    Tags,
    GuideEvents,
    GuideProgress,
    AnnouncementEvents,
    Users,
}

impl Stream {
    /// All of them, in the order of the table.
    pub(super) const ALL: [Self; 8] = [
        Self::Heart,
        Self::Nps,
        Self::Surveys,
        Self::Tags,
        Self::GuideEvents,
        Self::GuideProgress,
        Self::AnnouncementEvents,
        Self::Users,
    ];

    /// The name in the stream table, by which the truth is asked for.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Heart => "heart_scores",
            Self::Nps => "nps_responses",
            Self::Surveys => "survey_responses",
            Self::Tags => "tag_interactions",
            Self::GuideEvents => "guide_events",
            Self::GuideProgress => "guide_progress",
            Self::AnnouncementEvents => "announcement_events",
            Self::Users => "user_profiles",
        }
    }

    /// The route: with the property in the path, or without it.
    pub(super) fn path(self, query_id: bool) -> String {
        let resource = match self {
            Self::Heart => "heart",
            Self::Nps => "nps",
            Self::Surveys => "surveys",
            Self::Tags => "tags",
            Self::GuideEvents => "guide-events",
            Self::GuideProgress => "guide-progress",
            Self::AnnouncementEvents => "announcement-events",
            Self::Users => "users",
        };
        if query_id { format!("/v1/{resource}") } else { format!("/v1/properties/{{propertyId}}/{resource}") }
    }

    /// Whether the export takes a time span: all but the profiles.
    pub(super) fn dated(self) -> bool {
        self != Self::Users
    }

    /// Whether the export is paged: all but HEART.
    pub(super) fn paged(self) -> bool {
        self != Self::Heart
    }
}
