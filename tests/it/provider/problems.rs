//! Everything that can be wrong with settings, as a person sees it.

use super::given::{Given, toml};

/// What is wrong with each is pinned by the snapshot below.
const BAD: &[&str] = &[
    "[provider.foxdata]\nbase_uri = \"https://x\"",
    "[provider.foxdata]\ntimeout = 5",
    "[provider.foxdata.limits]\nqps = 0",
    "[provider.foxdata.limits]\nqps = 1000000000",
    "[provider.foxdata.limits]\nqps = -1\nper_minit = 3",
    "[provider.foxdata.limits]\nper_day = { max = 5, resets = \"25:00\", zone = \"Asia/Shangai\" }",
    "[provider.foxdata.limits]\nper_day = { max = 5, window = \"rolling\", zone = \"UTC\" }",
    "[provider.foxdata.limits]\nwindows = [{ max = 5, per = \"ten\" }]",
    "[provider.foxdata]\nbase_url = \"http://api.foxdata.com\"",
    "[provider.foxdata]\nbase_url = \"https://me:canary@api.foxdata.com\"",
    "[provider.foxdata]\nbase_url = \"https://api.foxdata.com?key=canary\"",
    "[provider.foxdata]\nbase_url = \"ftp://api.foxdata.com\"",
    "[provider.foxdata.auth]\nvalue = \"canary\"",
    "[provider.foxdata.auth]\ntoken = \"canary\"",
    "[provider.foxdata.auth]\nkind = \"jwt\"",
    "[provider.foxdata.auth]\nkind = \"query\"\nprefix = \"x\"",
    "[provider.foxdata.auth]\nvalue = { command = \"pass fox\" }",
    "[provider.foxdata.auth]\nvalue = { env = \"A\", file = \"b\" }",
    "[provider.foxdata.auth]\nkind = \"path\"\nname = \"k\"",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"retrie\"",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"stop\"\ncap = \"5s\"",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"throttle\"",
    "[[provider.foxdata.rules]]\nverdict = \"stop\"",
    "[[provider.foxdata.rules]]\nhttp = [200, \"500..600\"]\ncode = \"9..1\"\nmessage = \"(\"\nverdict = \"stop\"",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"retry\"\ndelay = \"2m\"\ncap = \"0s\"",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"stop\"\nmeans = \" \"",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"stop\"\nmeans = {}",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"stop\"\nmeans = { en = \"x\", zh = \"\" }",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"stop\"\nmeans = { cn = \"x\" }",
    "[provider.foxdata.envelope]\nok = []",
    "[provider.foxdatta]\ntimeout = \"5s\"",
    "[provider.FoxData]\ntimeout = \"5s\"",
    "state = \"postgres://db/x\"\noutput = \"s3://bucket/x\"",
    "output = ",
    "[[provider.foxdata.rules]]\ncode = 1\nverdict = \"retry\"\ndelay = \"2m\"",
    "[provider.foxdata]\nzone = 8\nmax_body = \"64 lines\"\nmax_wait = \"5\"\nheaders = { \"a b\" = \"c\" }",
    "[provider.foxdata.headers]\nAuthorization = \"Bearer canary\"",
    "provider.foxdata = { keys = { key = \"canary\" }, list = [\"canary\"], timeout = 5, api_key = \"canary\" }",
    "[provider.foxdata]\napi_key = \"canary\"\nauth = { secret = \"canary\" }",
];

#[test]
fn every_bad_setting_is_shown_with_its_place() {
    let mut shown = String::new();
    for text in BAD {
        let found = toml(text, "foxdata").expect_err(text);
        assert!(!found.contains("canary"), "a secret is shown:\n{found}");
        shown.push_str(&format!("{found}\n\n--------\n\n"));
    }
    insta::assert_snapshot!("bad_settings", shown);
}

#[test]
fn every_bad_file_variable_and_flag_is_named() {
    let plain = [("tidemill.toml", "")];
    let given = |variables, flags| Given { files: &plain, variables, flags };
    let cases = [
        given(&[("TIDEMILL_PROVIDER__FOXDATA__BASE_URI", "https://canary")], &[]),
        given(&[("TIDEMILL_OUPUT", "x")], &[]),
        given(&[("TIDEMILL_PROVIDER__FOXDATA__LIMITS__QPS", "many")], &[]),
        given(&[("TIDEMILL_PROVIDER__FOXDATA__AUTH__VALUE", "canary")], &[]),
        given(&[("TIDEMILL_PROVIDER__FOXDATTA__TIMEOUT", "5s")], &[]),
        given(&[("TIDEMILL_PROVIDER__FOXDATTA__BASE_URL", "https://a.b")], &[]),
        given(&[("TIDEMILL_PROVIDER__FOXDATA__BASE_URL", "http://foxdata.com")], &[]),
        given(&[("TIDEMILL_PROVIDER__FOXDATA__ZONE", "Moon")], &[("provider.foxdata.limits.per_day", "none")]),
        given(&[("TIDEMILL_PROVIDER__FOXDATA__LIMITS", "1"), ("TIDEMILL_PROVIDER__FOXDATA__LIMITS__QPS", "1")], &[]),
        given(&[], &[("provider.foxdata.limits.qsp", "5"), ("state", "s3://x")]),
        Given { files: &[("providers/mine.toml", "timeout = \"5s\"")], variables: &[], flags: &[] },
        Given { files: &[("providers/Mine.toml", "")], variables: &[], flags: &[] },
        Given {
            files: &[("providers/mine.toml", "base_url = \"https://a.b\"\npagging = 1")],
            variables: &[],
            flags: &[],
        },
        Given { files: &[("providers/foxdata.toml", "[auth]\nkind = \"jwt\"")], variables: &[], flags: &[] },
        Given { files: &[("tidemill.toml", ""), (".env", "A=1\nB canary\n")], variables: &[], flags: &[] },
    ];
    let mut shown = String::new();
    for case in &cases {
        let name = if case.files[0].0 == "providers/mine.toml" { "mine" } else { "foxdata" };
        let found = case.provider(name).expect_err("it is bad");
        assert!(!found.contains("canary"), "a secret is shown:\n{found}");
        shown.push_str(&format!("{found}\n\n--------\n\n"));
    }
    shown.push_str(&toml("", "foxdatta").unwrap_err());
    insta::assert_snapshot!("bad_places", shown);
}
