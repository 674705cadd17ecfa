//! What a probe has found, for people and for programs.

use serde_json::json;
use toml::{Table, Value};
use userhaul_connector::code::Code;

/// What a source says of one fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The fact's key, or what it is about.
    pub(crate) fact: String,
    /// Whether the reference assumes it.
    pub(crate) assumed: bool,
    pub(crate) verdict: Verdict,
    /// A phrase.
    pub(crate) detail: String,
}

/// Whether a fact holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The source confirms it.
    Confirmed,
    /// It is otherwise, and a correction is proposed.
    Corrected,
    /// It is otherwise, and nobody knows how.
    Wrong,
    /// Nothing tells.
    NotSeen,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Corrected => "otherwise",
            Self::Wrong => "wrong",
            Self::NotSeen => "not seen",
        }
    }

    /// What scripts may look for, where a fact is otherwise.
    pub(crate) fn code(self) -> Option<Code> {
        matches!(self, Self::Corrected | Self::Wrong).then_some(Code::FactDiffers)
    }
}

/// What came of a probe of one source.
pub(crate) struct Report {
    pub(crate) source: String,
    pub(crate) findings: Vec<Finding>,
    /// The corrections, as a user would write them under `wire`.
    pub(crate) proposed: Table,
    /// Where the user has corrections already.
    pub(crate) beside: Option<String>,
    /// Whether these stand in a file of their own.
    pub(crate) into_file: bool,
    pub(crate) requests: u32,
}

impl Report {
    /// The proposed corrections, ready to be pasted; empty where there are none.
    pub(crate) fn proposal(&self) -> String {
        if self.proposed.is_empty() {
            return String::new();
        }
        let table = if self.into_file {
            self.proposed.clone()
        } else {
            super::nested(&["sources", &self.source, "wire"], Value::Table(self.proposed.clone()))
        };
        let text = toml::to_string(&table).unwrap_or_default();
        match &self.beside {
            Some(place) => format!("# beside what stands in {place}\n{text}"),
            None => text,
        }
    }

    /// Whether a fact is otherwise.
    pub(crate) fn differs(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding.verdict, Verdict::Corrected | Verdict::Wrong))
    }

    /// Whether the credential was refused in every form.
    pub(crate) fn refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.fact == "auth" && finding.verdict == Verdict::Wrong)
    }

    /// As data.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let findings: Vec<serde_json::Value> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "fact": finding.fact,
                    "assumed": finding.assumed,
                    "verdict": finding.verdict.word().replace(' ', "_"),
                    "detail": finding.detail,
                    "code": finding.verdict.code().map(Code::word),
                })
            })
            .collect();
        json!({
            "source": self.source,
            "requests": self.requests,
            "facts": findings,
            "corrections": serde_json::to_value(&self.proposed).unwrap_or_default(),
        })
    }
}
