//! Secrets that nobody has set yet: no mistake of a job or of settings, but a run needs them.

use crate::job::Problem;
use crate::provider::{Credential, Environment, Provider, SecretError, SecretRef};

/// Fills in a variable for each secret of `providers` that is in no place where it is looked for, so that all else can be
/// checked, and says which.
pub(super) fn stand_in(environment: &mut Environment, providers: &[Provider]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for provider in providers {
        let errors = Credential::resolve(provider, environment).map_or_else(|missing| missing.errors, |_| Vec::new());
        for error in errors {
            if let SecretError::Missing { reference: SecretRef::Env(name), .. } = &error {
                environment.set(name, "not set");
                let message = format!("provider `{}`: {error}", provider.name);
                warnings.push(Problem::new("", message).hint(error.hint()));
            }
        }
    }
    warnings
}
