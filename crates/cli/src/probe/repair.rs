//! What is tried where a source refuses what the facts say.

use toml::{Table, Value};
use userhaul_connector::spec::{Aspect, DateFormat, Paging, StreamSpec};

use super::{
    Probe, Verdict,
    asking::{Answer, Span, page_params},
    nested, over,
};
use crate::failure::Failure;

/// Other forms of one request that are tried at most.
const MOST_TRIES: usize = 16;

impl Probe<'_> {
    /// Whether the credential is taken, in the form of the facts or in another one that the reference holds possible.
    pub(super) async fn credential(&mut self, name: &str) -> Result<bool, Failure> {
        self.findings.retain(|finding| finding.fact != "auth");
        let Some(stream) = self.spec_of(name) else { return Ok(true) };
        let span = self.spans(&stream).first().copied().unwrap_or((None, 0));
        let Some(walk) = self.walk(None, &stream, span) else { return Ok(true) };
        let params = page_params(&stream, 0);
        let assumed = !self.alternatives(Aspect::Auth).is_empty();
        let answer = self.ask(None, &stream, &walk, &params).await?;
        let form = self.form(&stream);
        if !matches!(answer.status, 401 | 403) {
            self.signed = answer.good();
            let (verdict, detail) = if answer.good() {
                (Verdict::Confirmed, form)
            } else {
                (Verdict::NotSeen, format!("{form}: `{name}` answered {}", answer.refusal()))
            };
            self.find("auth", assumed, verdict, detail);
            return Ok(true);
        }
        for alternative in self.alternatives(Aspect::Auth) {
            let (_, source) = self.with(&alternative)?;
            let tried = self.ask(Some(&source), &stream, &walk, &params).await?;
            if !matches!(tried.status, 401 | 403) {
                self.adopt(&alternative)?;
                self.signed = true;
                let now = self.form(&stream);
                self.find("auth", assumed, Verdict::Corrected, format!("{form} is refused, {now} is taken"));
                return Ok(true);
            }
        }
        let credential = self.prepared.credential();
        let detail = format!("{form} is refused with {}: check {credential}", answer.refusal());
        self.find("auth", assumed, Verdict::Wrong, detail);
        Ok(false)
    }

    /// How the credential travels, in words.
    fn form(&self, stream: &StreamSpec) -> String {
        use userhaul_connector::auth::AuthSpec;
        match self.source.connector.auth(stream) {
            AuthSpec::Header { name, scheme: Some(scheme), .. } => {
                format!("header `{name}` with `{scheme}` before the key")
            }
            AuthSpec::Header { name, scheme: None, .. } => format!("header `{name}` with the bare key"),
            AuthSpec::Query { parameter, .. } => format!("the key in the parameter `{parameter}`"),
            AuthSpec::Basic { .. } | AuthSpec::KeyAsUser { .. } => {
                "header `Authorization` with `Basic`".to_owned()
            }
            AuthSpec::ClientCredentials { .. } => "a token bought with client credentials".to_owned(),
            AuthSpec::Anonymous => "no credential".to_owned(),
        }
    }

    /// Tries other forms of a request that was refused; whether one is in force now.
    pub(super) async fn repair(&mut self, name: &str, span: Span, refused: &Answer) -> Result<bool, Failure> {
        let Some(stream) = self.spec_of(name) else { return Ok(false) };
        for (fact, what, correction) in self.repairs(&stream, refused).into_iter().take(MOST_TRIES) {
            let Ok((_, source)) = self.with(&correction) else { continue };
            let Some(corrected) = source.connector.spec().stream(name).cloned() else { continue };
            let Some(walk) = self.walk(Some(&source), &corrected, span) else { continue };
            let answer = self.ask(Some(&source), &corrected, &walk, &page_params(&corrected, 0)).await?;
            // Another path that is refused for another reason is there.
            let there = refused.status == 404 && !matches!(answer.status, 404 | 405);
            if answer.good() || there {
                self.adopt(&correction)?;
                let detail = format!("refused with {}; {what} is taken", refused.refusal());
                let assumed = self.assumed(name);
                self.find(format!("streams.{name}.{fact}"), assumed, Verdict::Corrected, detail);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What may make a refused request right: the fact, its other form in words, and the correction.
    fn repairs(&self, stream: &StreamSpec, refused: &Answer) -> Vec<(&'static str, String, Table)> {
        let forms = |of: Aspect, fact: &'static str| {
            let listed = self.alternatives(of).into_iter();
            listed
                .map(move |table| (fact, format!("the alternative {}", brief(&table)), table))
                .collect::<Vec<_>>()
        };
        if matches!(refused.status, 404 | 405) {
            return forms(Aspect::Path, "path");
        }
        let mut dates = Vec::new();
        if let Some(window) = stream.window() {
            dates = forms(Aspect::Dates, "axes.window");
            for (word, format) in DateFormat::words() {
                if *format != window.format {
                    let path = ["streams", &stream.name, "axes", "window", "format"];
                    let table = nested(&path, Value::from(*word));
                    dates.push(("axes.window.format", format!("`{word}`"), table));
                }
            }
        }
        let mut paging = Vec::new();
        if matches!(stream.paging, Paging::PageNumber(_) | Paging::Cursor(_)) {
            paging = forms(Aspect::Paging, "paging");
        }
        let mut both = Vec::new();
        for (_, first, date) in dates.iter().take(2) {
            for (_, second, page) in &paging {
                let mut table = date.clone();
                over(&mut table, page);
                both.push(("axes.window", format!("{first} with {second}"), table));
            }
        }
        paging.into_iter().chain(dates).chain(both).collect()
    }
}

/// A correction in a few words.
fn brief(table: &Table) -> String {
    let mut leaves = Vec::new();
    collect(table, &mut Vec::new(), &mut leaves);
    let more = leaves.len().saturating_sub(2);
    let mut text = leaves.into_iter().take(2).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(", …");
    }
    text
}

fn collect(table: &Table, path: &mut Vec<String>, leaves: &mut Vec<String>) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(inner) => collect(inner, path, leaves),
            value => leaves.push(format!("`{} = {value}`", crate::corrections::key(path))),
        }
        path.pop();
    }
}
