//! Secrets are found in order, and never shown.

use std::borrow::Cow;
use std::sync::LazyLock;

use proptest::prelude::*;
use secrecy::ExposeSecret;
use tidemill::provider::{Credential, Environment, Provider, SecretRef};

use super::given::{env, toml};

/// Variables, and the secret or the error they give.
type Lookup<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, String>);

#[test]
fn a_secret_is_looked_for_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (good, blank, broken) = (file("good", "\n canary \n"), file("blank", " \n"), file("broken", "can\nary"));
    let gone = folder.path().join("gone").to_str().unwrap().to_owned();
    let table: [Lookup<'_>; 8] = [
        (&[("K", " canary\n")], Ok("canary")),
        (&[("K", "canary"), ("K_FILE", &gone)], Ok("canary")),
        (&[("K_FILE", &good)], Ok("canary")),
        (&[("K", " "), ("K_FILE", &good)], Ok("canary")),
        (&[], Err("no secret found; looked at variable `K` (not set), then variable `K_FILE` (not set)".into())),
        (
            &[("K", ""), ("K_FILE", &blank)],
            Err(format!("no secret found; looked at variable `K` (empty), then file `{blank}` of `K_FILE` (empty)")),
        ),
        (
            &[("K_FILE", &gone)],
            Err(format!(
                "no secret found; looked at variable `K` (not set), then file `{gone}` of `K_FILE` (entity not found)"
            )),
        ),
        (
            &[("K_FILE", &broken)],
            Err(format!(
                "the secret in file `{broken}` of `K_FILE` has a line break or another control character inside"
            )),
        ),
    ];
    for (variables, expected) in table {
        let environment: Environment = variables.iter().copied().collect();
        let found = env("K").resolve(&environment);
        let found = found.as_ref().map(ExposeSecret::expose_secret).map_err(ToString::to_string);
        assert_eq!(found, expected, "{variables:?}");
    }
    let reference = SecretRef::File(gone.clone().into());
    let error = reference.resolve(&Environment::default()).unwrap_err();
    assert_eq!(error.to_string(), format!("no secret found; looked at file `{gone}` (entity not found)"));
}

static FOXDATA: LazyLock<Provider> = LazyLock::new(|| toml("", "foxdata").unwrap());
static SENSENOVA: LazyLock<Provider> = LazyLock::new(|| toml("", "sensenova").unwrap());

fn credential(provider: &Provider, variables: &[(&str, &str)]) -> Credential {
    let environment: Environment = variables.iter().copied().collect();
    Credential::resolve(provider, &environment).unwrap()
}

