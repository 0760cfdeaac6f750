//! Which secrets the simulator demands: exactly those the caller found, else documented ones it may print.
//!
//! Invariant: a secret that was found is never shown; only the documented ones are.

use secrecy::SecretString;

use crate::provider::{Auth, Environment, Provider, SecretRef};

/// The secrets of one provider, in the order its `auth` names them.
#[derive(Debug, Clone)]
pub struct SimSecrets {
    entries: Vec<SimSecret>,
}

/// One secret.
#[derive(Debug, Clone)]
pub struct SimSecret {
    /// Where the client finds it.
    pub reference: SecretRef,
    /// What the simulator demands.
    pub value: SecretString,
    /// The text to print when it is the documented one; `None`: the caller found it, it is not ours to show.
    pub documented: Option<String>,
}

impl SimSecrets {
    /// Asks `find` for each secret of `provider`; those not found (or empty) get their documented value, such as
    /// `sk-simulated-foxdata`, or `simulated-sensenova-access-key` where a provider has several.
    pub fn resolve(provider: &Provider, find: impl Fn(&SecretRef) -> Option<SecretString>) -> Self {
        use secrecy::ExposeSecret;
        let references = references(&provider.auth);
        let several = references.len() > 1;
        let entries = references
            .into_iter()
            .map(|reference| {
                let found = find(reference).filter(|value| !value.expose_secret().is_empty());
                let documented = found.is_none().then(|| documented(&provider.name, reference, several));
                let value = found.unwrap_or_else(|| SecretString::from(documented.clone().unwrap_or_default()));
                SimSecret { reference: reference.clone(), value, documented }
            })
            .collect();
        Self { entries }
    }

    /// The secret behind `reference`, so that a run in the same process signs with what is demanded.
    pub fn get(&self, reference: &SecretRef) -> Option<&SecretString> {
        self.entries.iter().find(|entry| &entry.reference == reference).map(|entry| &entry.value)
    }

    /// All of them.
    pub fn entries(&self) -> &[SimSecret] {
        &self.entries
    }
}

/// `environment` with the documented secret of the simulator wherever the person has set none.
pub fn with_secrets(environment: &Environment, providers: &[Provider]) -> Environment {
    let mut environment = environment.clone();
    for provider in providers {
        let secrets = SimSecrets::resolve(provider, |reference| reference.resolve(&environment).ok());
        for secret in secrets.entries() {
            if let (SecretRef::Env(name), Some(documented)) = (&secret.reference, &secret.documented) {
                environment.set(name, documented);
            }
        }
    }
    environment
}

fn references(auth: &Auth) -> Vec<&SecretRef> {
    match auth {
        Auth::None => Vec::new(),
        Auth::Header { value, .. }
        | Auth::Query { value, .. }
        | Auth::Json { value, .. }
        | Auth::Form { value, .. } => {
            vec![value]
        }
        Auth::Basic { user, password } => vec![user, password],
        Auth::Jwt { access_key, secret_key, .. } => vec![access_key, secret_key],
    }
}

fn documented(provider: &str, reference: &SecretRef, several: bool) -> String {
    if !several {
        return format!("sk-simulated-{provider}");
    }
    let name = match reference {
        SecretRef::Env(name) => name.clone(),
        SecretRef::File(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    };
    format!("simulated-{}", name.to_lowercase().replace('_', "-"))
}
