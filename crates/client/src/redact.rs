//! Takes secrets and personal data out of what a server said, so that it can be shown.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::sign::form_encoded;

/// How much of a body is shown, in bytes.
const EXCERPT_BYTES: usize = 200;

/// The beginning of a body as text: control characters become spaces, secrets and e-mail addresses are masked. `None` where
/// nothing readable is left.
pub(crate) fn excerpt(body: &[u8], secrets: &[SecretString]) -> Option<String> {
    // Mask before cutting: half a secret is no longer recognised.
    let head = body.get(..body.len().min(8 * EXCERPT_BYTES)).unwrap_or(body);
    let mut text = String::from_utf8_lossy(head).into_owned();
    for form in secrets.iter().flat_map(forms) {
        text = text.replace(&form, "***");
    }
    let text = mask_addresses(&text);
    let mut shown = String::new();
    for word in text.split(|c: char| c.is_control() || c.is_whitespace() || is_format(c)) {
        if word.is_empty() {
            continue;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    let end =
        (0..=EXCERPT_BYTES.min(shown.len())).rev().find(|&end| shown.is_char_boundary(end)).unwrap_or(0);
    shown.truncate(end);
    (!shown.is_empty()).then_some(shown)
}

/// A text without the credential of a request, in each form in which it is sent.
pub fn without_credential(text: &str, auth: &userhaul_connector::auth::AuthSpec) -> String {
    let mut text = text.to_owned();
    for form in crate::sign::secrets(auth).iter().flat_map(forms) {
        text = text.replace(&form, "***");
    }
    text
}

/// A secret in each form in which a server may repeat it, the longest first: as it is, with its slashes escaped as JSON may
/// have them, percent-encoded, and in base64. None of a short one: it would mask half of a text without being recognisable in it.
fn forms(secret: &SecretString) -> Vec<String> {
    let secret = secret.expose_secret();
    if secret.len() < 4 {
        return Vec::new();
    }
    let encoded = form_encoded(secret);
    let spaced = encoded.replace('+', "%20");
    // Not all encode the same marks.
    let lenient = spaced.replace("%7E", "~");
    let laxest = ["!", "'", "(", ")"]
        .iter()
        .zip(["%21", "%27", "%28", "%29"])
        .fold(lenient.clone(), |text, (mark, code)| text.replace(code, mark));
    let mut forms = vec![secret.to_owned(), secret.replace('/', "\\/"), STANDARD.encode(secret)];
    forms.extend([URL_SAFE.encode(secret), STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)]);
    // A pair that was encoded for a header, as others write it.
    let bare = secret.trim_end_matches('=');
    if bare.len() < secret.len() {
        forms.push(bare.to_owned());
    }
    for encoded in [encoded, spaced, lenient, laxest] {
        forms.extend([in_small(&encoded), encoded]);
    }
    // One that is sent in base64 may come back in its other alphabet, or without its padding.
    let renamed = secret.replace('+', "-").replace('/', "_");
    forms.extend([secret, &renamed].map(|text| text.trim_end_matches('=').to_owned()));
    forms.push(renamed);
    forms.retain(|form| form.len() >= 4);
    let slashed = forms.iter().map(|form| form.replace('/', "\\/")).collect::<Vec<_>>();
    forms.extend(slashed);
    forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    forms.dedup();
    forms
}

/// Percent-encoded bytes with small letters, as some write them.
fn in_small(encoded: &str) -> String {
    let mut left = 0;
    let small = encoded.chars().map(|c| {
        left = if c == '%' { 3_u8 } else { left.saturating_sub(1) };
        if left > 0 { c.to_ascii_lowercase() } else { c }
    });
    small.collect()
}

/// Bytes without these secrets, in whatever form; none where they hold none.
pub fn without_secrets(bytes: &[u8], secrets: &[SecretString]) -> Option<Vec<u8>> {
    let mut kept: Option<Vec<u8>> = None;
    for form in secrets.iter().flat_map(forms) {
        let held = kept.as_deref().unwrap_or(bytes);
        let finder = memchr::memmem::Finder::new(form.as_bytes());
        if finder.find(held).is_none() {
            continue;
        }
        let mut without = Vec::with_capacity(held.len());
        let mut from = 0;
        for at in finder.find_iter(held) {
            without.extend_from_slice(&held[from..at]);
            without.extend_from_slice(b"***");
            from = at + form.len();
        }
        without.extend_from_slice(&held[from..]);
        kept = Some(without);
    }
    kept
}

/// A text without these secrets.
pub fn masked(text: &str, secrets: &[SecretString]) -> String {
    let without = without_secrets(text.as_bytes(), secrets);
    without.map_or_else(|| text.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A text for a terminal or a log: e-mail addresses masked, one line, at most 200 bytes.
pub fn for_people(text: &str) -> String {
    excerpt(text.as_bytes(), &[]).unwrap_or_default()
}

/// A URL without query, fragment and credentials; a path segment with an e-mail address is masked.
pub(crate) fn url(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), path(url.path()))
}

/// A path whose segments with an e-mail address are masked.
pub fn path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> =
        path.split('/').map(|part| if holds_address(part) { "***" } else { part }).collect();
    parts.join("/")
}