#[test]
fn every_missing_secret_is_told_at_once() {
    let provider = toml("", "sensenova").unwrap();
    let error = Credential::resolve(&provider, &Environment::default()).unwrap_err();
    let expected = "the credential of `sensenova` is not complete: no secret found; looked at variable \
        `SENSENOVA_ACCESS_KEY` (not set), then variable `SENSENOVA_ACCESS_KEY_FILE` (not set); no secret found; looked \
        at variable `SENSENOVA_SECRET_KEY` (not set), then variable `SENSENOVA_SECRET_KEY_FILE` (not set)";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_fingerprint_tells_credentials_apart_and_nothing_else() {
    let sensenova = |access, secret| {
        credential(&SENSENOVA, &[("SENSENOVA_ACCESS_KEY", access), ("SENSENOVA_SECRET_KEY", secret)]).fingerprint()
    };
    let one = sensenova("ab", "c");
    assert_eq!(one.len(), 32);
    assert!(one.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(one, sensenova("ab", "c"));
    assert_ne!(one, sensenova("a", "bc"));
    assert_ne!(one, sensenova("c", "ab"));
    let foxdata = credential(&FOXDATA, &[("FOXDATA_API_KEY", "same")]).fingerprint();
    let agushuju = credential(&toml("", "agushuju").unwrap(), &[("AGUSHUJU_API_KEY", "same")]).fingerprint();
    assert_ne!(foxdata, agushuju, "the host counts");
}

#[test]
fn a_secret_is_hidden_in_every_spelling() {
    let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", r#"ca/n "y+\z"#)]);
    for spelling in [
        r#"ca/n "y+\z"#,
        "ca%2Fn%20%22y%2B%5Cz",
        "ca%2fn+%22y%2b%5cz",
        r#"ca\/n \"y+\\z"#,
        r#"ca\u002fn \u0022y\u002B\u005cz"#,
    ] {
        assert_eq!(credential.redact(format!("<{spelling}> ca/n")), "<***> ca/n", "{spelling}");
        let body = format!("[\"{spelling}\"]");
        assert_eq!(credential.mask(body.as_bytes()), b"[\"***\"]".as_slice(), "{spelling}");
    }
    assert!(!format!("{credential:?}").contains("ca/n"));
    assert!(matches!(credential.mask(b"nothing of it"), Cow::Borrowed(b"nothing of it")));
}

#[test]
fn a_secret_beyond_ascii_is_hidden_as_json_spells_it() {
    let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", "p\u{e4}ss/w\u{4e2d}-\u{1f600}")]);
    for spelling in [
        "p\u{e4}ss/w\u{4e2d}-\u{1f600}",
        "p%C3%A4ss%2Fw%e4%b8%ad-%F0%9F%98%80",
        r"p\u00e4ss/w\u4e2d-\ud83d\ude00",
        r"p\u00E4ss\/w\u4E2D-\uD83D\uDE00",
        r"p\u00e4ss\u002fw\u4e2d-\ud83d\ude00",
    ] {
        assert_eq!(credential.redact(format!("[\"{spelling}\"]")), "[\"***\"]", "{spelling}");
    }
}

#[test]
fn half_an_escape_at_the_end_of_a_text() {
    let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", "au-canary")]);
    for end in ["%", "%7", "\\", "\\u", "\\u0", "\\u00", "\\u007", "a\\u00", "a\\u0075-canar\\u00", "%61u"] {
        assert_eq!(credential.redact(format!("text {end}")), format!("text {end}"));
    }
    assert_eq!(credential.redact("a\\u-canary\\u00".to_owned()), "***\\u00");
}

#[test]
fn of_two_secrets_the_longer_is_hidden_whole() {
    let variables = [("SENSENOVA_ACCESS_KEY", "canary-1"), ("SENSENOVA_SECRET_KEY", "canary-123")];
    assert_eq!(credential(&SENSENOVA, &variables).redact("canary-123 canary-1".to_owned()), "*** ***");
}

#[test]
fn a_short_secret_does_not_change_bodies() {
    let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", "1234567")]);
    assert_eq!(credential.redact("rank 1234567".to_owned()), "rank ***");
    assert!(matches!(credential.mask(b"rank 1234567"), Cow::Borrowed(_)));
}

/// A byte raw, percent-encoded, or escaped as JSON allows it.
fn spelled(byte: u8, spelling: u8) -> String {
    let raw = char::from(byte);
    match spelling {
        0 if byte == b' ' => "+".to_owned(),
        0 | 1 => format!("%{byte:02x}"),
        2 => format!("%{byte:02X}"),
        3 => format!("\\u00{byte:02x}"),
        4 if matches!(byte, b'/' | b'"' | b'\\') => format!("\\{raw}"),
        _ => raw.to_string(),
    }
}

/// All spellings of a byte.
fn any_spelling(byte: u8) -> String {
    let raw = regex::escape(&char::from(byte).to_string());
    let plus = if byte == b' ' { "|\\+" } else { "" };
    format!("(?-u:{raw}|(?i:%{byte:02x}|\\\\u00{byte:02x})|\\\\{raw}{plus})")
}

/// Texts full of what begins an escape.
fn around() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof!["[\\\\%]{1,4}", "%2", "\\\\u00", "%2[0-9a-fA-F]", "[ac/+ =%u\"f<]{1,3}", "\u{e9}"],
        0..8,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Whatever stands around it, however it is encoded: the secret is gone and the rest is as it was.
    #[test]
    fn redact_takes_the_secret_and_nothing_else(
        secret in "[a-zA-Z0-9/+ =\u{e9}\u{4e2d}]{0,12}[a-zA-Z0-9\u{4e2d}]{9}",
        before in "[^a-zA-Z0-9/+ =%\\\\\u{e9}\u{4e2d}]{0,20}",
        after in "[^a-zA-Z0-9/+ =%\\\\\u{e9}\u{4e2d}]{0,20}",
        encoding in 0..3,
    ) {
        let secret = secret.trim();
        let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", secret)]);
        let spelling = match encoding {
            0 => secret.to_owned(),
            1 => percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
            _ => url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        };
        let text = format!("{before}{spelling}{after}");
        let expected = format!("{before}***{after}");
        prop_assert_eq!(&credential.redact(text.clone()), &expected);
        let masked = credential.mask(text.as_bytes());
        prop_assert_eq!(masked.as_ref(), expected.as_bytes());
    }

    /// However each byte of it is spelled, and whatever escapes and halves of the secret stand around it.
    #[test]
    fn no_mix_of_spellings_stays(
        secret in "[ac/+ =%u\\\\\"]{7,12}[a-f]",
        spellings in prop::collection::vec(0..7_u8, 13),
        before in around(),
        after in around(),
        half in 0..14_usize,
    ) {
        let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", secret.trim())]);
        prop_assume!(secret.trim().len() >= 8);
        let secret = secret.trim().as_bytes();
        let spelled: String = secret.iter().zip(&spellings).map(|(byte, spelling)| spelled(*byte, *spelling)).collect();
        let half = String::from_utf8_lossy(&secret[..half.min(secret.len() - 1)]).into_owned();
        let any = secret.iter().map(|byte| any_spelling(*byte)).collect::<String>();
        let any = regex::bytes::Regex::new(&any).unwrap();
        for text in [
            spelled.clone(),
            format!("{before}{spelled}{after}"),
            format!("{before}{half}{spelled}{half}{after}"),
            format!("{before}{spelled}{spelled}{after}{spelled}"),
        ] {
            prop_assert!(any.is_match(text.as_bytes()), "{} {}", any, text);
            let masked = credential.mask(text.as_bytes());
            let shown = String::from_utf8_lossy(&masked);
            prop_assert!(!any.is_match(&masked) && shown.contains("***"), "{:?} {:?} -> {}", secret, text, shown);
            prop_assert_eq!(credential.redact(text.clone()), shown);
        }
        // What holds none of it stays, whatever it looks like.
        let without = format!("{before}{half}{after}");
        if !any.is_match(without.as_bytes()) {
            prop_assert!(matches!(credential.mask(without.as_bytes()), Cow::Borrowed(_)));
        }
    }

    /// A text without the secret passes unchanged.
    #[test]
    fn redact_leaves_other_texts_alone(text in "\\PC{0,60}") {
        let credential = credential(&FOXDATA, &[("FOXDATA_API_KEY", "Zq7-canary-Zq7")]);
        prop_assert_eq!(credential.redact(text.clone()), text);
    }
}
