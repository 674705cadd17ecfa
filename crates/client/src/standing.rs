//! What a source thinks of a credential: whether it has taken it for anything, and where it has refused it.
//!
//! A refusal (401) concerns what was asked for: others may be taken. A credential that is refused everywhere must not be
//! sent again and again all the same, as that may lock an account. So: as long as nothing was taken, requests behind a
//! refusal go out one after the other, and none goes out any more when [`MOST_REFUSED`] addresses have refused it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::ExposeSecret;
use userhaul_connector::auth::AuthSpec;

use crate::{client::hash, sign};

/// So many different addresses may refuse a credential that none has taken. One may be of another permission, two may be
/// by chance; accounts are seldom locked by fewer than five wrong keys.
pub(crate) const MOST_REFUSED: usize = 3;

/// All credentials of a client.
#[derive(Default)]
pub(crate) struct Standings(Mutex<HashMap<String, Arc<Standing>>>);

/// One credential in one form.
#[derive(Default)]
pub(crate) struct Standing {
    heard: Mutex<Heard>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Heard {
    taken: bool,
    /// Addresses, as they are told.
    refused: Vec<String>,
}

impl Standings {
    /// Of the credential of a request; none where it has none.
    pub(crate) fn of(&self, auth: &AuthSpec) -> Option<Arc<Standing>> {
        let form = match auth {
            AuthSpec::Anonymous => return None,
            AuthSpec::Header { scheme, .. } => scheme.as_deref().unwrap_or_default(),
            AuthSpec::Basic { .. } | AuthSpec::KeyAsUser { .. } => "Basic",
            AuthSpec::Query { parameter, .. } => parameter,
            AuthSpec::ClientCredentials { token_url, .. } => token_url,
        };
        let name = hash(&[form, sign::identity(auth).expose_secret()]);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(all.entry(name).or_default()))
    }
}

impl Standing {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It was taken.
    pub(crate) fn take(&self) {
        self.heard().taken = true;
    }

    /// It was refused at this address.
    pub(crate) fn refuse(&self, address: String) {
        let mut heard = self.heard();
        if heard.refused.len() < MOST_REFUSED && !heard.refused.contains(&address) {
            heard.refused.push(address);
        }
    }

    /// Whether it was ever taken.
    pub(crate) fn is_taken(&self) -> bool {
        self.heard().taken
    }

    /// Where it was refused, if it is not to be sent any more.
    pub(crate) fn given_up(&self) -> Option<Vec<String>> {
        let heard = self.heard();
        (!heard.taken && heard.refused.len() >= MOST_REFUSED).then(|| heard.refused.clone())
    }

    /// Waits for those that are under way where it was refused and never taken; held until this one is answered.
    pub(crate) async fn turn(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let is_doubtful = || {
            let heard = self.heard();
            !heard.taken && !heard.refused.is_empty()
        };
        if !is_doubtful() {
            return None;
        }
        let turn = self.turn.lock().await;
        // The one before may have been taken.
        is_doubtful().then_some(turn)
    }
}
