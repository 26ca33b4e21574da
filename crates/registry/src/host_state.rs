//! What a client has learned about a registry: its scheme, its challenge, its tokens, and how long it
//! wants to be left alone. It is forgotten with the client.

use super::{challenge::Challenge, token::AccessToken};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The most tokens that are kept for a registry.
const MAX_TOKENS: usize = 1000;

/// The state of one registry.
#[derive(Default)]
pub(crate) struct HostState {
    learned: Mutex<Learned>,
    /// Held while a token is fetched, so that many requests at once fetch one.
    pub(crate) token_turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Learned {
    https: Option<bool>,
    challenge: Option<Challenge>,
    tokens: HashMap<TokenKey, AccessToken>,
    paused_until: Option<Instant>,
}

/// What a token is for: the scope, and the number of the credential among those of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TokenKey {
    pub(crate) scope: String,
    pub(crate) candidate: usize,
}

impl HostState {
    pub(crate) fn https(&self) -> Option<bool> {
        self.learned().https
    }

    pub(crate) fn set_https(&self, https: bool) {
        self.learned().https = Some(https);
    }

    pub(crate) fn challenge(&self) -> Option<Challenge> {
        self.learned().challenge.clone()
    }

    /// Keeps a challenge; tokens of another one are of no use.
    pub(crate) fn set_challenge(&self, challenge: Challenge) {
        let mut learned = self.learned();
        if learned.challenge.as_ref() != Some(&challenge) {
            learned.challenge = Some(challenge);
            learned.tokens.clear();
        }
    }

    /// A token that has not expired.
    pub(crate) fn token(&self, key: &TokenKey) -> Option<AccessToken> {
        let now = Instant::now();
        let learned = self.learned();
        learned
            .tokens
            .get(key)
            .filter(|token| token.is_good(now))
            .cloned()
    }

    pub(crate) fn keep_token(&self, key: TokenKey, token: AccessToken) {
        let mut learned = self.learned();
        if learned.tokens.len() >= MAX_TOKENS {
            learned.tokens.clear();
        }
        learned.tokens.insert(key, token);
    }

    pub(crate) fn drop_token(&self, key: &TokenKey) {
        self.learned().tokens.remove(key);
    }

    /// Lets all requests to the registry wait: it limits their rate.
    pub(crate) fn pause(&self, wait: Duration) {
        self.learned().paused_until = Instant::now().checked_add(wait);
    }

    /// How long a request has to wait.
    pub(crate) fn pause_left(&self) -> Duration {
        let until = self.learned().paused_until;
        until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
