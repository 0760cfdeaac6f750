//! The ledger as the tasks of a run share it: one connection, every call on a blocking thread.

use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::aside;
use crate::ledger::{Ledger, LedgerError};

use super::error::RunError;

/// A handle to the ledger; cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Mutex<Box<dyn Ledger>>>);

impl Store {
    /// Shares `ledger`.
    pub fn new(ledger: Box<dyn Ledger>) -> Self {
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// One call, from a blocking thread.
    pub fn now<T>(&self, call: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        // A panic inside a transaction rolled it back; the connection is sound.
        call(self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut())
    }

    /// One call, from an async task.
    pub async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, RunError> {
        let store = self.clone();
        blocking(move || Ok(store.now(call)?)).await
    }
}

/// Runs `work` on a blocking thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    aside(work).await.unwrap_or(Err(RunError::Worker))
}
