//! Presets, and the settings over them.

use std::path::Path;
use std::time::Duration;

use jiff::civil::time;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use tidemill::job::Paging;
use tidemill::provider::{
    AfterRetries, Auth, CodeMatch, Credential, Scope, SecretRef, ThrottleWindow, Unit, Verdict, Window, Workspace,
    preset,
};

use super::given::{Given, env, toml};

const DAY: Duration = Duration::from_secs(86_400);

fn rolling(max: u32, seconds: u64) -> Window {
    Window::rolling(max, Duration::from_secs(seconds))
}

fn daily(max: u32, zone: &str) -> Window {
    Window::day(max, time(0, 0, 0, 0), TimeZone::get(zone).unwrap())
}

#[test]
fn every_preset_is_a_provider() {
    for name in preset::names() {
        let provider = toml("", name).unwrap_or_else(|problems| panic!("{name}:\n{problems}"));
        assert_eq!(provider.name, name);
        assert!(provider.limits.guessed.len() >= 3, "{name} publishes no limits: {:?}", provider.limits.guessed);
        assert_eq!(provider.zone, TimeZone::get("Asia/Shanghai").unwrap());
        assert!(provider.rules.len() > 10);
        assert!(provider.auth.secrets().next().is_some());
        assert!(!provider.base_url.path().ends_with('/'));
    }
}

#[test]
fn presets_read_as_their_files_say() {
    let foxdata = toml("", "foxdata").unwrap();
    assert_eq!(foxdata.base_url.as_str(), "https://api.foxdata.com/apiv1/open-api");
    assert_eq!(
        foxdata.auth,
        Auth::Header { name: "x-openapi-key".into(), prefix: String::new(), value: env("FOXDATA_API_KEY") }
    );
    assert_eq!(foxdata.limits.windows, [rolling(1, 1), rolling(30, 60), daily(1000, "Asia/Shanghai")]);
    assert_eq!(foxdata.limits.concurrency, 2);
    assert_eq!(foxdata.envelope.records.to_string(), "/data/result");
    let Paging::Cursor { fields, next: Some(next), .. } = foxdata.paging else { panic!("{:?}", foxdata.paging) };
    assert_eq!(fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["taskId", "pageKey"]);
    assert_eq!(next.query.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["taskId", "pageKey"]);

    let agushuju = toml("", "agushuju").unwrap();
    let bearer =
        Auth::Header { name: "Authorization".into(), prefix: "Bearer ".into(), value: env("AGUSHUJU_API_KEY") };
    assert_eq!(agushuju.auth, bearer);

    let sensenova = toml("", "sensenova").unwrap();
    let Auth::Jwt { lifetime, leeway, renew_at, .. } = sensenova.auth else { panic!("{:?}", sensenova.auth) };
    assert_eq!((lifetime.as_secs(), leeway.as_secs(), renew_at), (1800, 5, 0.8));
    assert_eq!(sensenova.envelope.code.len(), 3);
    assert!(sensenova.envelope.ok_when_absent);
}

#[test]
fn the_stronger_layer_wins_key_by_key() {
    let files = |tidemill| {
        [("providers/foxdata.toml", "max_wait = \"2m\"\ntimeout = \"20s\"\nmax_body = 1"), ("tidemill.toml", tidemill)]
    };
    let tidemill = "[provider.foxdata]\ntimeout = \"30s\"\nmax_body = 2";
    let variables = [("TIDEMILL_PROVIDER__FOXDATA__MAX_BODY", "3"), ("TIDEMILL_PROVIDER__FOXDATA__ZONE", "UTC")];
    let flags = [("provider.foxdata.zone", "Asia/Tokyo")];
    let provider = Given { files: &files(tidemill), variables: &variables, flags: &flags }.provider("foxdata").unwrap();
    assert_eq!(provider.max_wait, Duration::from_secs(120), "providers/ over preset");
    assert_eq!(provider.timeout, Duration::from_secs(30), "tidemill.toml over providers/");
    assert_eq!(provider.max_body, 3, "environment over tidemill.toml");
    assert_eq!(provider.zone, TimeZone::get("Asia/Tokyo").unwrap(), "flags over environment");
    assert_eq!(provider.base_url.host_str(), Some("api.foxdata.com"), "the preset for the rest");
}

#[test]
fn pages_in_parallel_are_laid_over_a_preset_that_declares_a_total() {
    let wide = |name: &str| toml(&format!("[provider.{name}.paging]\nparallel_pages = 4\n"), name);
    let Paging::Offset { page_size: 1000, parallel_pages: 4, .. } = wide("agushuju").unwrap().paging else {
        panic!("{:?}", wide("agushuju").unwrap().paging)
    };
    let problem = wide("foxdata").unwrap_err();
    assert!(problem.contains("tidemill.toml:2:1"), "{problem}");
    assert!(problem.contains("it is for `page` and `offset` paging with a `total`"), "{problem}");
}

