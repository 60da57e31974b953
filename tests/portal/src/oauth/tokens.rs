//! Tokens and codes: what the authorisation server has issued.

use std::collections::HashMap;

use crate::chance::Chance;

/// Seconds that a code lives.
const CODE_LIFETIME: f64 = 30.0;
/// Seconds that a refresh token lives: 180 days.
const REFRESH_LIFETIME: f64 = 180.0 * 86_400.0;

/// A pair as it was issued.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) user: u64,
    pub(crate) expires_at: f64,
}

struct Grant {
    user: u64,
    expires_at: f64,
    /// The access token that came with a refresh token; empty for others.
    access: String,
}

/// State of an access token.
pub(crate) enum Standing {
    Valid(u64),
    Expired,
    Unknown,
}

/// Everything issued so far.
#[derive(Default)]
pub(crate) struct Tokens {
    access: HashMap<String, Grant>,
    refresh: HashMap<String, Grant>,
    codes: HashMap<String, Grant>,
    /// Every secret ever issued, for leak searches.
    pub(crate) issued: Vec<String>,
}

impl Tokens {
    /// A fresh pair for a user.
    pub(crate) fn issue(
        &mut self,
        chance: &mut Chance,
        user: u64,
        now: f64,
        lifetime: f64,
    ) -> Pair {
        let pair = Pair {
            access: chance.secret(35),
            refresh: chance.secret(35),
            user,
            expires_at: now + lifetime,
        };
        self.access.insert(
            pair.access.clone(),
            Grant {
                user,
                expires_at: pair.expires_at,
                access: String::new(),
            },
        );
        self.refresh.insert(
            pair.refresh.clone(),
            Grant {
                user,
                expires_at: now + REFRESH_LIFETIME,
                access: pair.access.clone(),
            },
        );
        self.issued
            .extend([pair.access.clone(), pair.refresh.clone()]);
        pair
    }

    /// A one-time code for a user.
    pub(crate) fn issue_code(&mut self, chance: &mut Chance, user: u64, now: f64) -> String {
        let code = chance.secret(35);
        self.codes.insert(
            code.clone(),
            Grant {
                user,
                expires_at: now + CODE_LIFETIME,
                access: String::new(),
            },
        );
        self.issued.push(code.clone());
        code
    }

    /// The user of a code, which is used up by that.
    pub(crate) fn redeem_code(&mut self, code: &str, now: f64) -> Option<u64> {
        let grant = self.codes.remove(code)?;
        (now < grant.expires_at).then_some(grant.user)
    }

    /// The user of a refresh token and the access token that came with it. `dies` makes this its
    /// last use.
    pub(crate) fn redeem_refresh(
        &mut self,
        token: &str,
        now: f64,
        dies: bool,
    ) -> Option<(u64, String)> {
        let grant = self.refresh.get(token)?;
        if grant.expires_at <= now {
            return None;
        }
        let found = (grant.user, grant.access.clone());
        if dies {
            self.refresh.remove(token);
        }
        Some(found)
    }

    /// What an access token is worth.
    pub(crate) fn standing(&self, token: &str, now: f64) -> Standing {
        match self.access.get(token) {
            Some(grant) if now < grant.expires_at => Standing::Valid(grant.user),
            Some(_) => Standing::Expired,
            None => Standing::Unknown,
        }
    }

    /// Ends the life of all access tokens.
    pub(crate) fn expire_access(&mut self, now: f64) {
        for grant in self.access.values_mut() {
            grant.expires_at = grant.expires_at.min(now);
        }
    }

    /// Forgets all tokens and codes.
    pub(crate) fn forget(&mut self) {
        self.access.clear();
        self.refresh.clear();
        self.codes.clear();
    }

    /// Forgets all refresh tokens.
    pub(crate) fn revoke_refresh(&mut self) {
        self.refresh.clear();
    }
}
