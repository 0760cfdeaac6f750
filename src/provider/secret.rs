//! Where a secret is found, and how it is read. [io]
//!
//! Invariant: a settings file never holds a secret, and an error names places, never values.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{Auth, Environment};

/// A reference to a secret, as settings write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable; `NAME_FILE` naming a file is looked at too.
    Env(String),
    /// A file; white space around its text is cut.
    File(PathBuf),
}

/// Why a secret cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing was found in any place.
    #[error("no secret found; looked at {}", looked.join(", then "))]
    Missing {
        /// What was looked for.
        reference: SecretRef,
        /// The places in order, each with what was wrong there.
        looked: Vec<String>,
    },
    /// A line break or another control character inside: it could not be sent.
    #[error("the secret in {at} has a line break or another control character inside")]
    Unusable {
        /// Where it was found.
        at: String,
    },
}

impl SecretError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { reference: SecretRef::Env(name), .. } => format!(
                "set it: `export {name}=…`, or put it into `.env` beside tidemill.toml; `run --simulate` needs none"
            ),
            Self::Missing { reference: SecretRef::File(path), .. } => {
                format!("write it into `{}`, readable by you alone", path.display())
            }
            Self::Unusable { .. } => "keep the secret alone there, on one line".to_owned(),
        }
    }
}

impl SecretRef {
    /// Reads the secret, white space around it cut. A variable that is empty counts as missing.
    pub fn resolve(&self, environment: &Environment) -> Result<SecretString, SecretError> {
        self.find(environment).map(|(_, secret)| secret)
    }

    /// Where the secret is: `variable …` or `file …`.
    pub fn place(&self, environment: &Environment) -> Result<String, SecretError> {
        self.find(environment).map(|(at, _)| at)
    }

    fn find(&self, environment: &Environment) -> Result<(String, SecretString), SecretError> {
        let mut looked = Vec::new();
        let found = match self {
            Self::Env(name) => variable(name, environment, &mut looked),
            Self::File(path) => file(path, String::new(), &mut looked),
        };
        let Some((at, secret)) = found else {
            return Err(SecretError::Missing { reference: self.clone(), looked });
        };
        if secret.chars().any(char::is_control) {
            return Err(SecretError::Unusable { at });
        }
        Ok((at, SecretString::from(secret)))
    }
}

impl Auth {
    /// The references of this kind, in the order of [`super::Credential`]'s secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let (first, second) = match self {
            Self::None => (None, None),
            Self::Header { value, .. }
            | Self::Query { value, .. }
            | Self::Json { value, .. }
            | Self::Form { value, .. } => (Some(value), None),
            Self::Basic { user, password } => (Some(user), Some(password)),
            Self::Jwt { access_key, secret_key, .. } => (Some(access_key), Some(secret_key)),
        };
        first.into_iter().chain(second)
    }
}

fn variable(name: &str, environment: &Environment, looked: &mut Vec<String>) -> Option<(String, String)> {
    match environment.get(name).map(str::trim) {
        Some("") => looked.push(format!("variable `{name}` (empty)")),
        Some(value) => return Some((format!("variable `{name}`"), value.to_owned())),
        None => looked.push(format!("variable `{name}` (not set)")),
    }
    let file_name = format!("{name}_FILE");
    match environment.get(&file_name) {
        Some("") => looked.push(format!("variable `{file_name}` (empty)")),
        Some(path) => return file(&PathBuf::from(path), format!(" of `{file_name}`"), looked),
        None => looked.push(format!("variable `{file_name}` (not set)")),
    }
    None
}

fn file(path: &std::path::Path, origin: String, looked: &mut Vec<String>) -> Option<(String, String)> {
    let at = format!("file `{}`{origin}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => looked.push(format!("{at} (empty)")),
        Ok(text) => return Some((at, text.trim().to_owned())),
        Err(error) => looked.push(format!("{at} ({})", error.kind())),
    }
    None
}