#[test]
fn limits_merge_as_a_person_means_them() {
    let shanghai = |max| vec![rolling(1, 1), rolling(30, 60), daily(max, "Asia/Shanghai")];
    let last = |window| vec![rolling(1, 1), rolling(30, 60), window];
    let (all, no_day) = ("qps per_minute per_day concurrency", "qps per_minute concurrency");
    let table: [(&str, Vec<Window>, &str); 12] = [
        ("", shanghai(1000), all),
        ("per_day = 20000", shanghai(20000), no_day),
        ("per_day = { max = 7, zone = \"UTC\" }", last(daily(7, "UTC")), no_day),
        ("per_day = { zone = \"UTC\" }", last(daily(1000, "UTC")), all),
        ("per_day = { max = 9, window = \"rolling\" }", last(rolling(9, DAY.as_secs())), no_day),
        ("guess = true\nper_day = 20000", shanghai(20000), all),
        ("guess = true", shanghai(1000), all),
        ("guess = false", shanghai(1000), ""),
        ("guess = false\nper_day = 20000", shanghai(20000), ""),
        ("windows = [{ max = 60, per = \"10s\" }]", [shanghai(1000), vec![rolling(60, 10)]].concat(), all),
        ("qps = 1\nper_minute = 30\nconcurrency = 2", shanghai(1000), "per_day"),
        ("per_hour = 100", vec![rolling(1, 1), rolling(30, 60), rolling(100, 3600), daily(1000, "Asia/Shanghai")], all),
    ];
    for (limits, windows, guessed) in table {
        let provider = toml(&format!("[provider.foxdata.limits]\n{limits}"), "foxdata").unwrap();
        assert_eq!(provider.limits.windows, windows, "{limits}");
        assert_eq!(provider.limits.guessed.join(" "), guessed, "{limits}");
    }
}

#[test]
fn a_later_layer_ends_the_guess_of_an_earlier_user_layer() {
    let files = [("providers/mine.toml", "base_url = \"https://a.b\"\n[limits]\nguess = true\nqps = 1")];
    let given = |variables| Given { files: &files, variables, flags: &[] }.provider("mine").unwrap().limits;
    assert_eq!(given(&[]).guessed, ["qps"]);
    let limits = given(&[("TIDEMILL_PROVIDER__MINE__LIMITS__QPS", "5")]);
    assert!(limits.guessed.is_empty());
    assert_eq!(limits.windows, [rolling(5, 1)]);
    assert_eq!(limits.concurrency, 1);
}

#[test]
fn another_kind_of_auth_keeps_the_secret() {
    let table = [
        (
            "auth = { kind = \"query\", name = \"token\" }",
            Auth::Query { name: "token".into(), value: env("AGUSHUJU_API_KEY") },
        ),
        (
            "auth = { kind = \"form\", name = \"token\" }",
            Auth::Form { name: "token".into(), value: env("AGUSHUJU_API_KEY") },
        ),
        (
            "auth = { kind = \"header\", name = \"X-API-KEY\", value = { env = \"MINE\" } }",
            Auth::Header { name: "X-API-KEY".into(), prefix: String::new(), value: env("MINE") },
        ),
        ("auth = { kind = \"none\" }", Auth::None),
        (
            "auth = { kind = \"basic\", user = { env = \"U\" }, password = { env = \"P\" } }",
            Auth::Basic { user: env("U"), password: env("P") },
        ),
    ];
    for (auth, expected) in table {
        assert_eq!(toml(&format!("[provider.agushuju]\n{auth}"), "agushuju").unwrap().auth, expected, "{auth}");
    }
}

#[test]
fn a_reference_replaces_the_weaker_one_whole() {
    let given = Given {
        files: &[
            ("tidemill.toml", "[provider.foxdata]\nauth = { value = { file = \"keys/fox\" } }"),
            ("keys/fox", " canary \n"),
        ],
        variables: &[],
        flags: &[],
    };
    let (folder, workspace) = given.load();
    let workspace = workspace.unwrap();
    let provider = workspace.provider("foxdata").unwrap();
    let file = folder.path().join("keys/fox");
    let expected = Auth::Header { name: "x-openapi-key".into(), prefix: String::new(), value: SecretRef::File(file) };
    assert_eq!(provider.auth, expected);
    let credential = Credential::resolve(&provider, &workspace.environment).unwrap();
    assert_eq!(credential.first().unwrap().expose_secret(), "canary");
}

