//! A merged provider file becomes a [`Provider`], or every reason why it cannot.

use std::path::Path;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::job::{Paging, Pointer, Problem, Problems, parse_duration};

use super::file::{EnvelopeFile, Item, ProviderFile};
use super::layers::is_secret_header;
use super::limits_file::parse_zone;
use super::rule_file::RuleFile;
use super::{Auth, Envelope, Provider, Rule};

const MEBIBYTE: u64 = 1 << 20;

impl ProviderFile {
    /// The checked form of the provider `name`; relative secret files are found below `root`. Paths of problems begin
    /// at the provider's own table (`/base_url`).
    pub(super) fn build(self, name: &str, root: &Path) -> Result<Provider, Problems> {
        let mut problems = Problems::default();
        let zone = match self.zone.as_deref() {
            None => Some(TimeZone::UTC),
            Some(zone) => parse_zone(zone, "/zone", &mut problems),
        };
        let auth = match self.auth {
            None => Some(Auth::None),
            Some(auth) => auth.parse(root, "/auth", &mut problems),
        };
        // A broken `auth` table still means that there is a credential to protect.
        let has_secret = auth.as_ref().is_none_or(|auth| auth.secrets().next().is_some());
        let base_url = base_url(self.base_url.as_deref(), has_secret, &mut problems);
        let headers = headers(self.headers.unwrap_or_default(), &mut problems);
        let envelope = envelope(self.envelope.unwrap_or_default(), &mut problems);
        let mut rules = rules(self.rules_first, "/rules_first", &mut problems);
        rules.extend(self::rules(self.rules, "/rules", &mut problems));
        let limits_zone = zone.clone().unwrap_or(TimeZone::UTC);
        let limits = self.limits.unwrap_or_default().parse(&limits_zone, "/limits", &mut problems);
        let paging = match self.paging {
            None => Some(Paging::None),
            Some(paging) => paging.parse("/paging", &mut problems),
        };
        let max_wait = duration(self.max_wait.as_deref().unwrap_or("5m"), "/max_wait", &mut problems);
        let timeout = duration(self.timeout.as_deref().unwrap_or("60s"), "/timeout", &mut problems);
        if timeout == Some(Duration::ZERO) {
            problems.push(Problem::new("/timeout", "no attempt can be done in no time"));
        }
        let max_body = self.max_body.map_or(Some(64 * MEBIBYTE), |size| max_body(&size, &mut problems));
        let built = (|| {
            Some(Provider {
                name: name.to_owned(),
                base_url: base_url?,
                zone: zone?,
                auth: auth?,
                headers,
                envelope,
                ignores_unknown: self.ignores_unknown.unwrap_or(false),
                rules,
                limits: limits?,
                paging: paging?,
                max_wait: max_wait?,
                timeout: timeout?,
                max_body: max_body?,
                simulation: self.simulate.unwrap_or_default(),
            })
        })();
        match built {
            Some(provider) => problems.or(provider),
            None => Err(problems),
        }
    }
}

fn base_url(text: Option<&str>, has_secret: bool, problems: &mut Problems) -> Option<Url> {
    let Some(text) = text else {
        problems.push(Problem::new("/base_url", "missing key `base_url`"));
        return None;
    };
    let mut wrong = |message: String| problems.push(Problem::new("/base_url", message));
    let Ok(mut url) = Url::parse(text) else {
        wrong("this is no URL: it begins with `https://` and names a host".to_owned());
        return None;
    };
    if !matches!(url.scheme(), "http" | "https") {
        wrong(format!("the scheme `{}` is not `https` or `http`", url.scheme()));
        return None;
    }
    if !url.username().is_empty() || url.password().is_some() {
        wrong("a base URL holds no user name or password: use `[auth]`".to_owned());
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        wrong("a base URL has no `?` and no `#`: a key in the query is `auth = { kind = \"query\", … }`".to_owned());
        return None;
    }
    if has_secret && url.scheme() == "http" && !is_loopback(&url) {
        let refused = Problem::new("/base_url", "`http` would send the credential in clear text");
        problems.push(refused.hint("write `https`; only loopback addresses may be asked with `http`"));
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn headers(headers: Map<String, Value>, problems: &mut Problems) -> Vec<(String, String)> {
    let mut checked = Vec::new();
    for (name, value) in headers {
        let path = format!("/headers/{name}");
        let text = value.as_str().unwrap_or_default();
        if HeaderName::try_from(&name).is_err() {
            problems.push(Problem::new(&path, format!("`{name}` cannot be the name of a header")).key());
        } else if is_secret_header(&name) {
            let message = format!("`{name}` carries a secret, and settings never hold one");
            problems.push(Problem::new(&path, message).key().hint("use `[auth]`"));
        } else if HeaderValue::try_from(text).is_err() {
            problems.push(Problem::new(&path, "a control character cannot stand in a header"));
        } else {
            checked.push((name, text.to_owned()));
        }
    }
    checked
}

fn envelope(file: EnvelopeFile, problems: &mut Problems) -> Envelope {
    let pointers = |texts: Option<super::file::Texts>| -> Vec<Pointer> {
        texts.iter().flat_map(|texts| texts.as_slice()).map(|text| Pointer::parse(text)).collect()
    };
    let envelope = Envelope {
        code: pointers(file.code),
        message: pointers(file.message),
        ok: file.ok.unwrap_or_default().iter().map(Item::text).collect(),
        ok_when_absent: file.ok_when_absent.unwrap_or(false),
        records: Pointer::parse(&file.records.unwrap_or_default()),
        cost: file.cost.as_deref().map(Pointer::parse),
    };
    if !envelope.code.is_empty() && envelope.ok.is_empty() && !envelope.ok_when_absent {
        let message = "answers carry a code, but no code means success";
        problems.push(Problem::new("/envelope/ok", message).hint("list them, such as `ok = [0]`"));
    }
    if envelope.code.is_empty() && !envelope.ok.is_empty() {
        let message = "`ok` lists codes, but `code` does not say where they stand";
        problems.push(Problem::new("/envelope/ok", message).key().hint("add `code = \"/code\"`"));
    }
    envelope
}

fn rules(files: Option<Vec<RuleFile>>, path: &str, problems: &mut Problems) -> Vec<Rule> {
    let files = files.unwrap_or_default().into_iter().enumerate();
    files.filter_map(|(index, rule)| rule.parse(&format!("{path}/{index}"), problems)).collect()
}

fn duration(text: &str, path: &str, problems: &mut Problems) -> Option<Duration> {
    parse_duration(text).map_err(|message| problems.push(Problem::new(path, message))).ok()
}

fn max_body(size: &Item, problems: &mut Problems) -> Option<u64> {
    let text = size.text();
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(MEBIBYTE),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let bytes = digits.parse::<u64>().ok().zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
    let bytes = bytes.filter(|bytes| *bytes > 0);
    if bytes.is_none() {
        let message = format!("`{text}` is no size: bytes, or a whole number and `KiB`, `MiB` or `GiB`");
        problems.push(Problem::new("/max_body", message));
    }
    bytes
}
