//! `users`: one row a vendor account.

use crate::cells::Row;
use crate::column::{Column, Kind, column, instant, text};
use crate::unified::Prefix;
use crate::value::{Attributes, Micros};

/// An account at a vendor.
#[derive(Debug, Clone, Default)]
pub struct User<'a> {
    /// The vendor's own id. Never empty.
    pub vendor_user_id: &'a str,
    /// The customer's own id for the person.
    pub external_id: Option<&'a str>,
    /// Address as the vendor has it.
    pub email: Option<&'a str>,
    /// Given name.
    pub first_name: Option<&'a str>,
    /// Family name.
    pub last_name: Option<&'a str>,
    /// Whole name, where the vendor has it as one.
    pub full_name: Option<&'a str>,
    /// Standing in our words.
    pub status: Status,
    /// Standing in the vendor's words.
    pub vendor_status: Option<&'a str>,
    /// Role in the vendor's product.
    pub role: Option<&'a str>,
    /// Job title.
    pub job_title: Option<&'a str>,
    /// Language, as the vendor spells it.
    pub language: Option<&'a str>,
    /// Time zone, as the vendor spells it.
    pub time_zone: Option<&'a str>,
    /// The vendor's id of the user's company; becomes `company_key`.
    pub vendor_company_id: Option<&'a str>,
    /// The vendor's id of the user's manager; becomes `manager_key`.
    pub vendor_manager_id: Option<&'a str>,
    /// When the account was made.
    pub created_at: Option<Micros>,
    /// When the account was last changed.
    pub updated_at: Option<Micros>,
    /// When the person was first seen.
    pub first_seen_at: Option<Micros>,
    /// When the person was last seen.
    pub last_seen_at: Option<Micros>,
    /// Everything else that is known by name.
    pub attributes: Attributes<'a>,
}

/// Standing of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// In use.
    Active,
    /// Asked to join, not yet in use.
    Invited,
    /// Switched off or expired.
    Suspended,
    /// Gone at the vendor.
    Deleted,
    /// The vendor does not say.
    #[default]
    Unknown,
}

impl Status {
    /// The standing that has this word.
    pub fn named(word: &str) -> Option<Self> {
        let all = [Self::Active, Self::Invited, Self::Suspended, Self::Deleted, Self::Unknown];
        all.into_iter().find(|status| status.as_str() == word)
    }

    /// The word that stands in the column.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        }
    }
}

pub(crate) const COLUMNS: &[Column] = &[
    text("user_key", "the row's key: `<source>:<vendor_user_id>`"),
    text("vendor_user_id", "the vendor's own id of the account"),
    text("external_id", "the customer's own id of the person"),
    text("email", "address as the vendor has it"),
    text("first_name", "given name"),
    text("last_name", "family name"),
    text("full_name", "whole name, where the vendor has it as one"),
    column("status", Kind::Word, "`active`, `invited`, `suspended`, `deleted` or `unknown`"),
    text("vendor_status", "standing in the vendor's words"),
    text("role", "role in the vendor's product"),
    text("job_title", "job title"),
    text("language", "language, as the vendor spells it"),
    text("time_zone", "time zone, as the vendor spells it"),
    text("company_key", "the user's company: `companies.company_key`"),
    text("manager_key", "the user's manager: `users.user_key`"),
    instant("created_at", "when the account was made"),
    instant("updated_at", "when the account was last changed"),
    instant("first_seen_at", "when the person was first seen"),
    instant("last_seen_at", "when the person was last seen"),
    column("attributes", Kind::Map, "everything else that is known by name; JSON text for what is not text"),
];

impl User<'_> {
    pub(crate) fn fill(&self, row: &mut Row<'_>, prefix: &Prefix) {
        row.key(&prefix.id, Some(self.vendor_user_id))
            .text(Some(self.vendor_user_id))
            .text(self.external_id)
            .text(self.email)
            .text(self.first_name)
            .text(self.last_name)
            .text(self.full_name)
            .text(Some(self.status.as_str()))
            .text(self.vendor_status)
            .text(self.role)
            .text(self.job_title)
            .text(self.language)
            .text(self.time_zone)
            .key(&prefix.id, self.vendor_company_id)
            .key(&prefix.id, self.vendor_manager_id)
            .instant(self.created_at)
            .instant(self.updated_at)
            .instant(self.first_seen_at)
            .instant(self.last_seen_at)
            .map(&self.attributes);
    }
}
