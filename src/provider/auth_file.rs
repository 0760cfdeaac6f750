//! The mirror of `[auth]` and its check: each kind takes its own keys and no others.

use std::path::{Path, PathBuf};

use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::job::{Problem, Problems, parse_duration};

use super::{Auth, SecretRef};

/// How a request proves who asks.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthFile {
    /// Where the credential goes; that of the weaker layer when absent.
    pub kind: Option<AuthKind>,
    /// `header`: name of the header. `query`, `json`, `form`: name of the parameter or field.
    pub name: Option<String>,
    /// `header`: text before the secret; nothing when absent.
    pub prefix: Option<String>,
    /// `header`, `bearer`, `query`, `json`, `form`: the key.
    pub value: Option<SecretFile>,
    /// `basic`: the user name.
    pub user: Option<SecretFile>,
    /// `basic`: the password.
    pub password: Option<SecretFile>,
    /// `jwt`: becomes the claim `iss`.
    pub access_key: Option<SecretFile>,
    /// `jwt`: signs the token.
    pub secret_key: Option<SecretFile>,
    /// `jwt`: how long a token is valid, as a length of time; `30m` when absent.
    pub lifetime: Option<String>,
    /// `jwt`: how far before now it begins to be valid; `5s` when absent.
    pub leeway: Option<String>,
    /// `jwt`: share of the lifetime after which a new token is made, 0.1 to 0.95; `0.8` when absent.
    #[schemars(range(min = 0.1, max = 0.95))]
    pub renew_at: Option<f64>,
}

/// Where a credential goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthKind {
    /// Nowhere: the provider asks for none.
    None,
    /// A header of any name.
    Header,
    /// `Authorization: Bearer`.
    Bearer,
    /// A query parameter.
    Query,
    /// A top-level field of a JSON body.
    Json,
    /// A field of a form body.
    Form,
    /// A segment of the path; not built yet.
    Path,
    /// `Authorization: Basic`.
    Basic,
    /// A JSON Web Token signed HS256, as `Authorization: Bearer`.
    Jwt,
}

/// A reference to a secret; exactly one key. The secret itself never stands in a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// An environment variable; `NAME_FILE` naming a file is looked at when it is missing or empty.
    pub env: Option<String>,
    /// A file, relative to the folder of `tidemill.toml`.
    pub file: Option<PathBuf>,
    /// A command that prints it; not built yet.
    pub command: Option<String>,
}

/// Every key of `[auth]` that refers to a secret.
pub(super) const SECRET_KEYS: [&str; 5] = ["value", "user", "password", "access_key", "secret_key"];

/// The keys of `[auth]` that `kind`, as a file writes it, takes for secrets.
pub(super) fn secret_keys_of(kind: &Value) -> &'static [&'static str] {
    AuthKind::deserialize(kind).map_or(&[], AuthKind::secret_keys)
}

impl AuthKind {
    fn secret_keys(self) -> &'static [&'static str] {
        match self {
            Self::None => &[],
            Self::Header | Self::Bearer | Self::Query | Self::Json | Self::Form | Self::Path => &["value"],
            Self::Basic => &["user", "password"],
            Self::Jwt => &["access_key", "secret_key"],
        }
    }

    fn other_keys(self) -> &'static [&'static str] {
        match self {
            Self::None | Self::Bearer | Self::Basic | Self::Path => &[],
            Self::Header => &["name", "prefix"],
            Self::Query | Self::Json | Self::Form => &["name"],
            Self::Jwt => &["lifetime", "leeway", "renew_at"],
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Header => "header",
            Self::Bearer => "bearer",
            Self::Query => "query",
            Self::Json => "json",
            Self::Form => "form",
            Self::Path => "path",
            Self::Basic => "basic",
            Self::Jwt => "jwt",
        }
    }
}

impl AuthFile {
    /// The checked form; relative secret files are found below `root`.
    pub(super) fn parse(self, root: &Path, path: &str, problems: &mut Problems) -> Option<Auth> {
        let Some(kind) = self.kind else {
            problems.push(
                Problem::new(format!("{path}/kind"), "missing key `kind`")
                    .hint("allowed: `none`, `header`, `bearer`, `query`, `json`, `form`, `basic`, `jwt`"),
            );
            return None;
        };
        if kind == AuthKind::Path {
            let message = "`path` is not built yet: a key inside the path of a URL cannot be sent";
            problems.push(Problem::new(format!("{path}/kind"), message));
            return None;
        }
        self.refuse_foreign_keys(kind, path, problems);
        let before = problems.0.len();
        let mut reader = Reader { root, path, problems };
        let auth = match kind {
            AuthKind::None | AuthKind::Path => Some(Auth::None),
            AuthKind::Header => reader.header(self.name, self.prefix, self.value),
            AuthKind::Bearer => reader.secret("value", self.value).map(|value| Auth::Header {
                name: "Authorization".to_owned(),
                prefix: "Bearer ".to_owned(),
                value,
            }),
            AuthKind::Query => reader.named(self.name, self.value).map(|(name, value)| Auth::Query { name, value }),
            AuthKind::Json => reader.named(self.name, self.value).map(|(name, value)| Auth::Json { name, value }),
            AuthKind::Form => reader.named(self.name, self.value).map(|(name, value)| Auth::Form { name, value }),
            AuthKind::Basic => {
                let user = reader.secret("user", self.user);
                let password = reader.secret("password", self.password);
                user.zip(password).map(|(user, password)| Auth::Basic { user, password })
            }
            AuthKind::Jwt => reader.jwt(self),
        };
        auth.filter(|_| problems.0.len() == before)
    }

