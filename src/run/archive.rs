//! Which raw pages of published partitions are kept, and for how long. Pure.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::job::Archive;

/// The pages of one published partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Archived {
    /// Hash of the partition.
    pub(super) hash: String,
    /// When its file was published.
    pub(super) committed: Timestamp,
    /// Bytes of its pages on disk.
    pub(super) bytes: u64,
    /// Cells of it may be asked for again, which builds on these pages: they stay whatever is said.
    pub(super) needed: bool,
}

/// The hashes of those that `archive` no longer keeps at `now`: what is too old, then the oldest until the rest fits.
pub(super) fn expired(mut pages: Vec<Archived>, archive: &Archive, now: Timestamp) -> HashSet<String> {
    let keep = SignedDuration::try_from(archive.keep).unwrap_or(SignedDuration::MAX);
    pages.retain(|one| !one.needed);
    // Newest first; the hash settles ties, so that a run after a crash decides the same.
    pages.sort_by(|one, other| (other.committed, &other.hash).cmp(&(one.committed, &one.hash)));
    let mut total: u64 = 0;
    let mut full = false;
    pages
        .into_iter()
        .filter_map(|one| {
            let old = now.duration_since(one.committed) >= keep;
            if !old {
                total = total.saturating_add(one.bytes);
                full |= archive.max_bytes.is_some_and(|most| total > most);
            }
            (old || full).then_some(one.hash)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_old_and_then_the_oldest_go() {
        let at = |hour: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let page = |hash: &str, hour, bytes| Archived { hash: hash.into(), committed: at(hour), bytes, needed: false };
        let pages = || vec![page("a", 0, 10), page("b", 5, 10), page("c", 9, 10), page("d", 10, 1)];
        let needed = Archived { needed: true, ..page("n", 0, 1000) };
        let hours = |hours| Duration::from_hours(hours);
        let table = [
            (hours(100), None, ""),
            (hours(0), None, "abcd"),
            (hours(10), None, "a"),
            (hours(5), None, "ab"),
            (hours(100), Some(31), ""),
            (hours(100), Some(30), "a"),
            (hours(100), Some(11), "ab"),
            (hours(100), Some(10), "abc"),
            // One that does not fit takes those older than it along, or the archive would have holes.
            (hours(100), Some(0), "abcd"),
            (hours(5), Some(10), "abc"),
        ];
        for (keep, max_bytes, due) in table {
            let mut all = pages();
            all.push(needed.clone());
            let mut found: Vec<String> = expired(all, &Archive { keep, max_bytes }, at(10)).into_iter().collect();
            found.sort();
            assert_eq!(found.concat(), due, "keep {keep:?}, at most {max_bytes:?}");
        }
    }
}
