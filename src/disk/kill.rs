//! Death at a chosen step; tests only.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts a step, and dies at the one that `TIDEMILL_DISK_STEP` names as by kill -9: nothing is flushed, nothing is
/// dropped, other threads stop where they are.
pub(super) fn die_if_due() {
    static LAST: LazyLock<Option<u64>> = LazyLock::new(|| {
        let order = std::env::var("TIDEMILL_DISK_STEP").ok()?;
        let step = order.strip_prefix("kill@").and_then(|step| step.parse().ok());
        // An order that is misread would be a proof of nothing.
        Some(step.unwrap_or_else(|| panic!("TIDEMILL_DISK_STEP is `kill@N`, not `{order}`")))
    });
    static STEPS: AtomicU64 = AtomicU64::new(0);
    if let Some(last) = *LAST
        && STEPS.fetch_add(1, Ordering::Relaxed) + 1 == last
    {
        std::process::abort();
    }
}