    fn refuse_foreign_keys(&self, kind: AuthKind, path: &str, problems: &mut Problems) {
        let present = [
            ("name", self.name.is_some()),
            ("prefix", self.prefix.is_some()),
            ("value", self.value.is_some()),
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("access_key", self.access_key.is_some()),
            ("secret_key", self.secret_key.is_some()),
            ("lifetime", self.lifetime.is_some()),
            ("leeway", self.leeway.is_some()),
            ("renew_at", self.renew_at.is_some()),
        ];
        let allowed: Vec<&str> = kind.other_keys().iter().chain(kind.secret_keys()).copied().collect();
        for (key, _) in present.iter().filter(|(key, is_present)| *is_present && !allowed.contains(key)) {
            let names: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
            let hint = if names.is_empty() {
                "it takes no other key".to_owned()
            } else {
                format!("allowed beside `kind`: {}", names.join(", "))
            };
            let message = format!("auth of kind `{}` takes no `{key}`", kind.word());
            problems.push(Problem::new(format!("{path}/{key}"), message).key().hint(hint));
        }
    }
}

struct Reader<'a> {
    root: &'a Path,
    path: &'a str,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn problem(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(format!("{}/{key}", self.path), message));
    }

    fn secret(&mut self, key: &str, file: Option<SecretFile>) -> Option<SecretRef> {
        let Some(file) = file else {
            let missing = Problem::new(format!("{}/{key}", self.path), format!("missing key `{key}`"));
            self.problems.push(missing.hint(format!("write `{key} = {{ env = \"NAME\" }}`")));
            return None;
        };
        match (file.env, file.file, file.command) {
            (Some(name), None, None) if is_variable_name(&name) => Some(SecretRef::Env(name)),
            (Some(name), None, None) => {
                self.problem(&format!("{key}/env"), format!("`{name}` cannot be the name of a variable"));
                None
            }
            (None, Some(file), None) if !file.as_os_str().is_empty() => Some(SecretRef::File(self.root.join(file))),
            (None, None, Some(_)) => {
                let refused = "`command` is not built yet: secrets come from `env` or `file`";
                self.problems.push(Problem::new(format!("{}/{key}/command", self.path), refused).key());
                None
            }
            (_, _, _) => {
                let hint = "write `{ env = \"NAME\" }` or `{ file = \"path\" }`";
                let wrong = Problem::new(format!("{}/{key}", self.path), "a secret is named in exactly one way");
                self.problems.push(wrong.hint(hint));
                None
            }
        }
    }

    fn name(&mut self, name: Option<String>) -> Option<String> {
        let name = name.filter(|name| !name.is_empty());
        if name.is_none() {
            self.problem("name", "missing key `name`");
        }
        name
    }

    fn named(&mut self, name: Option<String>, value: Option<SecretFile>) -> Option<(String, SecretRef)> {
        let name = self.name(name);
        let value = self.secret("value", value);
        name.zip(value)
    }

    fn header(&mut self, name: Option<String>, prefix: Option<String>, value: Option<SecretFile>) -> Option<Auth> {
        let (name, value) = self.named(name, value)?;
        if HeaderName::try_from(&name).is_err() {
            self.problem("name", format!("`{name}` cannot be the name of a header"));
        }
        let prefix = prefix.unwrap_or_default();
        if prefix.chars().any(char::is_control) {
            self.problem("prefix", "a control character cannot stand in a header");
        }
        Some(Auth::Header { name, prefix, value })
    }

    fn jwt(&mut self, file: AuthFile) -> Option<Auth> {
        let access_key = self.secret("access_key", file.access_key);
        let secret_key = self.secret("secret_key", file.secret_key);
        let mut duration = |key: &str, text: Option<String>, otherwise: &str| {
            parse_duration(text.as_deref().unwrap_or(otherwise)).map_err(|message| self.problem(key, message)).ok()
        };
        let lifetime = duration("lifetime", file.lifetime, "30m")?;
        let leeway = duration("leeway", file.leeway, "5s")?;
        if lifetime.as_secs() == 0 {
            self.problem("lifetime", "a token must live for a second at least");
        }
        let renew_at = file.renew_at.unwrap_or(0.8);
        access_key.zip(secret_key).map(|(access_key, secret_key)| Auth::Jwt {
            access_key,
            secret_key,
            lifetime,
            leeway,
            renew_at,
        })
    }
}

fn is_variable_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0']) && !name.chars().any(char::is_whitespace)
}
