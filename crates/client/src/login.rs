//! How a client proves to a token endpoint who it is: the forms that RFC 6749, section 2.3.1, allows and those that
//! servers take besides, one after the other, and which of them a server took.
//!
//! What a server took is kept beside the history of the credential's attempts, so that the next process does not begin with
//! a refused login. Nothing of the credential is in that file, and its name is a hash.

use std::{collections::VecDeque, path::PathBuf};

use http::{HeaderValue, header};
use secrecy::ExposeSecret;
use url::form_urlencoded::Serializer;
use userhaul_connector::code::Code;

use crate::{error::Reason, sign, token::Grant};

/// One form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Id and secret form-encoded, then HTTP Basic.
    Encoded,
    /// Id and secret as they are, by HTTP Basic.
    Basic,
    /// Id and secret in the form.
    Form,
}

impl Style {
    const ALL: [Self; 3] = [Self::Encoded, Self::Basic, Self::Form];

    fn word(self) -> &'static str {
        match self {
            Self::Encoded => "encoded",
            Self::Basic => "basic",
            Self::Form => "form",
        }
    }
}

/// The forms that are tried, best first. Encoding that changes nothing is no form of its own.
pub(crate) fn ways(grant: Grant<'_>, known: Option<Style>) -> VecDeque<Style> {
    let changed = |text: &str| sign::form_encoded(text) != text;
    let differs = changed(grant.client_id) || changed(grant.client_secret.expose_secret());
    let usual: &[Style] = match (differs, grant.form_encoded) {
        (true, true) => &[Style::Encoded, Style::Basic, Style::Form],
        (_, false) | (false, true) => &[Style::Basic, Style::Form],
    };
    let known = known.filter(|style| usual.contains(style));
    known.into_iter().chain(usual.iter().copied().filter(|style| Some(*style) != known)).collect()
}

/// Puts id and secret into the form, or gives the header that holds them.
pub(crate) fn prove(
    grant: Grant<'_>,
    style: Style,
    form: &mut Serializer<'_, String>,
) -> Result<Option<(header::HeaderName, HeaderValue)>, Reason> {
    let value = match style {
        Style::Encoded => sign::basic(
            &sign::form_encoded(grant.client_id),
            &sign::form_encoded(grant.client_secret.expose_secret()).into(),
        )?,
        Style::Basic => sign::basic(grant.client_id, grant.client_secret)?,
        Style::Form => {
            form.append_pair("client_id", grant.client_id);
            form.append_pair("client_secret", grant.client_secret.expose_secret());
            return Ok(None);
        }
    };
    Ok(Some((header::AUTHORIZATION, value)))
}

/// What earlier processes have learned of a grant.
pub(crate) struct Memory {
    path: Option<PathBuf>,
    pub(crate) style: Option<Style>,
}

impl Memory {
    /// `name` tells the grant from others and gives nothing of it away.
    pub(crate) fn open(folder: Option<&PathBuf>, name: &str) -> Self {
        let path = folder.map(|folder| folder.join(format!("{name}.login")));
        let text = path.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let style = text.and_then(|text| Style::ALL.into_iter().find(|style| style.word() == text.trim()));
        Self { path, style }
    }

    /// Keeps the form that was taken, where another would be tried first without that.
    pub(crate) fn keep(&self, grant: Grant<'_>, style: Style) {
        let Some(path) = self.path.as_ref().filter(|_| ways(grant, self.style).front() != Some(&style))
        else {
            return;
        };
        // It is a hint: without it the next process tries in the usual order.
        if let Err(error) = userhaul_storage::write_whole(path, style.word().as_bytes()) {
            let text = "the form of the login cannot be kept, the next run may begin with a refused one";
            crate::warn(Code::LoginNotKept, text, &error);
        }
    }
}
