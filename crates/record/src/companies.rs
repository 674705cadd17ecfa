//! `companies`: one row a customer's company.

use crate::cells::Row;
use crate::column::{Column, Kind, column, instant, text};
use crate::unified::Prefix;
use crate::value::{Attributes, Decimal, Micros};

/// A company at a vendor.
#[derive(Debug, Clone, Default)]
pub struct Company<'a> {
    /// The vendor's own id. Never empty.
    pub vendor_company_id: &'a str,
    /// The customer's own id for the company.
    pub external_id: Option<&'a str>,
    /// Name.
    pub name: Option<&'a str>,
    /// Domain on the internet.
    pub domain: Option<&'a str>,
    /// Standing in the words of the vendor or its customer.
    pub status: Option<&'a str>,
    /// Monthly recurring revenue.
    pub mrr: Option<Decimal>,
    /// Annual recurring revenue.
    pub arr: Option<Decimal>,
    /// Currency of the revenue.
    pub currency: Option<&'a str>,
    /// Who looks after the company.
    pub owner: Option<&'a str>,
    /// When the entry was made.
    pub created_at: Option<Micros>,
    /// When the entry was last changed.
    pub updated_at: Option<Micros>,
    /// Everything else that is known by name.
    pub attributes: Attributes<'a>,
}

pub(crate) const COLUMNS: &[Column] = &[
    text("company_key", "the row's key: `<source>:<vendor_company_id>`"),
    text("vendor_company_id", "the vendor's own id of the company"),
    text("external_id", "the customer's own id of the company"),
    text("name", "name"),
    text("domain", "domain on the internet"),
    text("status", "standing in the words of the vendor or its customer"),
    column("mrr", Kind::Decimal, "monthly recurring revenue"),
    column("arr", Kind::Decimal, "annual recurring revenue"),
    text("currency", "currency of the revenue"),
    text("owner", "who looks after the company"),
    instant("created_at", "when the entry was made"),
    instant("updated_at", "when the entry was last changed"),
    column("attributes", Kind::Map, "everything else that is known by name; JSON text for what is not text"),
];

impl Company<'_> {
    pub(crate) fn fill(&self, row: &mut Row<'_>, prefix: &Prefix) {
        row.key(&prefix.id, Some(self.vendor_company_id))
            .text(Some(self.vendor_company_id))
            .text(self.external_id)
            .text(self.name)
            .text(self.domain)
            .text(self.status)
            .decimal(self.mrr)
            .decimal(self.arr)
            .text(self.currency)
            .text(self.owner)
            .instant(self.created_at)
            .instant(self.updated_at)
            .map(&self.attributes);
    }
}