fn holds_address(segment: &str) -> bool {
    segment.contains('@') || segment.contains("%40")
}

/// Characters that change the direction or the look of the text around them.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Replaces everything around an `@` that can belong to an address.
fn mask_addresses(text: &str) -> String {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'' | '@');
    let mut masked = String::with_capacity(text.len());
    let mut word = String::new();
    let flush = |word: &mut String, masked: &mut String| {
        masked.push_str(if word.contains('@') || word.contains("%40") { "***@***" } else { word });
        word.clear();
    };
    for c in text.chars() {
        if belongs(c) {
            word.push(c);
        } else {
            flush(&mut word, &mut masked);
            masked.push(c);
        }
    }
    flush(&mut word, &mut masked);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        excerpt(body.as_bytes(), &["s3cret-key".into()]).unwrap_or_default()
    }

    #[test]
    fn secrets_and_addresses_are_masked() {
        assert_eq!(
            shown(r#"{"message":"key s3cret-key of ann.lee+x@example.com is bad"}"#),
            r#"{"message":"key *** of ***@*** is bad"}"#
        );
    }

    #[test]
    fn secrets_are_taken_out_of_bytes_in_every_form() {
        let secrets = ["ab/cd".into(), "xyz".into(), "t0ken".into()];
        let kept = without_secrets(br#"{"a":"ab/cd","b":"ab\/cd","c":"xyz t0kent0ken"}"#, &secrets);
        assert_eq!(kept.as_deref(), Some(&br#"{"a":"***","b":"***","c":"xyz ******"}"#[..]));
        assert_eq!(without_secrets(b"nothing", &secrets), None);
    }

    #[test]
    fn whatever_a_server_makes_of_a_secret_is_taken_out() {
        let secrets = ["k3y/Of+Ours=?>>é".into()];
        let repeated = [
            "k3y/Of+Ours=?>>é",
            "k3y\\/Of+Ours=?>>é",
            "k3y%2FOf%2BOurs%3D%3F%3E%3E%C3%A9",
            "k3y%2fOf%2bOurs%3d%3f%3e%3e%c3%a9",
            "azN5L09mK091cnM9Pz4+w6k=",
            "azN5L09mK091cnM9Pz4+w6k",
            "azN5L09mK091cnM9Pz4-w6k=",
            "azN5L09mK091cnM9Pz4-w6k",
        ];
        for form in repeated {
            let text = format!("<{form}>");
            assert_eq!(without_secrets(text.as_bytes(), &secrets).as_deref(), Some(&b"<***>"[..]), "{form}");
            assert_eq!(excerpt(text.as_bytes(), &secrets).as_deref(), Some("<***>"), "{form}");
        }
        assert!(forms(&"abc".into()).is_empty());
        for form in ["dTpwPz8/Pj4=", "dTpwPz8/Pj4", "dTpwPz8_Pj4=", "dTpwPz8_Pj4"] {
            assert_eq!(
                without_secrets(form.as_bytes(), &["dTpwPz8/Pj4=".into()]).as_deref(),
                Some(&b"***"[..]),
                "{form}"
            );
        }
    }

    #[test]
    fn control_characters_are_stripped() {
        assert_eq!(shown("a\u{1b}[31mred\u{7}\r\n\tb\u{202e}c"), "a [31mred b c");
    }

    #[test]
    fn an_excerpt_is_at_most_200_bytes_and_whole_characters() {
        let text = shown(&"é".repeat(300));
        assert_eq!(text.len(), 200);
        assert_eq!(shown(""), "");
    }

    #[test]
    fn a_secret_across_the_cut_is_masked() {
        let text = shown(&format!("{} s3cret-key", "x".repeat(194)));
        assert!(!text.contains("s3"), "{text}");
    }

    #[test]
    fn urls_show_no_query_no_credentials_and_no_addresses() {
        let shown = |text: &str| Url::parse(text).map(|parsed| url(&parsed)).unwrap_or_default();
        assert_eq!(shown("https://u:p@h.example/v1/users?token=x#y"), "https://h.example/v1/users");
        assert_eq!(
            shown("https://h.example/v2/users/ann%40example.com/x"),
            "https://h.example/v2/users/***/x"
        );
    }
}