#[test]
fn rules_first_are_asked_before_the_preset() {
    let text = "[[provider.foxdata.rules_first]]\ncode = 60005\nverdict = \"reject\"";
    let (plain, mine) = (toml("", "foxdata").unwrap(), toml(text, "foxdata").unwrap());
    assert_eq!(mine.rules.len(), plain.rules.len() + 1);
    assert_eq!(mine.rules[0].verdict, Verdict::Reject);
    assert_eq!(mine.rules[1].verdict, plain.rules[0].verdict);
    let replaced = toml(&text.replace("rules_first", "rules"), "foxdata").unwrap();
    assert_eq!(replaced.rules.len(), 1);
}

#[test]
fn rules_read_as_written() {
    let second = Duration::from_secs;
    let retry =
        |max_attempts, delay, cap, then| Verdict::Retry { max_attempts, delay: second(delay), cap: second(cap), then };
    let pending =
        |every, cap, deadline| Verdict::Pending { every: second(every), cap: second(cap), deadline: second(deadline) };
    let verdicts = [
        ("verdict = \"accept\"", Verdict::Accept),
        ("verdict = \"empty\"", Verdict::Empty { unconfirmed: false }),
        ("verdict = \"empty\"\nunconfirmed = true", Verdict::Empty { unconfirmed: true }),
        ("verdict = \"pending\"", pending(5, 60, 900)),
        ("verdict = \"pending\"\nevery = \"1s\"\ncap = \"2s\"\ndeadline = \"3s\"", pending(1, 2, 3)),
        ("verdict = \"retry\"", retry(5, 1, 60, AfterRetries::Pending)),
        (
            "verdict = \"retry\"\nmax_attempts = 2\ndelay = \"3s\"\ncap = \"4s\"\nthen = \"stop\"",
            retry(2, 3, 4, AfterRetries::Stop),
        ),
        ("verdict = \"throttle\"\nwindow = \"second\"", Verdict::Throttle(ThrottleWindow::Second)),
        ("verdict = \"throttle\"\nwindow = \"minute\"", Verdict::Throttle(ThrottleWindow::Minute)),
        ("verdict = \"throttle\"\nwindow = \"day\"", Verdict::Throttle(ThrottleWindow::Day)),
        ("verdict = \"throttle\"\nwindow = \"concurrency\"", Verdict::Throttle(ThrottleWindow::Concurrency)),
        ("verdict = \"reauthorize\"", Verdict::Reauthorize { max_attempts: 1 }),
        ("verdict = \"reauthorize\"\nmax_attempts = 2", Verdict::Reauthorize { max_attempts: 2 }),
        ("verdict = \"reject\"", Verdict::Reject),
        ("verdict = \"stop\"", Verdict::Stop),
    ];
    for (text, verdict) in verdicts {
        let provider = toml(&format!("[[provider.foxdata.rules]]\nhttp = 500\n{text}"), "foxdata").unwrap();
        assert_eq!(provider.rules[0].verdict, verdict, "{text}");
    }
    let exact = |text: &str| CodeMatch::Exact(text.to_owned());
    let conditions = [
        ("http = 429", vec![429..=429], vec![], Scope::Any),
        ("http = \"500..599\"", vec![500..=599], vec![], Scope::Any),
        ("http = [408, \"500..502\"]", vec![408..=408, 500..=502], vec![], Scope::Any),
        ("code = 3", vec![], vec![exact("3")], Scope::Any),
        ("code = \"Throttling.BurstRate\"", vec![], vec![exact("Throttling.BurstRate")], Scope::Any),
        ("code = \"-5..7\"", vec![], vec![CodeMatch::Range(-5..=7)], Scope::Any),
        ("code = [1, \"a\", \"missing\"]", vec![], vec![exact("1"), exact("a"), CodeMatch::Missing], Scope::Any),
        ("on = \"next_page\"", vec![], vec![], Scope::NextPage),
        ("path = \"/report\"", vec![], vec![], Scope::Path("/report".to_owned())),
    ];
    for (text, http, code, on) in conditions {
        let provider = toml(&format!("[[provider.foxdata.rules]]\n{text}\nverdict = \"stop\""), "foxdata").unwrap();
        let rule = &provider.rules[0];
        assert_eq!((&rule.http, &rule.code, &rule.on), (&http, &code, &on), "{text}");
    }
}

