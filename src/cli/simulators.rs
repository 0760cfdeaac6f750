//! Simulators inside this process, one per provider of a run.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use url::Url;

use crate::job::{Problem, Problems};
use crate::provider::{Environment, Provider, SecretRef};
use crate::quota::Clock;
use crate::simulate::{Faults, Options, SimSecrets, Simulator};

use super::start::CommandError;

/// A simulator that listens.
pub(super) struct Listening {
    /// The provider, played.
    pub(super) simulator: Arc<Mutex<Simulator>>,
    /// Where it listens.
    pub(super) listener: TcpListener,
    /// What a client uses as base URL.
    pub(super) base_url: Url,
    /// What it demands.
    pub(super) secrets: SimSecrets,
}

/// Binds a simulator of `provider` to `port` of this machine, demanding the secrets `environment` holds.
pub(super) async fn listen(
    provider: &Provider,
    environment: &Environment,
    faults: &[String],
    options: Options,
    port: u16,
) -> Result<Listening, CommandError> {
    let faults = Faults::parse(&faults.join(","), provider)
        .map_err(|error| Problems(vec![Problem::new("", error.to_string())]))?;
    let secrets = SimSecrets::resolve(provider, |reference| reference.resolve(environment).ok());
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|source| CommandError::Io { what: format!("cannot listen on port {port} of 127.0.0.1"), source })?;
    let address = listener
        .local_addr()
        .map_err(|source| CommandError::Io { what: "the port of the simulator is unknown".to_owned(), source })?;
    let mut base_url = provider.base_url.clone();
    let set = base_url.set_scheme("http").and_then(|()| base_url.set_ip_host(address.ip()));
    if set.and_then(|()| base_url.set_port(Some(address.port()))).is_err() {
        return Err(Problems(vec![Problem::new("", "the provider's base URL cannot be simulated")]).into());
    }
    let simulator = Simulator::new(provider, secrets.clone(), Options { faults, ..options });
    Ok(Listening { simulator: Arc::new(Mutex::new(simulator)), listener, base_url, secrets })
}

/// Serves every simulator until the future `work` ends.
pub(super) async fn serve_while<T>(
    listening: HashMap<String, Listening>,
    clock: &Clock,
    work: impl Future<Output = T>,
) -> T {
    let servers = listening
        .into_values()
        .map(|one| crate::simulate::serve(one.listener, one.simulator, clock.clone(), std::future::pending()));
    // Without a simulator, or once its listener fails, nothing is left to serve, but the work goes on: a run then
    // reports by itself that nobody answers.
    let servers = async {
        futures_util::future::join_all(servers).await;
        std::future::pending::<std::convert::Infallible>().await
    };
    tokio::select! {
        done = work => done,
        never = servers => match never {},
    }
}

/// The documented secrets, one a line, for the person.
pub(super) fn documented(secrets: &SimSecrets) -> Vec<String> {
    secrets
        .entries()
        .iter()
        .map(|secret| match (&secret.reference, &secret.documented) {
            (SecretRef::Env(name), Some(value)) => format!("export {name}={value}"),
            (SecretRef::Env(name), None) => format!("# {name} as in your environment"),
            (SecretRef::File(path), Some(value)) => format!("# {} must hold {value}", path.display()),
            (SecretRef::File(path), None) => format!("# the secret in {}", path.display()),
        })
        .collect()
}
