//! Which wire a job has: jobs of one provider share one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::fetch::{HttpTransport, Transport, TransportError};
use crate::provider::Provider;

use super::prepare::Prepared;

/// A job with its wire.
pub struct Assigned {
    /// The job and who serves it.
    pub prepared: Prepared,
    /// The wire.
    pub transport: Arc<dyn Transport>,
}

/// Gives each job its wire; `wire` makes one, once for each provider.
///
/// # Errors
/// When one cannot be made.
pub fn assign(
    prepared: Vec<Prepared>,
    mut wire: impl FnMut(&Provider) -> Result<Arc<dyn Transport>, TransportError>,
) -> Result<Vec<Assigned>, TransportError> {
    let mut wires: HashMap<String, Arc<dyn Transport>> = HashMap::new();
    let mut assigned = Vec::new();
    for prepared in prepared {
        let provider = &prepared.provider;
        let transport = match wires.get(&provider.name) {
            Some(wire) => Arc::clone(wire),
            None => wire(provider)?,
        };
        wires.insert(provider.name.clone(), Arc::clone(&transport));
        assigned.push(Assigned { prepared, transport });
    }
    Ok(assigned)
}

/// The wire of a run in earnest.
///
/// # Errors
/// When the HTTP client cannot start.
pub fn over_http(provider: &Provider) -> Result<Arc<dyn Transport>, TransportError> {
    Ok(Arc::new(HttpTransport::new(provider)?))
}
