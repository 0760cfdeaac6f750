//! Asks base URLs for their headers, without a credential. [io]

use std::time::Duration;

use crate::fetch::{HttpTransport, TransportError, date};
use crate::provider::Provider;
use crate::quota::Clock;

use super::findings::Answer;

/// Who does not answer so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What comes back from `provider`; `proxied` when it is asked through a proxy.
pub(super) async fn ask(provider: &Provider, proxied: bool, clock: &Clock) -> Answer {
    let patient = Provider { timeout: provider.timeout.min(PATIENCE), ..provider.clone() };
    let transport = match HttpTransport::new(&patient) {
        Ok(transport) => transport,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let before = clock.now();
    let answer = transport.probe(&provider.base_url).await;
    let after = clock.now();
    let took = after.elapsed.saturating_sub(before.elapsed);
    match answer {
        Ok(answer) => {
            // A `Date` is cut to the second, so on average half of one has passed since; and it was set about half way.
            let theirs = date(&answer.headers).map(|date| date.as_millisecond() + 500);
            let half_way = before.wall.as_millisecond() + i64::try_from(took.as_millis() / 2).unwrap_or_default();
            Answer::Came {
                status: answer.status.as_u16(),
                ahead: theirs.map(|theirs| half_way - theirs),
                took_ms: took.as_millis(),
            }
        }
        Err(error) => Answer::Failed(in_words(&error, provider, proxied).await),
    }
}

/// Which of the steps to a connection failed. Behind a proxy the steps are not ours.
async fn in_words(error: &TransportError, provider: &Provider, proxied: bool) -> String {
    let url = &provider.base_url;
    let address = url.host_str().zip(url.port_or_known_default());
    match (error, address) {
        (TransportError::Connect(_), _) if proxied => format!("{error} (through the proxy)"),
        (TransportError::Connect(why), Some((host, port))) => match tokio::net::lookup_host((host, port)).await {
            Err(_) => format!("the name `{host}` cannot be resolved"),
            Ok(_) => format!("`{host}` has an address, but port {port} does not let us in: {why}"),
        },
        _ => error.to_string(),
    }
}
