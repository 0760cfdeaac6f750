//! The times of a token, when it is renewed, and what a refusal teaches.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tidemill::fetch::{Signer, TokenState, TokenTimes};

use super::given::{credential, get, provider};

const TIMES: TokenTimes =
    TokenTimes { lifetime: Duration::from_secs(1800), leeway: Duration::from_secs(5), renew_at: 0.8 };

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    exp: i64,
    nbf: i64,
}

fn decode(token: &str) -> Claims {
    let mut validation = Validation::new(Algorithm::HS256);
    (validation.validate_exp, validation.validate_nbf) = (false, false);
    let key = DecodingKey::from_secret(b"the secret key");
    let decoded = jsonwebtoken::decode::<Claims>(token, &key, &validation).unwrap();
    assert_eq!(decoded.header.alg, Algorithm::HS256);
    assert_eq!(decoded.header.typ.as_deref(), Some("JWT"));
    decoded.claims
}

/// `seconds` after a moment that is no whole second.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_900).unwrap() + SignedDuration::from_secs(seconds)
}

const START: i64 = 1_795_000_000;

fn mint(state: &mut TokenState, seconds: i64) -> (Claims, u64) {
    let (access, secret) = (SecretString::from("the access key"), SecretString::from("the secret key"));
    let (token, epoch) = state.token(TIMES, &access, &secret, at(seconds)).unwrap();
    (decode(token.expose_secret()), epoch)
}

/// `exp` and `nbf` against the start, and the epoch.
fn times(state: &mut TokenState, seconds: i64) -> (i64, i64, u64) {
    let (claims, epoch) = mint(state, seconds);
    (claims.exp - START, claims.nbf - START, epoch)
}

#[test]
fn a_token_holds_the_access_key_and_whole_seconds() {
    let (claims, epoch) = mint(&mut TokenState::default(), 0);
    assert_eq!(claims, Claims { iss: "the access key".into(), exp: START + 1800, nbf: START - 5 });
    assert_eq!(epoch, 1);
}

#[test]
fn it_is_renewed_at_eighty_percent_and_not_before() {
    let mut state = TokenState::default();
    assert_eq!(times(&mut state, 0), (1800, -5, 1));
    assert_eq!(times(&mut state, 1439), (1800, -5, 1));
    assert_eq!(times(&mut state, 1440), (3240, 1435, 2));
    assert_eq!(times(&mut state, 1440 + 1439), (3240, 1435, 2));
}

#[test]
fn a_clock_that_steps_back_mints_anew() {
    let mut state = TokenState::default();
    assert_eq!(times(&mut state, 0), (1800, -5, 1));
    // What was minted in the future may not be valid yet.
    assert_eq!(times(&mut state, -60), (1740, -65, 2));
    assert_eq!(times(&mut state, -59), (1740, -65, 2));
}

#[test]
fn a_refusal_drops_only_its_own_token() {
    let mut state = TokenState::default();
    assert_eq!(times(&mut state, 0).2, 1);
    state.refused(1, 0);
    assert_eq!(times(&mut state, 10), (1810, 5, 2));
    // Others were signed with the first one too: their refusals come late.
    state.refused(1, 0);
    state.refused(1, 1);
    assert_eq!(times(&mut state, 20), (1810, 5, 2));
}

/// A token is a function of its times, and those are whole seconds: the refused one must not come back.
#[test]
fn a_token_minted_anew_within_a_second_is_another_one() {
    let mut state = TokenState::default();
    state.observe(at(600), at(0));
    let minted: Vec<_> = (0..5)
        .map(|earlier| {
            let (exp, nbf, epoch) = times(&mut state, 0);
            state.refused(epoch, earlier);
            (exp, nbf)
        })
        .collect();
    assert_eq!(minted, [(2400, 595), (2400, 594), (2400, 593), (2400, 592), (2400, 591)]);
    assert_eq!(times(&mut state, 1), (2401, 596, 6), "the next second needs no such thing");
}

#[test]
fn the_second_refusal_without_a_skew_begins_earlier() {
    let mut state = TokenState::default();
    state.observe(at(1), at(0));
    assert_eq!(times(&mut state, 0), (1800, -5, 1));
    state.refused(1, 0);
    assert_eq!(times(&mut state, 0), (1800, -6, 2), "the first refusal says nothing about the clock yet");
    state.refused(2, 1);
    assert_eq!(times(&mut state, 0), (1800, -300, 3));
}

#[test]
fn a_skew_is_corrected_both_ways() {
    for (server, exp, nbf) in [(600, 2400, 595), (-600, 1200, -605), (2, 1802, -3), (1, 1800, -5), (-1, 1800, -5)] {
        let mut state = TokenState::default();
        assert_eq!(times(&mut state, 0), (1800, -5, 1));
        state.observe(at(server), at(0));
        assert_eq!(times(&mut state, 0), (1800, -5, 1), "a token that works is kept");
        state.refused(1, 0);
        let again = if server.abs() >= 2 { nbf } else { nbf - 1 };
        assert_eq!(times(&mut state, 0), (exp, again, 2), "{server}");
        state.refused(2, 1);
        let nbf = if server.abs() >= 2 { nbf - 1 } else { -300 };
        assert_eq!(times(&mut state, 0), (exp, nbf, 3), "{server}: where a skew explains it, no caution is needed");
    }
}

/// The whole way of 1003 through the signer: the clock is ten minutes fast.
#[test]
fn a_signer_learns_the_clock() {
    let sensenova = provider("", "sensenova");
    let keys = [("SENSENOVA_ACCESS_KEY", "the access key"), ("SENSENOVA_SECRET_KEY", "the secret key")];
    let signer = Signer::new(&sensenova, credential(&sensenova, &keys));
    let claims = |now| {
        let signed = signer.sign(&get("/llm"), now).unwrap();
        let header = signed.request.headers["authorization"].to_str().unwrap().to_owned();
        (decode(header.strip_prefix("Bearer ").unwrap()), signed.epoch)
    };
    assert_eq!(claims(at(600)).0.nbf, START + 595);
    signer.observe_date(at(0), at(600));
    signer.refused(1, 0);
    let (claims, epoch) = claims(at(600));
    assert_eq!((claims.nbf, claims.exp, epoch), (START - 5, START + 1800, 2));
}

#[test]
fn many_cells_at_once_mint_one_token() {
    let sensenova = provider("", "sensenova");
    let keys = [("SENSENOVA_ACCESS_KEY", "the access key"), ("SENSENOVA_SECRET_KEY", "the secret key")];
    let signer = Signer::new(&sensenova, credential(&sensenova, &keys));
    let all_at_once = |expected: u64| {
        let epochs: Vec<u64> = std::thread::scope(|scope| {
            let cells: Vec<_> =
                (0..16).map(|_| scope.spawn(|| signer.sign(&get("/llm"), at(0)).unwrap().epoch)).collect();
            cells.into_iter().map(|cell| cell.join().unwrap()).collect()
        });
        assert_eq!(epochs, [expected; 16]);
    };
    all_at_once(1);
    // All of them are refused; one new token serves them all.
    (0..16).for_each(|_| signer.refused(1, 0));
    all_at_once(2);
}
