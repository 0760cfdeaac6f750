//! When a JSON Web Token is minted, and with which times. Pure: now is an argument.
//!
//! Rules of the times: SenseNova's page "Authorization" (`exp` = now + 1800 s, `nbf` = now - 5 s, whole seconds).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// A signed token cannot be told apart from a wrong clock sooner than the `Date` header counts: whole seconds.
const SMALLEST_SKEW: SignedDuration = SignedDuration::from_secs(2);

/// A clock that is wrong by less disturbs nobody: tokens follow the server's, days are opened a little late.
const TOLD_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// How far `nbf` goes back when a token was "not valid yet" although no skew is seen.
const CAUTIOUS_LEEWAY: Duration = Duration::from_secs(300);

/// Lifetime, leeway and renewal of tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenTimes {
    /// `exp` = now + this.
    pub lifetime: Duration,
    /// `nbf` = now - this.
    pub leeway: Duration,
    /// Share of the lifetime after which a token is renewed.
    pub renew_at: f64,
}

/// The token in use. One lives behind one lock per credential, so that many cells mint once.
#[derive(Debug, Default)]
pub struct TokenState {
    current: Option<Token>,
    /// Grows with every minting; names the token an attempt was signed with.
    epoch: u64,
    /// Server's clock minus ours, as last seen.
    skew: SignedDuration,
    skew_told: bool,
    cautious: bool,
    /// The first token refused since one was last accepted.
    trial: Option<u64>,
    /// `exp` and `nbf` of the last token minted.
    times: Option<(i64, i64)>,
}

#[derive(Debug)]
struct Token {
    text: SecretString,
    minted: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    exp: i64,
    nbf: i64,
}

impl TokenState {
    /// A token that is good now, minted if need be, and its epoch.
    ///
    /// # Errors
    /// When the signing library refuses, which HS256 gives it no reason to.
    pub fn token(
        &mut self,
        times: TokenTimes,
        access_key: &SecretString,
        secret_key: &SecretString,
        now: Timestamp,
    ) -> Result<(SecretString, u64), jsonwebtoken::errors::Error> {
        if let Some(token) = &self.current {
            let age = now.duration_since(token.minted);
            let renew = SignedDuration::try_from(times.lifetime.mul_f64(times.renew_at)).unwrap_or_default();
            if age < renew && age >= SignedDuration::ZERO {
                return Ok((token.text.clone(), self.epoch));
            }
        }
        let skew = if self.skew.abs() >= SMALLEST_SKEW { self.skew.as_secs() } else { 0 };
        let seconds = now.as_second() + skew;
        let leeway = if self.cautious { times.leeway.max(CAUTIOUS_LEEWAY) } else { times.leeway };
        let exp = seconds + times.lifetime.as_secs().cast_signed();
        let nbf = seconds - leeway.as_secs().cast_signed();
        // A token is a function of its times: minted anew within the same second it would be the refused one again.
        let nbf = self.times.filter(|last| last.0 == exp).map_or(nbf, |last| nbf.min(last.1 - 1));
        let claims = Claims { iss: access_key.expose_secret(), exp, nbf };
        let key = EncodingKey::from_secret(secret_key.expose_secret().as_bytes());
        let text = SecretString::from(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)?);
        self.epoch += 1;
        self.times = Some((exp, nbf));
        self.current = Some(Token { text: text.clone(), minted: now });
        Ok((text, self.epoch))
    }

    /// The token of `epoch` was refused for the `earlier + 1`th time. Drops it unless somebody renewed it meanwhile;
    /// from the second refusal on, without a skew to explain it, `nbf` goes back further.
    pub fn refused(&mut self, epoch: u64, earlier: u32) {
        self.trial.get_or_insert(epoch);
        if epoch == self.epoch {
            self.current = None;
            self.cautious |= earlier > 0 && self.skew.abs() < SMALLEST_SKEW;
        }
    }

    /// The token of `epoch` is good, so the credential is: earlier refusals are explained.
    pub fn accepted(&mut self, epoch: u64) {
        if self.trial.is_some_and(|first| epoch >= first) {
            self.trial = None;
        }
    }

    /// How many tokens in a row were refused before that of `epoch`, whichever cells sent them.
    pub fn refused_before(&self, epoch: u64) -> u32 {
        let tokens = self.trial.map_or(0, |first| epoch.saturating_sub(first));
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }

    /// Learns the server's clock from an answer's `Date`. Gives the skew, server minus ours, the first time that it is one a
    /// person should hear of.
    pub fn observe(&mut self, server: Timestamp, now: Timestamp) -> Option<SignedDuration> {
        self.skew = server.duration_since(now);
        let is_news = self.skew.abs() >= TOLD_SKEW && !self.skew_told;
        self.skew_told |= is_news;
        is_news.then_some(self.skew)
    }
}