#[test]
fn a_provider_is_added_by_a_file_alone() {
    let file = "base_url = \"http://127.0.0.1:9/api/\"\nheaders = { b = \"1\", a = \"2\" }\nauth = { kind = \"bearer\", value = { env = \"K\" } }";
    let given = Given { files: &[("providers/mine.toml", file)], variables: &[], flags: &[] };
    let workspace = given.load().1.unwrap();
    assert_eq!(workspace.providers(), ["agushuju", "foxdata", "mine", "sensenova"]);
    let mine = workspace.provider("mine").unwrap();
    assert_eq!(mine.base_url.as_str(), "http://127.0.0.1:9/api");
    assert_eq!(mine.headers, [("b".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]);
    assert_eq!(mine.paging, Paging::None);
    assert_eq!(mine.max_body, 64 << 20);
    assert!(mine.limits.guessed.is_empty());
}

#[test]
fn keys_keep_the_order_of_the_layers_the_weaker_first() {
    let files = [
        ("providers/mine.toml", "base_url = \"https://a.b\"\nheaders = { z = \"1\", y = \"2\" }"),
        ("tidemill.toml", "[provider.mine.headers]\nx = \"3\"\ny = \"4\"\nw = \"5\""),
    ];
    let headers = Given { files: &files, variables: &[], flags: &[] }.provider("mine").unwrap().headers;
    let shown: Vec<String> = headers.iter().map(|(name, value)| format!("{name}{value}")).collect();
    assert_eq!(shown, ["z1", "y4", "x3", "w5"]);
}

#[test]
fn settings_are_found_upward_and_paths_belong_to_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, elsewhere) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::create_dir_all(workspace.join("jobs/deep")).unwrap();
    std::fs::create_dir_all(&elsewhere).unwrap();
    std::fs::write(workspace.join("tidemill.toml"), "state = \"s\"").unwrap();
    let load = |start: &Path, cwd: &Path, variables: &[(&str, &str)]| {
        let environment = variables.iter().copied().collect();
        Workspace::load(start, cwd, environment, &[]).unwrap().settings
    };
    let found = load(&workspace.join("jobs/deep"), &elsewhere, &[]);
    assert_eq!(
        (found.root.as_path(), found.state, found.output),
        (&*workspace, workspace.join("s"), workspace.join("data"))
    );
    assert_eq!(found.file, Some(workspace.join("tidemill.toml")));
    let from_cwd = load(&elsewhere, &workspace, &[]);
    assert_eq!((from_cwd.root.as_path(), from_cwd.file), (&*workspace, Some(workspace.join("tidemill.toml"))));
    let none = load(&elsewhere, &elsewhere, &[("TIDEMILL_OUTPUT", "2026")]);
    assert_eq!((none.file, none.state, none.output), (None, elsewhere.join(".tidemill"), elsewhere.join("2026")));
}

#[test]
fn dotenv_never_overrides_the_environment() {
    let given = Given {
        files: &[("tidemill.toml", ""), (".env", "A=file\nB='from file'\nTIDEMILL_STATE=x\n")],
        variables: &[("A", "real")],
        flags: &[],
    };
    let (folder, workspace) = given.load();
    let workspace = workspace.unwrap();
    assert_eq!((workspace.environment.get("A"), workspace.environment.get("B")), (Some("real"), Some("from file")));
    assert_eq!(workspace.settings.state, folder.path().join("x"));
    assert!(!format!("{:?}", workspace.environment).contains("real"));
}

#[test]
fn pages_survive_the_loss_of_power_unless_that_is_given_up() {
    for (text, set, due) in [
        ("", "", true),
        ("durability = \"process\"", "", false),
        ("", "process", false),
        ("durability = \"process\"", "power", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tidemill.toml"), text).unwrap();
        let flags: Vec<_> = (!set.is_empty()).then(|| ("durability".to_owned(), set.to_owned())).into_iter().collect();
        let workspace =
            Workspace::load(folder.path(), folder.path(), Vec::<(&str, &str)>::new().into_iter().collect(), &flags)
                .unwrap();
        assert_eq!(workspace.settings.survives_power_loss, due, "{text} {set}");
    }
}

#[test]
fn how_a_limit_is_kept_outlives_a_new_number() {
    let below = "base_url = \"https://a.b\"\n[limits]\nqps = { max = 10, kind = \"bucket\" }\n\
                 credits_per_day = { max = 500, resets = \"00:00\", zone = \"Asia/Shanghai\" }\n\
                 windows = [{ max = 9, per = \"30d\", of = \"credits\" }, { max = 50, per = \"10s\", kind = \"bucket\" }]";
    let above = "[provider.mine]\nlimits = { qps = 7, credits_per_day = 800 }";
    let files = [("providers/mine.toml", below), ("tidemill.toml", above)];
    let limits = Given { files: &files, variables: &[], flags: &[] }.provider("mine").unwrap().limits;
    let credits = |window| Window { unit: Unit::Credits, ..window };
    assert_eq!(
        limits.windows,
        [
            Window { bucket: true, ..rolling(7, 1) },
            credits(daily(800, "Asia/Shanghai")),
            credits(rolling(9, 30 * 86_400)),
            Window { bucket: true, ..rolling(50, 10) },
        ]
    );
}
